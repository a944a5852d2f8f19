import type { Observation, ObservationPage } from '$lib/api/types';

/**
 * A list of any length, of which what somebody looked at is here: stretches that were fetched, and gaps between them.
 *
 * How long it is, the hub's count says, so that its scrollbar is as long as the list from the first moment and its end shows
 * the oldest. Where a gap borders on what is here, it is filled by the hub's cursors, down from above or up from below;
 * only who jumps into the middle of one makes the hub pass over what lies before. What is far from the reader becomes
 * a gap again, so that a page of a season does not keep the season in memory. Nothing here is changed in place: each step
 * gives a new value.
 */
export type Stretch = Held | Gap;

export interface Held {
  items: Observation[];
  /** The hub's points of its first and its last item; `null`: the list begins or ends there. */
  first: string | null;
  last: string | null;
}

/** So many places that are not here. */
export interface Gap {
  gap: number;
}

export interface Pages {
  stretches: Stretch[];
  /** What stood on the first page when the list began: what is newer, is news. */
  top: ReadonlySet<string>;
}

export const NOTHING: Pages = { stretches: [], top: new Set() };

/** The next call that is needed, and where its answer belongs. */
export interface Need {
  /** The gap that is to be filled; as many as there are stretches: the end. */
  at: number;
  /** From above, from below, or in the middle, so many places of the gap from its beginning. */
  side: 'above' | 'below' | { inside: number };
  question: { order?: 'oldest'; after?: string; skip?: number; limit: number };
}

/** How much is asked for at once. */
export interface Sizes {
  page: number;
  /** By who waits at the end of a list whose length is not known: he is on the way to far below. */
  longest: number;
  /** So many places before the reader is there. */
  ahead: number;
}

const isGap = (stretch: Stretch | undefined): stretch is Gap => stretch !== undefined && 'gap' in stretch;
const placesOf = (stretch: Stretch): number => (isGap(stretch) ? stretch.gap : stretch.items.length);

export const lengthOf = ({ stretches }: Pages): number => stretches.reduce((sum, one) => sum + placesOf(one), 0);

/** The item at a place: `null` in a gap, `undefined` beyond the end. */
export function itemAt({ stretches }: Pages, index: number): Observation | null | undefined {
  let left = index;
  for (const stretch of stretches) {
    const places = placesOf(stretch);
    if (left < places) return isGap(stretch) ? null : stretch.items[left];
    left -= places;
  }
  return undefined;
}

/** Whether there is more beyond the last place. */
export function hasMore({ stretches }: Pages): boolean {
  const last = stretches.at(-1);
  return last !== undefined && !isGap(last) && last.last !== null;
}

/** The list anew, from its first page. */
export function begin({ observations, next }: ObservationPage): Pages {
  return { stretches: [{ items: observations, first: null, last: next }], top: new Set(observations.map(({ doc }) => doc)) };
}

/** The list with as many places as the hub counts. */
export function stretchTo({ stretches, top }: Pages, total: number): Pages {
  const here = isGap(stretches.at(-1)) ? stretches.slice(0, -1) : stretches;
  const pages = { stretches: here, top };
  const gap = total - lengthOf(pages);
  return hasMore(pages) && gap > 0 ? { stretches: [...here, { gap }], top } : pages;
}

/**
 * What to fetch for somebody who sees the places from `start` to before `end`: first what he sees and cannot, then
 * what is near.
 */
export function needOf(list: Pages, start: number, end: number, sizes: Sizes): Need | null {
  return needWithin(list, start, end, sizes) ?? needWithin(list, start - sizes.ahead, end + sizes.ahead, sizes) ?? needAtEnd(list, end, sizes);
}

function needWithin(list: Pages, start: number, end: number, { page: limit }: Sizes): Need | null {
  const { stretches } = list;
  let first = 0;
  for (const [at, stretch] of stretches.entries()) {
    const last = first + placesOf(stretch);
    if (isGap(stretch) && first < end && last > start) {
      const [above, below] = [stretches[at - 1], stretches[at + 1]];
      const after = above && !isGap(above) ? above.last : null;
      const before = below && !isGap(below) ? below.first : null;
      if (after !== null && start - first < limit) return { at, side: 'above', question: { after, limit } };
      if (before !== null && last - end < limit) return { at, side: 'below', question: { after: before, order: 'oldest', limit } };
      return jump(list, at, first, Math.floor((start + end - limit) / 2), limit);
    }
    first = last;
  }
  return null;
}

/** From the end of the list that is nearer: what lies between, the hub looks at one by one. */
function jump(list: Pages, at: number, first: number, wanted: number, limit: number): Need {
  const [gap, length] = [list.stretches[at] as Gap, lengthOf(list)];
  const inside = Math.max(0, Math.min(wanted - first, gap.gap - limit));
  const fromEnd = Math.max(0, length - first - inside - limit);
  if (fromEnd >= first + inside) return { at, side: { inside }, question: { skip: first + inside, limit } };
  return { at, side: { inside }, question: { order: 'oldest', skip: fromEnd, limit } };
}

