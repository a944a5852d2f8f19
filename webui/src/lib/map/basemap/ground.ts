/**
 * What a basemap adds to the style of the map: sources, layers and signs, all named so that nothing of the map's own is
 * meant. Pure; `map-view.ts` puts it under the graticule.
 */
import type { LayerSpecification, SourceSpecification, StyleSpecification } from 'maplibre-gl';
import { basemapTilesUrl } from '$lib/api/client';
import type { Basemap } from '$lib/api/types';
import type { Palette } from '../palette';
import { openMapTilesLayers } from './openmaptiles';
import { otherLayers } from './other';
import { ownGround } from './own';
import { protomapsLayers } from './protomaps';

/** The tiles of a basemap. */
export const BASEMAP = 'basemap';

/** The land that a map covers, where the map itself draws water alone. */
export const BASEMAP_LAND = 'basemap-land';

export interface Ground {
  sources: Record<string, SourceSpecification>;
  layers: LayerSpecification[];
  sprites: { id: string; url: string }[];
}

/** Whether a source is a basemap's. */
export const isBasemapSource = (id: string): boolean => id === BASEMAP || id.startsWith(`${BASEMAP}-`);

/**
 * @param style the map's own, as the hub gives it; without one it is drawn in the colours of the pages
 * @param origin the hub's: MapLibre's worker needs whole addresses
 */
export function groundOf(map: Basemap, style: StyleSpecification | null, palette: Palette, origin: string): Ground {
  if (style) return ownGround(style, origin);
  const tiles = {
    tiles: [origin + basemapTilesUrl(map.id)],
    minzoom: map.minzoom ?? 0,
    maxzoom: map.maxzoom ?? 22,
    ...(map.bounds ? { bounds: map.bounds } : {}),
  };
  if (map.kind === 'raster') {
    const layer: LayerSpecification = { id: BASEMAP, type: 'raster', source: BASEMAP };
    return { sources: { [BASEMAP]: { type: 'raster', tileSize: 256, ...tiles } }, layers: [layer], sprites: [] };
  }
  const sources: Ground['sources'] = { [BASEMAP]: { type: 'vector', ...tiles } };
  if (map.schema === 'openmaptiles') sources[BASEMAP_LAND] = { type: 'geojson', data: boxShape(map.bounds) };
  return { sources, layers: layersOf(map, palette), sprites: [] };
}

function layersOf(map: Basemap, palette: Palette): LayerSpecification[] {
  switch (map.schema) {
    case 'protomaps':
      return protomapsLayers(palette);
    case 'openmaptiles':
      return openMapTilesLayers(palette);
    default:
      return otherLayers(map.layers ?? [], palette);
  }
}

function boxShape(bounds: Basemap['bounds']): GeoJSON.Feature {
  const [west, south, east, north] = bounds ?? [-180, -85, 180, 85];
  const ring = [[west, south], [east, south], [east, north], [west, north], [west, south]];
  return { type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [ring] } };
}
