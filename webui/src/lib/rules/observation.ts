import type { Attachment, Observation } from '$lib/api/types';

/** What a document says, whoever keeps it: the hub, or the phone. */
type Seen = Pick<Observation, 'set'>;

/** Enough to recognise a note in a list; the rest is one click away. */
const SUMMARY_CHARACTERS = 160;

/** Properties with a place of their own on the page. */
const KNOWN = new Set(['category', 'observed_at', 'location']);

const isPlain = (value: unknown) => ['string', 'number', 'boolean'].includes(typeof value);

/** A stranger's value as text: words as they are, plain lists and groups as people write them, anything else as JSON. */
export function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === undefined) return '';
  if (typeof value === 'object' && value !== null && Object.values(value).every(isPlain)) {
    if (Array.isArray(value) && value.length) return value.join(', ');
    const members = Object.entries(value);
    if (members.length) return members.map(([name, one]) => `${name}: ${one}`).join('\n');
  }
  return JSON.stringify(value, null, 1) ?? '';
}

export function category(observation: Seen): string {
  return clip(asText(observation.set.category ?? '').trim(), 80);
}

export function summary(observation: Seen): string {
  return clip(asText(observation.set.notes ?? '').trim(), SUMMARY_CHARACTERS);
}

/** When it was seen, by the observer's clock. */
export function observedAt(observation: Seen & Pick<Observation, 'created_at'>): string {
  const told = observation.set.observed_at;
  return typeof told === 'string' && Number.isFinite(Date.parse(told)) ? told : observation.created_at;
}

export interface Place {
  lat: number;
  lon: number;
  accuracy?: number;
  source?: string;
}

export const place = (observation: Seen): Place | null => placeOf(observation.set.location);

/** The place, when it is one; a stranger may have written anything there. */
export function placeOf(location: unknown): Place | null {
  if (typeof location !== 'object' || location === null) return null;
  const { lat, lon, accuracy_m, source } = location as Record<string, unknown>;
  if (typeof lat !== 'number' || typeof lon !== 'number') return null;
  return {
    lat,
    lon,
    accuracy: typeof accuracy_m === 'number' ? accuracy_m : undefined,
    source: typeof source === 'string' ? clip(source, 40) : undefined,
  };
}

/** Five decimals are a metre. */
export function coordinates({ lat, lon }: Place): string {
  return `${lat.toFixed(5)}, ${lon.toFixed(5)}`;
}

/** Every property that has no place of its own on the page: the notes first, then in the order of their names. */
export function otherProperties(observation: Seen): [string, string][] {
  return Object.entries(observation.set)
    .filter(([key]) => !KNOWN.has(key) || (key === 'location' && !place(observation)))
    .map(([key, value]): [string, string] => [key, asText(value)])
    .sort(([a], [b]) => Number(b === 'notes') - Number(a === 'notes') || (a < b ? -1 : 1));
}

const PICTURES = new Set(['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/avif']);

export type MediaKind = 'picture' | 'sound' | 'film' | 'file';

/** How a browser may show it. SVG is a document with a will of its own, so it is a file. */
export function mediaKind({ type }: Pick<Attachment, 'type'>): MediaKind {
  const essence = type.split(';')[0]?.trim().toLowerCase() ?? '';
  if (PICTURES.has(essence)) return 'picture';
  if (essence.startsWith('audio/')) return 'sound';
  if (essence.startsWith('video/')) return 'film';
  return 'file';
}

export function clip(text: string, characters: number): string {
  if (text.length <= characters) return text;
  // By code points: a cut emoji would show as a broken sign.
  return `${[...text.slice(0, characters * 2)].slice(0, characters).join('')}…`;
}
