import type { ObservationFilter } from '$lib/api/client';
import { readArea, writeArea, type Area } from './area';
import { isDay, midnight, type Day } from './dates';

/**
 * Which observations are shown and how, read from the query string of the address and written into it: a reload, a
 * step back and a copied link give the same. What is not understood is left out, as a stranger can make a link that
 * says anything.
 */
export interface Filter {
  /** The first and the last day, both included. */
  from?: Day;
  to?: Day;
  /** The empty one stands for observations without a category. */
  category?: string;
  /** A device's id. */
  person?: string;
  photo: boolean;
  conflict: boolean;
  notOnDrive: boolean;
  q?: string;
  /** West, south, east, north in degrees. */
  bbox?: [number, number, number, number];
  /** Drawn, typed, or a territory's. */
  within?: Area;
}

export const VIEWS = ['list', 'photos', 'map', 'both', 'map-list'] as const;
export type View = (typeof VIEWS)[number];

/** Two beside each other need a wide window; in a narrow one the first that is named here stands alone. */
export const ALONE: Partial<Record<View, View>> = { both: 'list', 'map-list': 'map' };

export const SORTS = ['received', 'observed'] as const;
export type Sort = (typeof SORTS)[number];

/** The whole query string of the page. */
export interface Shape {
  filter: Filter;
  view: View;
  sort: Sort;
}

export const NO_FILTER: Filter = { photo: false, conflict: false, notOnDrive: false };

/** As long as what somebody types by hand ever is; a longer one comes from no one's hand. */
const LONGEST_TEXT = 200;

export function readShape(search: string): Shape {
  const query = new URLSearchParams(search);
  const has = (query.get('has') ?? '').split(',');
  const filter: Filter = {
    photo: has.includes('media'),
    conflict: has.includes('conflict'),
    notOnDrive: query.get('exported') === 'no',
  };
  const [from, to] = inOrder(day(query.get('from')), day(query.get('to')));
  if (from) filter.from = from;
  if (to) filter.to = to;
  const category = query.get('category');
  if (category !== null) filter.category = category.slice(0, LONGEST_TEXT);
  const person = query.get('person') ?? '';
  if (/^[0-9a-f]{64}$/.test(person)) filter.person = person;
  const q = (query.get('q') ?? '').slice(0, LONGEST_TEXT);
  if (q.trim()) filter.q = q;
  const bbox = box(query.get('bbox') ?? '');
  if (bbox) filter.bbox = bbox;
  const within = readArea(query.get('within'), query.get('off'));
  if (within) filter.within = within;
  return { filter, view: oneOf(VIEWS, query.get('view')), sort: oneOf(SORTS, query.get('sort')) };
}

/** The query string, with its `?`; empty when nothing is said. What is so anyway is not said. */
export function writeShape({ filter, view, sort }: Shape): string {
  const query = new URLSearchParams();
  if (filter.from) query.set('from', filter.from);
  if (filter.to) query.set('to', filter.to);
  if (filter.category !== undefined) query.set('category', filter.category);
  if (filter.person) query.set('person', filter.person);
  const has = words(filter);
  if (has) query.set('has', has);
  if (filter.notOnDrive) query.set('exported', 'no');
  if (filter.q?.trim()) query.set('q', filter.q);
  if (filter.bbox) query.set('bbox', filter.bbox.join(','));
  if (filter.within) query.set('within', writeArea(filter.within));
  if (filter.within?.off) query.set('off', String(filter.within.off));
  if (sort !== SORTS[0]) query.set('sort', sort);
  if (view !== VIEWS[0]) query.set('view', view);
  // These are allowed in a query; a link that people read to each other is better with them, and that of an area a third shorter.
  const text = query.toString().replaceAll('%2C', ',').replaceAll('%3B', ';');
  return text ? `?${text}` : '';
}

/** What the hub is asked. Days become the moments at which they begin and end here: the hub knows no zone of ours. */
export function asQuestion(filter: Filter): ObservationFilter {
  const question: ObservationFilter = {};
  if (filter.from) question.from = midnight(filter.from)?.toISOString();
  if (filter.to) question.to = midnight(filter.to, 1)?.toISOString();
  if (filter.category !== undefined) question.category = filter.category;
  if (filter.person) question.person = filter.person;
  const has = words(filter);
  if (has) question.has = has;
  if (filter.notOnDrive) question.exported = 'no';
  if (filter.q?.trim()) question.q = filter.q.trim();
  if (filter.bbox) question.bbox = filter.bbox.join(',');
  if (filter.within) question.within = writeArea(filter.within);
  return question;
}

/** How many things the reader has asked for; the two ends of a span are one. */
export function activeCount(filter: Filter): number {
  const asked = [
    filter.from !== undefined || filter.to !== undefined,
    filter.category !== undefined,
    filter.person !== undefined,
    filter.photo,
    filter.conflict,
    filter.notOnDrive,
    filter.q !== undefined && filter.q.trim() !== '',
    filter.bbox !== undefined,
    filter.within !== undefined,
  ];
  return asked.filter(Boolean).length;
}

export const isFiltered = (filter: Filter): boolean => activeCount(filter) > 0;

const words = ({ photo, conflict }: Filter) => [photo && 'media', conflict && 'conflict'].filter(Boolean).join(',');

const day = (text: string | null): Day | undefined => (text !== null && isDay(text) ? text : undefined);

/** Whoever names the last day first means the same span. */
function inOrder(from?: Day, to?: Day): [Day?, Day?] {
  return from && to && from > to ? [to, from] : [from, to];
}

function oneOf<Word extends string>(all: readonly [Word, ...Word[]], text: string | null): Word {
  return all.find((one) => one === text) ?? all[0];
}

function box(text: string): Filter['bbox'] | null {
  const pieces = text.split(',');
  const [west, south, east, north] = pieces.map((piece) => (piece.trim() === '' ? NaN : Number(piece)));
  if (pieces.length !== 4 || west === undefined || south === undefined || east === undefined || north === undefined) return null;
  const isOnEarth = [west, east].every((lon) => Math.abs(lon) <= 180) && [south, north].every((lat) => Math.abs(lat) <= 90);
  return isOnEarth && south <= north ? [west, south, east, north] : null;
}
