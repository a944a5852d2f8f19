/** Where something was seen: which of the places that a phone finds is kept, and what a person typed. Pure. */

/** A place as observations have it. */
export interface Fix {
  lat: number;
  lon: number;
  accuracy_m?: number;
  altitude_m?: number;
  source: 'gps' | 'photo' | 'manual';
}

/** Near enough to find a tree again. */
export const GOOD_M = 20;

/** How long a place goes on being measured once it is good: whoever keeps the form open may have walked on. */
export const SETTLE_MS = 60_000;

/** What the browser measured; more digits than the measure has are noise. `null`: it is no place. */
export function fixOf({ latitude, longitude, accuracy, altitude }: Pick<GeolocationCoordinates, 'latitude' | 'longitude' | 'accuracy' | 'altitude'>): Fix | null {
  if (!isPlace(latitude, longitude)) return null;
  return {
    lat: rounded(latitude, 6),
    lon: rounded(longitude, 6),
    ...(Number.isFinite(accuracy) && { accuracy_m: rounded(accuracy, 1) }),
    ...(typeof altitude === 'number' && Number.isFinite(altitude) && { altitude_m: rounded(altitude, 1) }),
    source: 'gps',
  };
}

/** What a photo says of its place. */
export const fixOfPhoto = (lat: unknown, lon: unknown): Fix | null =>
  // Cameras that know no place write zeros.
  isPlace(lat, lon) && (lat !== 0 || lon !== 0) ? { lat: rounded(lat as number, 6), lon: rounded(lon as number, 6), source: 'photo' } : null;

export const isGood = ({ accuracy_m }: Pick<Fix, 'accuracy_m'>): boolean => accuracy_m !== undefined && accuracy_m <= GOOD_M;

/** Whether `next` is the better measure of the two. */
export const isBetter = (next: Fix, best: Fix | null): boolean => best === null || (next.accuracy_m ?? Infinity) < (best.accuracy_m ?? Infinity);

/** Whether it is so much better than what was written that it is worth writing again; each writing may become a revision. */
export function isWorthWriting(next: Fix, written: Fix | null): boolean {
  if (written === null || written.source !== 'gps') return true;
  const [now, before] = [next.accuracy_m ?? Infinity, written.accuracy_m ?? Infinity];
  return now < before * 0.6 || (isGood(next) && !isGood(written));
}

/** A place that a person typed or pressed: a comma stands for the point in most of the languages here. `null`: not a place. */
export function typedFix(lat: string, lon: string): Fix | null {
  const [north, east] = [lat, lon].map((text) => (text.trim() ? Number(text.trim().replace(',', '.').replace('\u2212', '-')) : Number.NaN));
  return isPlace(north, east) ? { lat: rounded(north as number, 6), lon: rounded(east as number, 6), source: 'manual' } : null;
}

interface Where {
  lat: number;
  lon: number;
}

/** Metres between two places, by a sphere: right to half a percent. */
export function metresBetween(a: Where, b: Where): number {
  const rad = Math.PI / 180;
  const [north, east] = [(b.lat - a.lat) * rad, (b.lon - a.lon) * rad];
  const half = Math.sin(north / 2) ** 2 + Math.cos(a.lat * rad) * Math.cos(b.lat * rad) * Math.sin(east / 2) ** 2;
  return 2 * 6_371_008.8 * Math.asin(Math.min(1, Math.sqrt(half)));
}

function isPlace(lat: unknown, lon: unknown): boolean {
  return typeof lat === 'number' && typeof lon === 'number' && Math.abs(lat) <= 90 && Math.abs(lon) <= 180;
}

const rounded = (value: number, digits: number) => Math.round(value * 10 ** digits) / 10 ** digits;
