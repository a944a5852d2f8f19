/** Days as a manager picks them, `2026-11-21` by this computer's clock and zone, and the spans offered for a click. */

export type Day = string;

const FORM = /^(\d{4})-(\d{2})-(\d{2})$/;

const two = (value: number) => String(value).padStart(2, '0');

export function dayOf(time: Date): Day {
  return `${String(time.getFullYear()).padStart(4, '0')}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}

/** Its midnight, `days` later; `null` for what is no day, such as the 30th of February. */
export function midnight(day: Day, days = 0): Date | null {
  const [, year, month, date] = FORM.exec(day) ?? [];
  if (!year || !month || !date) return null;
  const time = new Date(Number(year), Number(month) - 1, Number(date));
  // `Date` takes the years 0 to 99 for those of a century ago.
  time.setFullYear(Number(year));
  if (dayOf(time) !== day) return null;
  // By the calendar and not by 24 hours: a day on which clocks change is longer or shorter.
  time.setDate(time.getDate() + days);
  return time;
}

export const isDay = (text: string): boolean => midnight(text) !== null;

export type Preset = 'today' | 'week' | 'month' | 'year' | 'always';

export const PRESETS: readonly Preset[] = ['today', 'week', 'month', 'year', 'always'];

export interface Span {
  from?: Day;
  to?: Day;
}

/**
 * The days of a preset, from the first on. The end stays open: a phone whose clock is ahead must not hide what was
 * seen today.
 */
export function presetSpan(preset: Preset, today: Day): Span {
  const back = (days: number): Span => {
    const first = midnight(today, -days);
    return first ? { from: dayOf(first) } : {};
  };
  switch (preset) {
    case 'today':
      return back(0);
    // Today and the six days before it are seven.
    case 'week':
      return back(6);
    case 'month':
      return back(29);
    case 'year':
      return { from: `${today.slice(0, 4)}-01-01` };
    case 'always':
      return {};
  }
}

/** Which preset a span is, if any: the first that has just these days. */
export function presetOf({ from, to }: Span, today: Day): Preset | null {
  if (to !== undefined) return null;
  return PRESETS.find((preset) => presetSpan(preset, today).from === from) ?? null;
}
