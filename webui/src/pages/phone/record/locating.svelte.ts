import { SETTLE_MS, fixOf, isBetter, isGood, type Fix } from '$lib/rules/fix';

/** Why no place is measured. */
export type NoFix = 'insecure' | 'denied' | 'unavailable';

/** Asks the phone where it is, again and again, and keeps the best answer until somebody ends it. */
export class Locating {
  /** The best so far. */
  best = $state.raw<Fix | null>(null);
  running = $state(false);
  trouble = $state<NoFix | null>(null);

  #watch: number | undefined;
  #settle: ReturnType<typeof setTimeout> | undefined;

  /** Whether this page may ask at all: only one that came by a safe way. */
  static isPossible = (): boolean => isSecureContext && 'geolocation' in navigator;

  start(onbetter: (fix: Fix) => void): void {
    if (this.running) return;
    if (!Locating.isPossible()) {
      this.trouble = 'insecure';
      return;
    }
    Object.assign(this, { running: true, trouble: null, best: null });
    const heard = ({ coords }: GeolocationPosition) => {
      const fix = fixOf(coords);
      this.trouble = null;
      if (!fix || !isBetter(fix, this.best)) return;
      this.best = fix;
      if (isGood(fix)) this.#settle ??= setTimeout(() => this.stop(), SETTLE_MS);
      onbetter(fix);
    };
    // A phone without a view of the sky may find one later, so only a refusal ends the asking.
    const failed = ({ code }: GeolocationPositionError) => {
      this.trouble = code === 1 ? 'denied' : 'unavailable';
      if (code === 1) this.stop();
    };
    this.#watch = navigator.geolocation.watchPosition(heard, failed, { enableHighAccuracy: true, maximumAge: 0, timeout: 60_000 });
  }

  stop(): void {
    if (this.#watch !== undefined) navigator.geolocation.clearWatch(this.#watch);
    clearTimeout(this.#settle);
    Object.assign(this, { running: false });
    this.#watch = this.#settle = undefined;
  }
}
