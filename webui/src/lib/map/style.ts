/**
 * What the map looks like, as MapLibre's style: the world's outline, the graticule, territories, observations. It names
 * no glyphs and no sprite, so MapLibre writes with the fonts of the computer and asks this page for every sign; nothing
 * is fetched but tiles.
 */
import type {
  ExpressionSpecification,
  GeoJSONSourceSpecification,
  LayerSpecification,
  StyleSpecification,
} from 'maplibre-gl';
import type { Palette } from './palette';

export const OBSERVATIONS = 'observations';
export const LAND = 'land';
export const BORDERS = 'borders';
export const GRATICULE = 'graticule';
export const TERRITORIES = 'territories';
export const TERRITORY_NAMES = 'territory-names';
export const CLUSTERS = 'clusters';
export const COUNTS = 'cluster-counts';
export const SINGLES = 'singles';

/** A pixel is then a few decimetres: finer than any receiver in the field. */
export const CLOSEST_ZOOM = 18;

/** The family of the pages; MapLibre looks for `Bold` in the first name, and leaves what is not there to the next. */
export const FONT = ['system-ui', 'Noto Sans', 'sans-serif'];
const FONT_BOLD = ['Noto Sans Bold', 'system-ui', 'sans-serif'];

/** Where tiles come from. `{` in a filter is encoded, so it cannot be taken for a placeholder. */
export function tilesPath(filter: Record<string, string>): string {
  const wanted = Object.entries(filter).filter(([, value]) => value !== '');
  const query = new URLSearchParams(wanted.sort(([a], [b]) => (a < b ? -1 : 1))).toString();
  return `/api/v1/tiles/observations/{z}/{x}/{y}.mvt${query ? `?${query}` : ''}`;
}

export function mapStyle(palette: Palette, tiles: string): StyleSpecification {
  const nothing: GeoJSONSourceSpecification = { type: 'geojson', data: { type: 'FeatureCollection', features: [] } };
  return {
    version: 8,
    sources: {
      [LAND]: nothing,
      [BORDERS]: nothing,
      [GRATICULE]: nothing,
      [TERRITORIES]: nothing,
      [TERRITORY_NAMES]: nothing,
      [OBSERVATIONS]: { type: 'vector', tiles: [tiles], maxzoom: CLOSEST_ZOOM },
    },
    layers: layersOf(palette),
  };
}

const count: ExpressionSpecification = ['coalesce', ['get', 'count'], 1];
const isPolygon: ExpressionSpecification = ['==', ['geometry-type'], 'Polygon'];
const isPoint: ExpressionSpecification = ['==', ['geometry-type'], 'Point'];

/** Also what a change between light and dark paints anew. */
export function layersOf(palette: Palette): LayerSpecification[] {
  return [
    { id: 'water', type: 'background', paint: { 'background-color': palette.water } },
    { id: LAND, type: 'fill', source: LAND, paint: { 'fill-color': palette.surface } },
    {
      id: BORDERS,
      type: 'line',
      source: BORDERS,
      paint: { 'line-color': palette.lineStrong, 'line-width': 1.25, 'line-dasharray': [4, 2] },
    },
    {
      id: GRATICULE,
      type: 'line',
      source: GRATICULE,
      paint: { 'line-color': palette.lineStrong, 'line-width': 1, 'line-opacity': 0.4 },
    },
    ...territoryLayers(palette),
    ...observationLayers(palette),
  ];
}

function territoryLayers(palette: Palette): LayerSpecification[] {
  const source = TERRITORIES;
  return [
    {
      id: 'territory-land',
      type: 'fill',
      source,
      filter: isPolygon,
      paint: { 'fill-color': palette.attention, 'fill-opacity': 0.12 },
    },
    {
      id: 'territory-edge',
      type: 'line',
      source,
      layout: { 'line-join': 'round', 'line-cap': 'round' },
      paint: { 'line-color': palette.attention, 'line-width': 2.5 },
    },
    {
      id: 'territory-point',
      type: 'circle',
      source,
      filter: isPoint,
      paint: {
        'circle-color': palette.surface,
        'circle-radius': 4,
        'circle-stroke-color': palette.attention,
        'circle-stroke-width': 2.5,
      },
    },
    {
      id: TERRITORY_NAMES,
      type: 'symbol',
      source: TERRITORY_NAMES,
      layout: {
        'text-field': ['get', 'name'],
        'text-font': FONT,
        'text-size': 13,
        'text-max-width': 12,
        'text-offset': ['case', ['get', 'below'], ['literal', [0, 1]], ['literal', [0, 0]]],
      },
      paint: { 'text-color': palette.attention, 'text-halo-color': palette.surface, 'text-halo-width': 1.5 },
    },
  ];
}

function observationLayers(palette: Palette): LayerSpecification[] {
  const source = { source: OBSERVATIONS, 'source-layer': OBSERVATIONS };
  const isCluster: ExpressionSpecification = ['>', count, 1];
  return [
    {
      id: CLUSTERS,
      type: 'circle',
      ...source,
      filter: isCluster,
      paint: {
        'circle-color': palette.accent,
        'circle-stroke-color': palette.surface,
        'circle-stroke-width': 2,
        // Wide enough for the digits, and never so wide that it hides its neighbours.
        'circle-radius': ['interpolate', ['linear'], ['log10', count], 0, 14, 2, 18, 4, 25, 6, 32],
      },
    },
    {
      id: COUNTS,
      type: 'symbol',
      ...source,
      filter: isCluster,
      layout: {
        'text-field': shortCount,
        'text-font': FONT_BOLD,
        'text-size': 13,
        'text-allow-overlap': true,
        'text-ignore-placement': true,
      },
      paint: { 'text-color': palette.onAccent },
    },
    {
      id: SINGLES,
      type: 'symbol',
      ...source,
      filter: ['<=', count, 1],
      layout: {
        'icon-image': markImage,
        'icon-allow-overlap': true,
        'icon-ignore-placement': true,
        // What needs attention lies above.
        'symbol-sort-key': ['case', ['==', ['get', 'state'], 'whole'], 0, 1],
      },
      paint: {},
    },
  ];
}

/** `12400` → `12k`: a circle has room for four signs. What is in view is told exactly below the map. */
const shortCount: ExpressionSpecification = [
  'case',
  ['<', count, 1000],
  ['to-string', count],
  ['<', count, 999_500],
  ['concat', ['to-string', ['round', ['/', count, 1000]]], 'k'],
  ['concat', ['to-string', ['/', ['round', ['/', count, 100_000]], 10]], 'M'],
];

/** The name of a sign, as `markOf` reads it. */
const markImage: ExpressionSpecification = [
  'concat',
  'mark:',
  ['match', ['get', 'state'], ['conflict', 'incomplete'], ['get', 'state'], 'whole'],
  ':',
  ['case', ['to-boolean', ['get', 'media']], '1', '0'],
  ':',
  ['to-string', ['coalesce', ['get', 'category'], '']],
];
