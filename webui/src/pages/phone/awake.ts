/**
 * The screen stays on while something is handed over: a phone that falls asleep beside the hub falls silent in the middle of it.
 *
 * `phone.svelte.ts` says when. It promises: let go of as soon as nothing is on its way, so that no battery is spent on it; asked for
 * again when the page comes back to the front, since a browser takes it away with it.
 */
export class Awake {
  #wanted = false;
  #lock: Promise<WakeLockSentinel | null> | null = null;

  /** Whether something is on its way now. */
  keep(wanted: boolean): void {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    if (wanted) {
      document.addEventListener('visibilitychange', this.#shown);
      this.#ask();
    } else {
      document.removeEventListener('visibilitychange', this.#shown);
      this.#lock?.then((lock) => lock?.release()).catch(() => {});
      this.#lock = null;
    }
  }

  #shown = (): void => {
    if (!document.hidden) this.#ask();
  };

  #ask(): void {
    // Only secure pages have it, and a low battery may forbid it: then the screen goes off as ever, and the rest goes over later.
    const wakeLock = navigator.wakeLock as WakeLock | undefined;
    this.#lock = wakeLock?.request('screen').catch(() => null) ?? null;
  }
}
