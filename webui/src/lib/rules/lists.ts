import type { DeviceCard, ExportJob, Observation, ObservationPage } from '$lib/api/types';

/** The part of the observations that a page shows: the newest first, and where to go on. */
export interface Shown {
  items: Observation[];
  next: string | null;
}

/**
 * Beyond this many, news make the list start over instead of growing it: a page that stays open for a season must
 * not keep the season in memory.
 */
export const KEEP = 400;

/** The hub's newest page, laid over what is shown already. */
export function absorb(shown: Shown, newest: ObservationPage): Shown {
  const fresh = new Set(newest.observations.map(({ doc }) => doc));
  const rest = shown.items.filter(({ doc }) => !fresh.has(doc));
  const overlaps = rest.length < shown.items.length;
  // Without an overlap there is a gap between the two that nobody would see: start over.
  if (!overlaps || rest.length + fresh.size > KEEP) return { items: newest.observations, next: newest.next };
  return { items: [...newest.observations, ...rest], next: rest.length ? shown.next : newest.next };
}

/** The page after what is shown. News may have pushed some of it down, so what is there already stays where it is. */
export function append(shown: Shown, page: ObservationPage): Shown {
  const there = new Set(shown.items.map(({ doc }) => doc));
  return { items: [...shown.items, ...page.observations.filter(({ doc }) => !there.has(doc))], next: page.next };
}

/** One observation as it is now, in its old place. */
export function replace(shown: Shown, observation: Observation): Shown {
  return { ...shown, items: shown.items.map((item) => (item.doc === observation.doc ? observation : item)) };
}

/** How many of the newest page are not shown yet. */
export function unseen(shown: Shown, newest: ObservationPage): number {
  const there = new Set(shown.items.map(({ doc }) => doc));
  return newest.observations.filter(({ doc }) => !there.has(doc)).length;
}

/** The hub names no more at once. */
const NAMES = 50;

/**
 * Whether something was named, or may have been, that is none of these observations: categories are documents too, and
 * one that is new is known by no name yet.
 */
export function namesOther(named: ReadonlySet<string>, observations: readonly Observation[]): boolean {
  const here = new Set(observations.map(({ doc }) => doc));
  return named.size >= NAMES || [...named].some((doc) => !here.has(doc));
}

/** Photos have arrived: the observations that wait for them show them. Same list when none of them does. */
export function markHeld(shown: Shown, hashes: string[]): Shown {
  const arrived = new Set(hashes);
  let touched = false;
  const items = shown.items.map((item) => {
    if (!item.attachments.some(({ hash, held }) => !held && arrived.has(hash))) return item;
    touched = true;
    const attachments = item.attachments.map((one) => (arrived.has(one.hash) ? { ...one, held: true } : one));
    return { ...item, attachments };
  });
  return touched ? { ...shown, items } : shown;
}

export function putDevice(devices: DeviceCard[], card: DeviceCard): DeviceCard[] {
  return put(devices, card);
}

/** Newest first, so a job that is new goes on top. */
/** What has ended does not go on: the answer that began it may come after the news that it has failed. */
export function putJob(jobs: ExportJob[], job: ExportJob): ExportJob[] {
  const known = jobs.find(({ id }) => id === job.id);
  return known?.ended_at && !job.ended_at ? jobs : put(jobs, job);
}

function put<Item extends { id: string }>(items: Item[], item: Item): Item[] {
  if (!items.some(({ id }) => id === item.id)) return [item, ...items];
  return items.map((old) => (old.id === item.id ? item : old));
}
