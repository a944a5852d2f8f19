/**
 * Whether something is being recorded, in this tab or another: a new version of the app waits until nothing is.
 *
 * The recording pages call `begin` and `end`; `install/keeper.svelte.ts` asks. It promises: a tab that was closed or has crashed
 * holds nothing up, since the browser gives its lock back.
 */

const LOCK = 'maloca-recording';

/** A page has locks only where it could be kept offline, and elsewhere no version waits. */
const locks = globalThis.navigator?.locks as LockManager | undefined;

class Busy {
  #count = 0;
  #release: (() => void) | null = null;
  readonly #freed = new Set<() => void>();

  /** In this tab. */
  get isNow(): boolean {
    return this.#count > 0;
  }

  /** Each is ended by one `end`. */
  begin(): void {
    this.#count += 1;
    if (this.#count > 1) return;
    const held = new Promise<void>((release) => (this.#release = release));
    locks?.request(LOCK, { mode: 'shared' }, () => held).catch(() => {});
  }

  end(): void {
    if (this.#count === 0) return;
    this.#count -= 1;
    if (this.#count > 0) return;
    this.#release?.();
    this.#release = null;
    for (const listener of this.#freed) listener();
    this.#freed.clear();
  }

  /** Calls once nothing is being recorded in this tab: at once, or at the last `end`. */
  whenFree(listener: () => void): void {
    if (this.isNow) this.#freed.add(listener);
    else listener();
  }

  /** Does it if nothing is being recorded in any tab; whether it did. */
  async ifFree(work: () => void): Promise<boolean> {
    if (this.isNow) return false;
    if (!locks) {
      work();
      return true;
    }
    return locks.request(LOCK, { ifAvailable: true }, (lock) => {
      if (lock) work();
      return lock !== null;
    });
  }
}

export const busy = new Busy();
