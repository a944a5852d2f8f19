/** Times as texts, in exactly one form: `2026-11-21T05:28:00.000Z`; the twin of `protocol/src/time.rs`. */

const FORM = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
/** The bounds of what is written, as in Rust. */
const FIRST = -62_167_219_200_000;
const LAST = 253_402_207_200_000 - 1;

/** Milliseconds since 1970; `null` where the text has another form, or no such day exists. */
export function parseTime(text: string): number | null {
  if (!FORM.test(text)) return null;
  const millis = Date.parse(text);
  // Date.parse takes the 30th of February for the 2nd of March; written again, it would read otherwise.
  return Number.isFinite(millis) && new Date(millis).toISOString() === text ? millis : null;
}

/** The one form of a time. */
export const formatTime = (millis: number): string => new Date(Math.min(Math.max(millis, FIRST), LAST)).toISOString();
