import type { Plain } from '$lib/i18n/messages';

/** Something was taken away a moment ago, and one press brings it back, on whichever page the person is by now. */
class Undoing {
  offered = $state.raw<{ said: Plain; undo: () => Promise<void> } | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;

  offer(said: Plain, undo: () => Promise<void>): void {
    clearTimeout(this.#timer);
    this.offered = { said, undo };
    this.#timer = setTimeout(() => (this.offered = null), OFFERED_MS);
  }

  async take(): Promise<void> {
    const taken = this.offered;
    this.offered = null;
    await taken?.undo();
  }
}

/** Long enough to read it with gloves on. */
const OFFERED_MS = 60_000;

export const undoing = new Undoing();
