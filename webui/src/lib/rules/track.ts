/**
 * A way that was walked: which points are kept, and when a long one goes on in another document. Pure.
 *
 * A point is `[lon, lat, accuracy_m, seconds since the track's start]`. A revision is at most 256 KiB and a document at most
 * 4 MiB and 1,000 revisions in a device's session, so a track is cut well below each: a day's walk is a few documents, each
 * of which names the one that it `continues`.
 */

import { metresBetween } from './fix';

export type TrackPoint = [lon: number, lat: number, accuracy: number, seconds: number];

/** A measure that is further off says nothing about a path. */
const WORST_M = 60;
/** Who stands still gets a point so often all the same: that they stood there is part of the walk. */
const STILL_S = 60;
/** Closer points are the phone's trembling. */
const LEAST_M = 5;

/** How often what was walked is kept at the latest: so much is lost when a battery dies. */
export const SAVE_EVERY_MS = 15_000;

export const SEGMENT_BYTES = 150 * 1024;
/** What was offered of one document: each offer is a revision with all of its points. */
export const OFFERED_BYTES = 2 * 1024 * 1024;
export const OFFERED_TIMES = 400;

/** Whether a measured point tells something new. */
export function isNews([lon, lat, accuracy, seconds]: TrackPoint, last: TrackPoint | undefined): boolean {
  if (accuracy > WORST_M) return false;
  if (!last) return true;
  if (seconds <= last[3]) return false;
  const moved = metresBetween({ lat, lon }, { lat: last[1], lon: last[0] });
  return moved >= Math.max(LEAST_M, Math.min(accuracy, last[2]) / 2) || seconds - last[3] >= STILL_S;
}

/** As many digits as a walk is worth: a decimetre, a metre, a second. */
export const pointOf = (lat: number, lon: number, accuracy: number, seconds: number): TrackPoint => [
  Math.round(lon * 1e6) / 1e6,
  Math.round(lat * 1e6) / 1e6,
  Math.round(accuracy),
  Math.max(0, Math.round(seconds)),
];

export const bytesOf = (points: TrackPoint[]): number => JSON.stringify(points).length;

/** Whether the next point belongs into another document. */
export const isFull = (points: TrackPoint[], offered: { bytes: number; times: number }): boolean =>
  bytesOf(points) > SEGMENT_BYTES || offered.bytes > OFFERED_BYTES || offered.times > OFFERED_TIMES;

export function metresOfTrack(points: TrackPoint[]): number {
  let metres = 0;
  for (const [index, [lon, lat]] of points.entries()) {
    const before = points[index - 1];
    if (before) metres += metresBetween({ lat, lon }, { lat: before[1], lon: before[0] });
  }
  return metres;
}

/** The points of a track as anybody may have written it. */
export function readPoints(value: unknown): TrackPoint[] {
  if (!Array.isArray(value)) return [];
  const isPoint = (one: unknown): one is TrackPoint =>
    Array.isArray(one) && one.length >= 4 && one.every(Number.isFinite) && Math.abs(one[0]) <= 180 && Math.abs(one[1]) <= 90;
  return value.filter(isPoint);
}

interface Part {
  doc: string;
  set: Record<string, unknown>;
}

/** The documents of each walk, its first one first; walks stand as their newest one does in the list. One whose beginning is not here is a walk. */
export function walks<P extends Part>(parts: P[]): P[][] {
  const byDoc = new Map(parts.map((part) => [part.doc, part]));
  const chainOf = (part: P): P[] => {
    const chain = [part];
    for (let before = byDoc.get(String(part.set.continues)); before; before = byDoc.get(String(before.set.continues))) {
      // Nobody walks in a circle of documents, but anybody may write one.
      if (chain.includes(before)) return [part];
      chain.push(before);
    }
    return chain;
  };
  const all = new Map<P | undefined, { part: P; depth: number }[]>();
  for (const part of parts) {
    const chain = chainOf(part);
    const first = chain.at(-1);
    all.set(first, [...(all.get(first) ?? []), { part, depth: chain.length }]);
  }
  return [...all.values()].map((walk) => walk.toSorted((a, b) => a.depth - b.depth).map(({ part }) => part));
}

/** Hours and minutes, or minutes and seconds below an hour: `0:45`, `3:05 h`. */
export function durationText(seconds: number): string {
  const two = (number: number) => String(number).padStart(2, '0');
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 3600) return `${Math.floor(whole / 60)}:${two(whole % 60)} min`;
  return `${Math.floor(whole / 3600)}:${two(Math.floor((whole % 3600) / 60))} h`;
}
