/** Whether what is recorded next will find room on the phone. Pure. */

export type Room = 'enough' | 'low' | 'unknown';

/** A handful of photos. */
const LEAST_BYTES = 60_000_000;

/** By what the browser says of its storage; it says so in safe contexts alone, and roughly. */
export function roomOf(estimate: StorageEstimate | undefined): Room {
  const { quota, usage } = estimate ?? {};
  if (quota === undefined || usage === undefined) return 'unknown';
  return quota - usage < LEAST_BYTES ? 'low' : 'enough';
}
