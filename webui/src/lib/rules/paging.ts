import type { Observation, ObservationPage } from '$lib/api/types';

/**
 * A long list as pages that were fetched one after the other, each by the cursor that the one before it gave.
 *
 * What is far from the reader is let go and fetched again by the same cursor when he comes back, so that a page of a
 * season does not keep the season in memory; its place in the list is kept meanwhile. Nothing here is changed in
 * place: each step gives a new value.
 */
export interface Page {
  /** What to ask for; `null` is the first. */
  after: string | null;
  /** How many places it has in the list. */
  count: number;
  /** `null`: let go. */
  items: Observation[] | null;
}

export interface Pages {
  pages: Page[];
  /** The cursor after the last page; `null`: the list ends there. */
  next: string | null;
}

export const NOTHING: Pages = { pages: [], next: null };

/** The next call that is needed. `page` is the one to fill again; without it the answer goes to the end. */
export interface Need {
  after: string | null;
  page?: number;
  limit?: number;
}

export const lengthOf = ({ pages }: Pages): number => pages.reduce((sum, { count }) => sum + count, 0);

/** The item at a place: `null` while it is let go, `undefined` beyond the end. */
export function itemAt({ pages }: Pages, index: number): Observation | null | undefined {
  let left = index;
  for (const { count, items } of pages) {
    if (left < count) return items ? items[left] : null;
    left -= count;
  }
  return undefined;
}

/** The list anew, from its first page. */
export function begin({ observations, next }: ObservationPage): Pages {
  return { pages: [{ after: null, count: observations.length, items: observations }], next };
}

/** The next page. What is there already (it was pushed down by news) is not shown twice. */
export function append({ pages, next: after }: Pages, answer: ObservationPage): Pages {
  const items = without(answer.observations, pages.slice(-2));
  return { pages: [...pages, { after, count: items.length, items }], next: answer.next };
}

/** A page that was let go, fetched again. */
export function refill({ pages, next }: Pages, at: number, answer: ObservationPage): Pages {
  const page = pages[at];
  if (!page) return { pages, next };
  const items = without(answer.observations, [pages[at - 1], pages[at + 1]]);
  return { pages: pages.with(at, { ...page, count: items.length, items }), next };
}

function without(observations: Observation[], pages: (Page | undefined)[]): Observation[] {
  const there = new Set(pages.flatMap((page) => page?.items ?? []).map(({ doc }) => doc));
  return observations.filter(({ doc }) => !there.has(doc));
}

/**
 * What to fetch for somebody who sees the places from `start` to before `end`: first what he sees and cannot, then
 * what comes next, `ahead` places before he is there.
 */
export function needOf({ pages, next }: Pages, start: number, end: number, ahead: number): Need | null {
  let first = 0;
  for (const [page, { after, count, items }] of pages.entries()) {
    // An empty one takes no place, so nobody waits for it.
    if (!items && count && first < end && first + count > start) return { after, page, limit: count };
    first += count;
  }
  return next !== null && end + ahead >= first ? { after: next } : null;
}

/** Lets go of the pages that are more than `keep` places away from what is seen. Same list when there is none. */
export function letGo(list: Pages, start: number, end: number, keep: number): Pages {
  let first = 0;
  let touched = false;
  const pages = list.pages.map((page) => {
    const last = first + page.count;
    const far = last < start - keep || first > end + keep;
    first = last;
    if (!far || !page.items) return page;
    touched = true;
    return { ...page, items: null };
  });
  return touched ? { ...list, pages } : list;
}

/** Lets go of the pages that hold one of these and that nobody sees: they are asked for again when somebody does. */
export function forget(list: Pages, docs: ReadonlySet<string>, start: number, end: number): Pages {
  let first = 0;
  const pages = list.pages.map((page) => {
    const isSeen = first < end && first + page.count > start;
    first += page.count;
    return !isSeen && page.items?.some(({ doc }) => docs.has(doc)) ? { ...page, items: null } : page;
  });
  return { ...list, pages };
}

/** Changes the items that are here; `change` gives the same item back where nothing is to be changed. */
export function change(list: Pages, change: (item: Observation) => Observation): Pages {
  let touched = false;
  const pages = list.pages.map((page) => {
    const items = page.items?.map(change) ?? null;
    if (!items || items.every((item, index) => item === page.items?.[index])) return page;
    touched = true;
    return { ...page, items };
  });
  return touched ? { ...list, pages } : list;
}

/** How many of the newest page are nowhere in the list. */
export function unseen({ pages }: Pages, newest: Observation[]): number {
  return without(newest, pages).length;
}
