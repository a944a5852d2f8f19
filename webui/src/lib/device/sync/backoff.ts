/** Pauses between tries: exponential, with jitter, so that twenty phones that lost one hub do not come back as one. Pure. */

/** The first pause; it doubles each time. */
const FIRST_MS = 250;
/** The longest: a monitor who comes near the hub shall not wait long. */
export const LONGEST_MS = 60_000;

/** How long to wait after `tries` failures in a row. `random` is 0 to 1; `askedMs` what the hub asked for. */
export function pauseAfter(tries: number, random: number, askedMs = 0): number {
  const full = Math.min(FIRST_MS * 2 ** Math.min(tries, 16), LONGEST_MS);
  return Math.min(Math.max(full * (0.5 + random / 2), askedMs), LONGEST_MS);
}
