/**
 * The net of meridians and parallels over the map, in steps that fit what is on the screen, and the scale bar's length.
 * Without a base map they are what tells how large the land on the screen is and where it lies.
 */
import type { Feature, FeatureCollection, LineString } from 'geojson';
import { WORLD_PX, boxOf, wrap, xOf, yOf, type Box, type View } from './view';

/** Degrees that people count in, and below one degree the decimals that the page shows. */
const STEPS = [30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001];

/** Lines this far apart on the screen help; closer ones hide what they should measure. */
const APART_PX = 110;

/** The projection of the map ends here. */
const MERCATOR_LIMIT = 85;

/** How many degrees lie between two lines at a zoom. */
export function graticuleStep(zoom: number): number {
  const degreesPerPixel = 360 / (WORLD_PX * 2 ** zoom);
  return STEPS.findLast((step) => step / degreesPerPixel >= APART_PX) ?? STEPS[0] ?? 30;
}

/** The lines over a box, each once, reaching a step beyond it. */
export function graticuleLines(box: Box, step: number): FeatureCollection<LineString> {
  const [south, north] = [clamp(box[1] - step), clamp(box[3] + step)];
  // Further around the world the same lines would be drawn again, and darker.
  const isAround = box[2] - box[0] + 2 * step >= 360;
  const [west, east] = isAround ? [-180, 180] : [box[0] - step, box[2] + step];
  const line = (from: [number, number], to: [number, number]): Feature<LineString> => ({
    type: 'Feature',
    properties: {},
    geometry: { type: 'LineString', coordinates: [from, to] },
  });
  const meridians = multiples(west, isAround ? east - step : east, step).map((lon) => line([lon, south], [lon, north]));
  const parallels = multiples(south, north, step).map((lat) => line([west, lat], [east, lat]));
  return { type: 'FeatureCollection', features: [...meridians, ...parallels] };
}

export interface EdgeLabel {
  text: string;
  edge: 'bottom' | 'left';
  /** Pixels from the left for what stands along the bottom, from the top for what stands at the left. */
  at: number;
}

/** What stands at the lines' ends: their degrees, along the lower and the left edge of the view. */
export function graticuleLabels(view: View, step: number): EdgeLabel[] {
  const [west, south, east, north] = boxOf(view);
  const meridians = multiples(west, east, step).map(
    (lon): EdgeLabel => ({ text: degreesText(wrap(lon), step), edge: 'bottom', at: xOf(view, lon) }),
  );
  const parallels = multiples(clamp(south), clamp(north), step).map(
    (lat): EdgeLabel => ({ text: degreesText(lat, step), edge: 'left', at: yOf(view, lat) }),
  );
  return [...meridians, ...parallels];
}

/** Signed, as the page writes coordinates everywhere: the letters of west and east differ between the languages. */
export function degreesText(degrees: number, step: number): string {
  const decimals = Math.max(0, Math.ceil(-Math.log10(step)));
  const text = Math.abs(degrees).toFixed(decimals);
  return `${degrees < 0 && Number(text) !== 0 ? '\u2212' : ''}${text}°`;
}

export interface Scale {
  metres: number;
  pixels: number;
}

/** The longest round distance that is not wider than `widest` pixels at a latitude: 1, 2 or 5 and zeros. */
export function scaleBar(lat: number, zoom: number, widest: number): Scale {
  const metresPerPixel = (40_075_016.686 * Math.cos((lat * Math.PI) / 180)) / (WORLD_PX * 2 ** zoom);
  const room = metresPerPixel * widest;
  const power = 10 ** Math.floor(Math.log10(room));
  const metres = power * (room / power >= 5 ? 5 : room / power >= 2 ? 2 : 1);
  return { metres, pixels: metres / metresPerPixel };
}

/** By counting in whole steps, so that rounding never loses the last line. */
function multiples(from: number, to: number, step: number): number[] {
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => tidy((first + index) * step));
}

const tidy = (degrees: number) => Number(degrees.toFixed(6));
const clamp = (lat: number) => Math.max(-MERCATOR_LIMIT, Math.min(MERCATOR_LIMIT, lat));
