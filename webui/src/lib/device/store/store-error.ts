/** Why the store could not be used. */
export type StoreTrouble =
  /** The phone's storage is full, or the browser gives no more of it. */
  | 'full'
  /** A later version of the app wrote it; this page is an old one that was kept. */
  | 'too_new'
  /** The browser keeps nothing: a private window, or storage is switched off. */
  | 'no_storage'
  /** Another tab has a newer page, or was given another key: this page must be loaded anew. */
  | 'closed'
  | 'failed';

export class StoreError extends Error {
  constructor(
    readonly code: StoreTrouble,
    cause: unknown,
  ) {
    super(`the phone's store: ${code}`, { cause });
    this.name = 'StoreError';
  }

  static of(cause: unknown): unknown {
    const name = cause instanceof DOMException ? cause.name : '';
    if (name === 'QuotaExceededError') return new StoreError('full', cause);
    if (name === 'VersionError') return new StoreError('too_new', cause);
    if (name === 'InvalidStateError') return new StoreError('closed', cause);
    // Errors of the rules pass as they are.
    return cause instanceof DOMException ? new StoreError('failed', cause) : cause;
  }
}