function needAtEnd({ stretches }: Pages, end: number, { page, longest, ahead }: Sizes): Need | null {
  const last = stretches.at(-1);
  if (!last || isGap(last) || last.last === null) return null;
  const length = lengthOf({ stretches, top: NOTHING.top });
  if (end + ahead < length) return null;
  return { at: stretches.length, side: 'above', question: { after: last.last, limit: end >= length ? longest : page } };
}

/** Whether places are counted alike in both: then a need of the one is one of the other, too. */
export const isAlike = (a: Pages, b: Pages): boolean =>
  a.stretches.length === b.stretches.length && a.stretches.every((one, at) => placesOf(one) === placesOf(b.stretches[at] as Stretch));

/** Puts an answer where it belongs. What is there already, as news pushed it down, is not shown twice. */
export function fill({ stretches, top }: Pages, { at, side, question }: Need, answer: ObservationPage): Pages {
  const [above, gap, below] = [stretches[at - 1], stretches[at], stretches[at + 1]];
  const items = without(answer.observations, stretches);
  const { next, previous = null } = answer;
  const isTurned = question.order === 'oldest';
  if (isTurned) items.reverse();
  const isEnd = isTurned && question.skip === 0;
  const held: Held = { items, first: isTurned ? next : previous, last: isEnd ? null : isTurned ? previous : next };
  // What was asked for from above, reached what lies below, or the end; or the other way round: nothing is left between.
  const border = side === 'above' ? below : side === 'below' ? above : undefined;
  const isClosed = next === null || without(answer.observations, [border]).length < answer.observations.length;
  // Nothing at all so far below: the list is much shorter than was counted.
  const isBeyond = typeof side === 'object' && !answer.observations.length;
  const left = isGap(gap) && !isBeyond ? Math.max(0, gap.gap - items.length) : 0;
  const [before, after] = splitGap(side, left, isClosed, isTurned);
  const here = isBeyond ? [] : [...gaps(before), held, ...gaps(after)];
  const filled = [...stretches.slice(0, at), ...here, ...stretches.slice(at + 1)];
  return { stretches: filled, top };
}

const gaps = (gap: number): Gap[] => (gap > 0 ? [{ gap }] : []);

function splitGap(side: Need['side'], left: number, isClosed: boolean, isTurned: boolean): [number, number] {
  if (side === 'above') return [0, isClosed ? 0 : left];
  if (side === 'below') return [isClosed ? 0 : left, 0];
  const before = Math.min(side.inside, left);
  // It ran into the end of the list, whatever the count had said.
  if (isClosed) return isTurned ? [0, left - before] : [before, 0];
  return [before, left - before];
}

function without(observations: Observation[], stretches: (Stretch | undefined)[]): Observation[] {
  const there = new Set(stretches.flatMap((one) => (one && !isGap(one) ? one.items : [])).map(({ doc }) => doc));
  return observations.filter(({ doc }) => !there.has(doc));
}

/** Lets go of what is more than `keep` places away from what is seen. Same list when there is nothing. */
export function letGo(list: Pages, start: number, end: number, keep: number): Pages {
  return letGoOf(list, (_, first, last) => last < start - keep || first > end + keep);
}

/** Lets go of what holds one of these and nobody sees: it is asked for again when somebody does. */
export function forget(list: Pages, docs: ReadonlySet<string>, start: number, end: number): Pages {
  return letGoOf(list, ({ items }, first, last) => {
    const isSeen = first < end && last > start;
    return !isSeen && items.some(({ doc }) => docs.has(doc));
  });
}

/** Makes gaps of the stretches that `isGone` names, and one of gaps that come to lie side by side. */
function letGoOf(list: Pages, isGone: (held: Held, first: number, last: number) => boolean): Pages {
  const stretches: Stretch[] = [];
  let first = 0;
  let touched = false;
  for (const stretch of list.stretches) {
    const last = first + placesOf(stretch);
    const goes = !isGap(stretch) && isGone(stretch, first, last);
    touched ||= goes;
    first = last;
    if (!goes && !isGap(stretch)) stretches.push(stretch);
    else if (!placesOf(stretch)) continue;
    else if (isGap(stretches.at(-1))) stretches.push({ gap: (stretches.pop() as Gap).gap + placesOf(stretch) });
    else stretches.push({ gap: placesOf(stretch) });
  }
  return touched ? { ...list, stretches } : list;
}

/** Changes the items that are here; `change` gives the same item back where nothing is to be changed. */
export function change(list: Pages, change: (item: Observation) => Observation): Pages {
  let touched = false;
  const stretches = list.stretches.map((stretch) => {
    if (isGap(stretch)) return stretch;
    const items = stretch.items.map(change);
    if (items.every((item, index) => item === stretch.items[index])) return stretch;
    touched = true;
    return { ...stretch, items };
  });
  return touched ? { ...list, stretches } : list;
}

/** How many of the newest page are news to who has this list. */
export function unseen({ stretches, top }: Pages, newest: Observation[]): number {
  return without(newest, stretches).filter(({ doc }) => !top.has(doc)).length;
}
