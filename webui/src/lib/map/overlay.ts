/**
 * Shapes that a page lays over the map: the area of a filter, what is being drawn, density, clusters, a way to the
 * nearest. They lie over the land and under the observations. `MapView` puts them there; here is how they look.
 */
import type { ExpressionSpecification, LayerSpecification } from 'maplibre-gl';
import type { Feature, Geometry } from 'geojson';
import type { Area, Ring } from '$lib/rules/area';
import type { Palette } from './palette';
import { wrap, type Box } from './view';

export const OVERLAY = 'overlay';

/** `share`: how much of the most, from 0 to 1. `label`: written in the middle of a point. */
export type Look = 'area' | 'sketch' | 'corner' | 'density' | 'cluster' | 'way';

export type OverlayFeature = Feature<Geometry, { look: Look; share?: number; label?: string }>;

const FONT = ['Noto Sans Bold', 'system-ui', 'sans-serif'];

const looks = (...names: Look[]): ExpressionSpecification => ['in', ['get', 'look'], ['literal', names]];

export function overlayLayers(palette: Palette): LayerSpecification[] {
  const source = OVERLAY;
  const round = { 'line-join': 'round', 'line-cap': 'round' } as const;
  return [
    {
      id: 'overlay-density',
      type: 'fill',
      source,
      filter: looks('density'),
      paint: { 'fill-color': palette.accent, 'fill-opacity': ['+', 0.15, ['*', 0.65, ['coalesce', ['get', 'share'], 0]]] },
    },
    {
      id: 'overlay-land',
      type: 'fill',
      source,
      filter: ['all', looks('area', 'cluster', 'sketch'), ['==', ['geometry-type'], 'Polygon']],
      paint: { 'fill-color': palette.busy, 'fill-opacity': 0.1 },
    },
    {
      id: 'overlay-cells',
      type: 'line',
      source,
      filter: looks('density'),
      paint: { 'line-color': palette.surface, 'line-width': 1 },
    },
    {
      id: 'overlay-edge',
      type: 'line',
      source,
      layout: round,
      filter: looks('area', 'cluster'),
      paint: { 'line-color': palette.busy, 'line-width': 2.5 },
    },
    {
      id: 'overlay-sketch',
      type: 'line',
      source,
      layout: round,
      filter: looks('sketch', 'way'),
      paint: { 'line-color': palette.ink, 'line-width': 2.5, 'line-dasharray': [2, 2] },
    },
    {
      id: 'overlay-corner',
      type: 'circle',
      source,
      filter: looks('corner'),
      paint: {
        'circle-color': palette.surface,
        'circle-radius': 5,
        'circle-stroke-color': palette.ink,
        'circle-stroke-width': 2.5,
      },
    },
    {
      id: 'overlay-label',
      type: 'symbol',
      source,
      filter: ['all', ['has', 'label'], ['==', ['geometry-type'], 'Point']],
      layout: { 'text-field': ['get', 'label'], 'text-font': FONT, 'text-size': 13 },
      paint: { 'text-color': palette.ink, 'text-halo-color': palette.surface, 'text-halo-width': 2 },
    },
  ];
}

/** The outline of an area. */
export function areaShape({ polygons }: Area): OverlayFeature {
  const coordinates = polygons.map((rings) => rings.map(closed));
  return { type: 'Feature', properties: { look: 'area' }, geometry: { type: 'MultiPolygon', coordinates } };
}

/** The outline of a box, also across the date line. */
export function boxShape([west, south, east, north]: Box): OverlayFeature {
  const right = east < west ? east + 360 : east;
  const ring: Ring = [[west, south], [right, south], [right, north], [west, north]];
  return { type: 'Feature', properties: { look: 'area' }, geometry: { type: 'Polygon', coordinates: [closed(ring)] } };
}

/** What is being drawn: its corners, and the line between them; as land it is closed. */
export function sketchShapes(ring: Ring, isLand: boolean): OverlayFeature[] {
  const corners = ring.map((coordinates): OverlayFeature => (
    { type: 'Feature', properties: { look: 'corner' }, geometry: { type: 'Point', coordinates } }
  ));
  if (ring.length < 2) return corners;
  const geometry: Geometry =
    isLand && ring.length > 2 ? { type: 'Polygon', coordinates: [closed(ring)] } : { type: 'LineString', coordinates: ring };
  return [{ type: 'Feature', properties: { look: 'sketch' }, geometry }, ...corners];
}

export const closed = (ring: Ring): Ring => [...ring, ...ring.slice(0, 1)];

/** A place on the screen as a corner on Earth: whoever moved around the world is still on it. */
export const cornerAt = (lon: number, lat: number): [number, number] => [wrap(lon), lat];
