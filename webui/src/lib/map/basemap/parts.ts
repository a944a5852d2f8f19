/** Layers of basemaps, in few words each: what the styles for the known schemas are put together from. */
import type { ExpressionSpecification, FilterSpecification, LayerSpecification } from 'maplibre-gl';
import type { Palette } from '../palette';
import { FONT } from '../style';

const SOURCE = 'basemap';

/** Widths in pixels by zoom: `[zoom, width, zoom, width, …]`; between them it grows evenly. */
export type Widths = [number, number, ...number[]];

export const is = (property: ExpressionSpecification, ...values: string[]): ExpressionSpecification =>
  ['match', property, values, true, false] as unknown as ExpressionSpecification;

export const all = (...filters: ExpressionSpecification[]): ExpressionSpecification => ['all', ...filters];

export const polygons: ExpressionSpecification = ['==', ['geometry-type'], 'Polygon'];
export const lines: ExpressionSpecification = ['==', ['geometry-type'], 'LineString'];
export const points: ExpressionSpecification = ['==', ['geometry-type'], 'Point'];

interface Part {
  /** Also the name of the layer, behind `basemap-`. */
  id: string;
  /** The layer of the tiles. */
  of: string;
  where: FilterSpecification;
  from?: number;
}

const base = ({ id, of, where, from }: Part) => ({
  id: `${SOURCE}-${id}`,
  source: SOURCE,
  'source-layer': of,
  filter: where,
  ...(from === undefined ? {} : { minzoom: from }),
});

const widthOf = (widths: Widths): ExpressionSpecification => ['interpolate', ['linear'], ['zoom'], ...widths];

export const area = (part: Part, color: string, opacity = 1): LayerSpecification => ({
  ...base(part),
  type: 'fill',
  paint: { 'fill-color': color, 'fill-opacity': opacity },
});

export const line = (part: Part, color: string, widths: Widths, more: { dash?: number[]; opacity?: number } = {}): LayerSpecification => ({
  ...base(part),
  type: 'line',
  layout: { 'line-join': 'round', 'line-cap': more.dash ? 'butt' : 'round' },
  paint: {
    'line-color': color,
    'line-width': widthOf(widths),
    'line-opacity': more.opacity ?? 1,
    ...(more.dash ? { 'line-dasharray': more.dash } : {}),
  },
});

export const dot = (part: Part, color: string, palette: Palette): LayerSpecification => ({
  ...base(part),
  type: 'circle',
  paint: { 'circle-color': color, 'circle-radius': 3, 'circle-stroke-color': palette.surface, 'circle-stroke-width': 1 },
});

/** What people of the place call it; else a name in Latin letters. */
const NAME: ExpressionSpecification = ['coalesce', ['get', 'name'], ['get', 'name:latin'], ['get', 'name:en'], ''];

/** Names at points. What the hub draws above them takes no room from them, and hides them where it must. */
export const names = (part: Part, color: string, size: number, palette: Palette): LayerSpecification => ({
  ...base(part),
  type: 'symbol',
  layout: { 'text-field': NAME, 'text-font': FONT, 'text-size': size, 'text-max-width': 8, 'text-padding': 4 },
  paint: { 'text-color': color, 'text-halo-color': palette.surface, 'text-halo-width': 1.5 },
});

/** Names along rivers and roads. */
export const namesAlong = (part: Part, color: string, palette: Palette): LayerSpecification => ({
  ...base(part),
  type: 'symbol',
  layout: { 'text-field': NAME, 'text-font': FONT, 'text-size': 12, 'symbol-placement': 'line', 'text-max-angle': 30 },
  paint: { 'text-color': color, 'text-halo-color': palette.surface, 'text-halo-width': 1.5 },
});
