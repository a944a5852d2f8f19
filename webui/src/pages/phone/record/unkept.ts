import type { Recording } from './recording.svelte';

/** What could not be kept, by document: it outlives the form that it was written in, for as long as the app is open. */
export const unkept = new Map<string, Recording>();

/** Whether anything would be lost with this page. */
export const isAnythingUnkept = (): boolean => unkept.size > 0;

/** Tries again to keep what could not be kept: room was made, perhaps. */
export function keepAgain(): void {
  for (const recording of unkept.values()) void recording.retry();
}
