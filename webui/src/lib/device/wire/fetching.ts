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
  /** Else nothing is kept: what a hub says is true of that moment. */
  cache?: RequestCache;
  stop?: AbortSignal;
}

/** An answer, whole: read within the same patience, since a hub that falls silent in mid-answer is silent. */
export interface Answer {
  headers: Headers;
  text: string;
}

export type Fetch = typeof fetch;

/** One request, whose answer is read as bytes or as text. */
export type Send<Read> = (get: Fetch, address: string, request: Request) => Promise<Read>;

/** An answer of the kind 2xx. Whatever else comes is thrown as a `CallError`. */
export const send: Send<Answer> = (get, address, request) =>
  exchange(get, address, request, async (response) => ({ headers: response.headers, text: await response.text() }));

/** The same, where the body is no text. */
export const sendForBytes: Send<ArrayBuffer> = (get, address, request) => exchange(get, address, request, (response) => response.arrayBuffer());

async function exchange<Read>(get: Fetch, address: string, request: Request, read: (response: Response) => Promise<Read>): Promise<Read> {
  const { method, path, headers, body, cache = 'no-store', stop } = request;
  stop?.throwIfAborted();
  const patience = new AbortController();
  const giveUp = () => patience.abort();
  const timer = setTimeout(giveUp, request.patienceMs ?? SILENCE_MS + (body?.length ?? 0) / SLOWEST);
  stop?.addEventListener('abort', giveUp, { once: true });
  try {
    const init: RequestInit = { method, headers, body, signal: patience.signal, credentials: 'omit', cache, redirect: 'error' };
    const response = await get(address + path, init);
    if (!response.ok) throw await readCallError(response);
    return await read(response);
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
