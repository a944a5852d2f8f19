import { api, type ObservationFilter } from '$lib/api/client';
import { Latest } from '$lib/api/latest';
import { Problem } from '$lib/api/problem';
import type { CountGroup, Counts, Observation, Point } from '$lib/api/types';

/** Many changes within this are one question: each of these looks at all observations. */
const REST_MS = 3000;

/** Photos of a report: what fits on a page or two, and what an old laptop's printer takes. */
const PHOTOS = 12;

export interface Found {
  weeks: Counts;
  categories: Counts;
  points: Point[];
  /** How many have a place; more than `points` where the hub gave only the newest. */
  placed: number;
  photos: Observation[];
  withPhoto: number;
}

/** All that the analysis of a filter is made of, asked together and shown together, so that its parts agree. */
export class Numbers {
  found = $state.raw<Found | null>(null);
  problem = $state.raw<Problem | null>(null);

  #question: ObservationFilter = {};
  #latest = new Latest();
  #timer: ReturnType<typeof setTimeout> | undefined;

  ask(question: ObservationFilter): void {
    this.#question = question;
    this.found = null;
    this.again();
  }

  /** Something was written. */
  changed(): void {
    this.#timer ??= setTimeout(this.again, REST_MS);
  }

  again = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.problem = null;
    const question = this.#question;
    this.#latest.run(
      (stop) => fetchAll(question, stop),
      (found) => (this.found = found),
      (problem) => (this.problem = problem),
    );
  };

  close(): void {
    clearTimeout(this.#timer);
    this.#latest.stop();
  }
}

async function fetchAll(question: ObservationFilter, stop: AbortSignal): Promise<Found> {
  const zone = -new Date().getTimezoneOffset();
  const [weeks, categories, { points, more }, photos, withPhoto] = await Promise.all([
    api.countGroups({ ...question, by: 'week', zone }, stop),
    api.countGroups({ ...question, by: 'category', zone }, stop),
    api.points(question, stop),
    api.observations({ ...also(question, 'media'), limit: PHOTOS }, stop),
    api.countObservations(also(question, 'media'), stop),
  ]);
  const placed = more ? (await api.countObservations(also(question, 'location'), stop)).total : points.length;
  return { weeks, categories: sorted(categories), points, placed, photos: photos.observations, withPhoto: withPhoto.total };
}

const also = (question: ObservationFilter, word: string): ObservationFilter => ({
  ...question,
  has: [...new Set([...(question.has?.split(',') ?? []), word])].join(','),
});

/** The most frequent first. */
const sorted = ({ groups, left }: Counts): Counts => ({
  groups: groups.toSorted((a: CountGroup, b: CountGroup) => b.count - a.count),
  left,
});
