import { area } from '@turf/area';
import { length } from '@turf/length';
import type { Ring } from './area';

/** How lengths and areas are written; `Speaker` does. */
interface Speech {
  number: (value: number) => string;
}

export const metresOf = (ring: Ring): number =>
  ring.length < 2 ? 0 : length({ type: 'Feature', properties: {}, geometry: { type: 'LineString', coordinates: ring } }, { units: 'meters' });

/** The land that a ring goes around, in square metres. */
export const squareMetresOf = (ring: Ring): number =>
  ring.length < 3 ? 0 : area({ type: 'Polygon', coordinates: [[...ring, ...ring.slice(0, 1)]] });

/** The length of a way and the land that it goes around, as people say them. */
export function measure(ring: Ring, speech: Speech): { length: string; area: string } {
  return { length: lengthText(metresOf(ring), speech), area: areaText(squareMetresOf(ring), speech) };
}

/** Metres up to a kilometre; then kilometres, with as many decimals as a walk is worth. */
export function lengthText(metres: number, speech: Speech): string {
  if (metres < 1000) return `${speech.number(Math.round(metres))} m`;
  return `${speech.number(rounded(metres / 1000))} km`;
}

/** Hectares are what land is told in; square metres for a garden, square kilometres for a province. */
export function areaText(squareMetres: number, speech: Speech): string {
  if (squareMetres < 1000) return `${speech.number(Math.round(squareMetres))} m²`;
  if (squareMetres < 1e9) return `${speech.number(rounded(squareMetres / 10_000))} ha`;
  return `${speech.number(rounded(squareMetres / 1e6))} km²`;
}

/** Three digits that mean something; whole numbers stay whole. */
const rounded = (value: number) => (value >= 100 ? Math.round(value) : Number(value.toPrecision(3)));
