/** What is in view, counted from what the map has drawn: for the words below it and for the list of signs. */

export interface Seen {
  count: number;
  clusters: boolean;
  media: boolean;
  conflict: boolean;
  incomplete: boolean;
  /** Of single observations, the commonest first. */
  categories: string[];
}

export const NOTHING_SEEN: Seen = {
  count: 0,
  clusters: false,
  media: false,
  conflict: false,
  incomplete: false,
  categories: [],
};

interface Drawn {
  geometry: { type: string; coordinates?: unknown };
  properties: Record<string, unknown>;
}

/** What stands at the edge of two tiles is drawn by both, and counts once. */
export function summarise(features: Drawn[]): Seen {
  const known = new Set<string>();
  const categories = new Map<string, number>();
  const seen = { ...NOTHING_SEEN };
  for (const { geometry, properties } of features) {
    const count = Number(properties.count) || 1;
    const name = count === 1 ? String(properties.doc) : placeName(geometry.coordinates);
    if (known.has(name)) continue;
    known.add(name);
    seen.count += count;
    if (count > 1) {
      seen.clusters = true;
      continue;
    }
    const category = typeof properties.category === 'string' ? properties.category : '';
    categories.set(category, (categories.get(category) ?? 0) + 1);
    seen.media ||= properties.media === true;
    seen.conflict ||= properties.state === 'conflict';
    seen.incomplete ||= properties.state === 'incomplete';
  }
  seen.categories = [...categories].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([category]) => category);
  return seen;
}

/** Tiles round places each in its own way, by less than this. */
const placeName = (coordinates: unknown) =>
  Array.isArray(coordinates) ? coordinates.map((one) => Number(one).toFixed(4)).join(' ') : '';
