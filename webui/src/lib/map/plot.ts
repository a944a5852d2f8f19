/**
 * Where points stand on a drawing when there is no map: all of them in the frame, north up, shapes as on the ground.
 */
import type { Box } from './view';

export interface Plot {
  place: (lat: number, lon: number) => { x: number; y: number };
  /** What the whole drawing covers. */
  box: Box;
}

/** One lone point still gets land around it: 0.02 degrees are about two kilometres. */
const LEAST_DEGREES = 0.02;

/** Free at the edge, so that no point is cut. */
const MARGIN = 0.06;

/** `null` when there is nothing to show. */
export function plotOf(points: { lat: number; lon: number }[], width: number, height: number): Plot | null {
  if (!points.length) return null;
  const latitudes = extent(points.map(({ lat }) => lat));
  const longitudes = extent(points.map(({ lon }) => lon));
  // A degree of longitude is shorter away from the equator; near enough for one territory, and for the world it shows all.
  const narrow = Math.max(0.1, Math.cos((latitudes.middle * Math.PI) / 180));
  const share = 1 - 2 * MARGIN;
  const perDegree = Math.min(
    (width * share) / Math.max(longitudes.length * narrow, LEAST_DEGREES),
    (height * share) / Math.max(latitudes.length, LEAST_DEGREES),
  );
  const halfWide = width / 2 / perDegree / narrow;
  const halfHigh = height / 2 / perDegree;
  return {
    place: (lat, lon) => ({
      x: width / 2 + (lon - longitudes.middle) * narrow * perDegree,
      y: height / 2 - (lat - latitudes.middle) * perDegree,
    }),
    box: [
      longitudes.middle - halfWide,
      latitudes.middle - halfHigh,
      longitudes.middle + halfWide,
      latitudes.middle + halfHigh,
    ],
  };
}

/** The widest of round steps that still gives the drawing a few lines. */
export function plotStep([west, south, east, north]: Box): number {
  const room = Math.min(east - west, north - south);
  const power = 10 ** Math.floor(Math.log10(room / 2));
  const times = room / 2 / power;
  return power * (times >= 5 ? 5 : times >= 2 ? 2 : 1);
}

function extent(values: number[]): { middle: number; length: number } {
  // Not `Math.min(...values)`: a long list would overflow the stack.
  const least = values.reduce((a, b) => Math.min(a, b), Infinity);
  const most = values.reduce((a, b) => Math.max(a, b), -Infinity);
  return { middle: (least + most) / 2, length: most - least };
}
