/** One request without a signature: time-outs, and what is no answer. The signed ones in `client.ts` go through it too. */

import { CallError, readCallError } from './call-error';

/** What a request may take besides its bytes: a hub on an old disk commits within it. */
const SILENCE_MS = 40_000;
/** Bytes a millisecond below which a connection is given up and tried anew. */
const SLOWEST = 8;

export interface Request {
  method: string;
  /** With the query, as it is sent: `/api/v1/hub`. */
  path: string;
  headers?: Record<string, string>;
  body?: Uint8Array<ArrayBuffer>;
  /** What it may take altogether; else by its size. */
  patienceMs?: number;
  stop?: AbortSignal;
}

/** An answer, whole: read within the same patience, since a hub that falls silent in mid-answer is silent. */
export interface Answer {
  headers: Headers;
  text: string;
}

export type Fetch = typeof fetch;

/** An answer of the kind 2xx. Whatever else comes is thrown as a `CallError`. */
export async function send(get: Fetch, address: string, request: Request): Promise<Answer> {
  const { method, path, headers, body, stop } = request;
  stop?.throwIfAborted();
  const patience = new AbortController();
  const giveUp = () => patience.abort();
  const timer = setTimeout(giveUp, request.patienceMs ?? SILENCE_MS + (body?.length ?? 0) / SLOWEST);
  stop?.addEventListener('abort', giveUp, { once: true });
  try {
    const init: RequestInit = { method, headers, body, signal: patience.signal, credentials: 'omit', cache: 'no-store', redirect: 'error' };
    const response = await get(address + path, init);
    if (!response.ok) throw await readCallError(response);
    return { headers: response.headers, text: await response.text() };
  } catch (cause) {
    stop?.throwIfAborted();
    throw cause instanceof CallError ? cause : CallError.unreachable();
  } finally {
    clearTimeout(timer);
    stop?.removeEventListener('abort', giveUp);
  }
}

/** The body of an answer as JSON. Cut off in the middle, it is as if there were none. */
export function json<Body>({ text }: Answer): Body {
  try {
    return JSON.parse(text) as Body;
  } catch {
    throw CallError.garbled('garbled', 'The answer is not that of a hub.');
  }
}
