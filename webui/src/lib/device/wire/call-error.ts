/** Why a call to a hub did not succeed, by what to do about it; the twin of `CallError` in `protocol/src/client/http.rs`. */

import { Problem, readProblem } from '$lib/api/problem';

export type CallKind =
  /** The hub was not reached, or fell silent. Trying again may help. */
  | 'unreachable'
  /** The hub is there and asks to come later. */
  | 'busy'
  /** The hub does not know this phone any more. Nothing is lost; join again. */
  | 'join_again'
  /** The hub's disk is full. Nothing is lost. */
  | 'full'
  /** What was sent is not taken, now or later. */
  | 'refused'
  /** What was asked for is not there. */
  | 'gone'
  /** The hub does not let this phone do it. */
  | 'denied'
  /** The answer is none of a hub, or of another hub than the one that is known. */
  | 'garbled';

export class CallError extends Problem {
  constructor(
    readonly kind: CallKind,
    fields: { code: string; status: number; detail: string; retry: boolean },
    /** When the hub asked to come again. */
    readonly againInMs = 0,
  ) {
    super(fields);
    this.name = 'CallError';
  }

  static override unreachable(): CallError {
    return new CallError('unreachable', { code: 'unreachable', status: 0, detail: '', retry: true });
  }

  /** An answer that no hub of ours gives; `code` says which way it is wrong. */
  static garbled(code: string, detail: string): CallError {
    return new CallError('garbled', { code, status: 0, detail, retry: false });
  }

  /** Whether the same call may succeed later with nobody doing anything. */
  get isPassing(): boolean {
    return this.kind === 'unreachable' || this.kind === 'busy';
  }
}

/** Reads an answer that is not 2xx. */
export async function readCallError(response: Response): Promise<CallError> {
  const problem = await readProblem(response);
  const seconds = Number(response.headers.get('Retry-After'));
  return new CallError(kindOf(problem), problem, Number.isFinite(seconds) ? seconds * 1000 : 0);
}

function kindOf({ status, code }: Problem): CallKind {
  // A connection that broke off while the hub read; the bytes that came were good.
  if (code === 'broken_off') return 'busy';
  // Twice in a row: the hub has just started again, or gives its nonces to many.
  if (code === 'nonce_stale') return 'busy';
  switch (status) {
    case 401:
      return 'join_again';
    case 507:
      return 'full';
    case 404:
    case 410:
      return 'gone';
    case 408:
    case 429:
      return 'busy';
    case 400:
    case 409:
    case 413:
    case 415:
    case 422:
      return 'refused';
    default:
      return status >= 500 ? 'busy' : 'denied';
  }
}
