/** Often enough for "3 minutes ago". */
const TICK_MS = 15_000;

/** The time as the page tells it, so that "3 minutes ago" does not stay so for an hour. */
class Clock {
  now = $state(Date.now());

  start(): () => void {
    const timer = setInterval(() => this.tick(), TICK_MS);
    return () => clearInterval(timer);
  }

  tick(): void {
    this.now = Date.now();
  }
}

export const clock = new Clock();
