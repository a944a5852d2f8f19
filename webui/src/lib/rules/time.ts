/** Each unit, below how many of it a person still uses it, and how many make one of the next. */
const STEPS: [Intl.RelativeTimeFormatUnit, number, number][] = [
  ['second', 60, 60],
  ['minute', 60, 60],
  ['hour', 24, 24],
  ['day', 14, 7],
  ['week', 9, 30.44 / 7],
  ['month', 24, 12],
];

/** How long ago, in the unit that a person would use: 12 days rather than 1 week, 6 weeks rather than 1 month. */
export function relative(from: number, now: number): { value: number; unit: Intl.RelativeTimeFormatUnit } {
  let amount = (from - now) / 1000;
  // Below a minute: "now". Seconds that tick away on every card are noise.
  if (Math.abs(amount) < 60) return { value: 0, unit: 'second' };
  for (const [unit, below, perNext] of STEPS) {
    if (Math.abs(amount) < below) return { value: Math.trunc(amount), unit };
    amount /= perNext;
  }
  return { value: Math.trunc(amount), unit: 'year' };
}

export const DAY_MS = 24 * 3600 * 1000;

/** A device that was silent for longer is named on top of the page. */
export const LONG_SILENCE_MS = 7 * DAY_MS;

/** A clock that is off by more is worth a warning: beyond what a wrong time zone setting or a slow chip explains away. */
export const CLOCK_TOLERANCE_MS = 3600 * 1000;

export function isClockOff(offset: number | null): offset is number {
  return offset !== null && Math.abs(offset) > CLOCK_TOLERANCE_MS;
}

/** A length of time in its greatest whole unit, for "the clock is 3 days ahead". */
export function roughly(milliseconds: number): { value: number; unit: 'hour' | 'day' | 'year' } {
  const size = Math.abs(milliseconds);
  if (size < 2 * DAY_MS) return { value: Math.round(size / 3_600_000), unit: 'hour' };
  if (size < 730 * DAY_MS) return { value: Math.round(size / DAY_MS), unit: 'day' };
  return { value: Math.round(size / (365.25 * DAY_MS)), unit: 'year' };
}

/** Minutes and seconds left, as `9:05`; never below zero. */
export function countdown(until: string, now: number): string {
  const left = Math.max(0, Math.ceil((Date.parse(until) - now) / 1000));
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
}
