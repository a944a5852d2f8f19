import { createExpression, featureFilter, validateStyleMin, type FilterSpecification } from '@maplibre/maplibre-gl-style-spec';
import type { StyleSpecification } from 'maplibre-gl';
import { describe, expect, it } from 'vitest';
import type { Basemap } from '$lib/api/types';
import { paletteOf } from '../palette';
import { GRATICULE, mapStyle, tilesPath } from '../style';
import { groundOf, isBasemapSource, type Ground } from './ground';

const palette = paletteOf((token) => `#${(token.length * 1118481).toString(16).padStart(6, '0').slice(-6)}`);
const ORIGIN = 'http://localhost:8733';

const basemap = (fields: Partial<Basemap>): Basemap => ({
  id: '0123456789abcdef',
  name: 'rio',
  bytes: 1,
  format: 'pmtiles',
  kind: 'vector',
  schema: 'other',
  layers: [],
  bounds: [-78, -8, -75, -5],
  minzoom: 2,
  maxzoom: 9,
  attribution: '',
  trouble: null,
  ...fields,
});

/** The style of the whole map, with a basemap where `map-view.ts` puts it. */
function whole({ sources, layers, sprites }: Ground): StyleSpecification {
  const style = mapStyle(palette, tilesPath({}));
  const at = style.layers.findIndex(({ id }) => id === GRATICULE);
  return {
    ...style,
    ...(sprites.length ? { sprite: sprites } : {}),
    sources: { ...style.sources, ...sources },
    layers: style.layers.toSpliced(at, 0, ...layers),
  };
}

/** The basemap's layers that draw a feature of the tiles. */
function drawn(ground: Ground, of: string, geometry: 'Point' | 'LineString' | 'Polygon', properties: object, zoom = 12): string[] {
  const type = { Point: 1, LineString: 2, Polygon: 3 }[geometry] as 1 | 2 | 3;
  return ground.layers.flatMap((layer) => {
    if (!('source-layer' in layer) || layer['source-layer'] !== of || zoom < (layer.minzoom ?? 0)) return [];
    const filter = featureFilter(layer.filter as FilterSpecification, 'filter');
    return filter.filter({ zoom }, { type, properties: { ...properties }, geometry: [] }) ? [layer.id] : [];
  });
}

const OWN: StyleSpecification = {
  version: 8,
  sprite: '/api/v1/basemaps/x/parts/sprites/a',
  glyphs: '/api/v1/basemaps/x/parts/fonts/{fontstack}/{range}.pbf.gz',
  sources: {
    land: { type: 'vector', tiles: ['/api/v1/basemaps/x/parts/s/0/{z}/{x}/{y}.mvt.gz'], attribution: '<b>me</b>' },
    trails: { type: 'geojson', data: '/api/v1/basemaps/x/parts/s/trails.json' },
  },
  layers: [
    { id: 'water', type: 'background' },
    { id: 'observations', type: 'fill', source: 'land', 'source-layer': 'earth' },
    { id: 'names', type: 'symbol', source: 'land', 'source-layer': 'places', layout: { 'text-field': ['get', 'name'], 'text-font': ['Open Sans'] } },
    { id: 'more', type: 'symbol', source: 'trails', layout: { 'text-field': 'x', 'text-font': ['literal', ['Open Sans']] } },
  ],
};

const GROUNDS: Record<string, Ground> = {
  pictures: groundOf(basemap({ kind: 'raster' }), null, palette, ORIGIN),
  protomaps: groundOf(basemap({ schema: 'protomaps' }), null, palette, ORIGIN),
  openmaptiles: groundOf(basemap({ schema: 'openmaptiles', bounds: null }), null, palette, ORIGIN),
  other: groundOf(basemap({ schema: 'other', layers: ['concessions', 'trails; drop'] }), null, palette, ORIGIN),
  own: groundOf(basemap({ schema: 'own', format: 'smp' }), OWN, palette, ORIGIN),
};

describe.each(Object.entries(GROUNDS))('a basemap of %s', (_, ground) => {
  it('fits under the map', () => {
    const style = whole(ground);
    expect(validateStyleMin(style)).toEqual([]);
    expect(new Set(style.layers.map(({ id }) => id)).size).toBe(style.layers.length);
    expect(style).not.toHaveProperty('glyphs');
  });

  it('is named apart, and fetches from the hub alone', () => {
    expect(ground.layers.length).toBeGreaterThan(0);
    for (const { id } of ground.layers) expect(id).toMatch(/^basemap/);
    for (const id of Object.keys(ground.sources)) expect(isBasemapSource(id)).toBe(true);
    for (const [address] of JSON.stringify(ground).matchAll(/https?:[^"]+/g)) expect(address.startsWith(`${ORIGIN}/api/v1/`)).toBe(true);
    expect(JSON.stringify(ground)).not.toContain('attribution');
  });
});

describe('the land of Protomaps', () => {
  const ground = GROUNDS.protomaps as Ground;
  const of = (...feature: [string, 'Point' | 'LineString' | 'Polygon', object, number?]) => drawn(ground, ...feature);

  it('is drawn, of each version', () => {
    expect(of('earth', 'Polygon', { kind: 'earth' })).toEqual(['basemap-earth']);
    expect(of('landuse', 'Polygon', { kind: 'forest' })).toEqual(['basemap-wood']);
    expect(of('landuse', 'Polygon', { 'pmap:kind': 'forest' })).toEqual(['basemap-wood']);
    expect(of('landcover', 'Polygon', { kind: 'forest' }, 5)).toEqual(['basemap-cover-wood']);
    expect(of('water', 'Polygon', { kind: 'lake' })).toEqual(['basemap-water', 'basemap-shore']);
    expect(of('water', 'LineString', { kind: 'river', name: 'Huallaga' })).toEqual(['basemap-water-rivers', 'basemap-water-names']);
    expect(of('physical_line', 'LineString', { 'pmap:kind': 'river' })).toContain('basemap-physical_line-rivers');
    expect(of('roads', 'LineString', { kind: 'path' })).toEqual(['basemap-paths']);
    expect(of('roads', 'LineString', { kind: 'major_road' })).toEqual(['basemap-large-roads']);
    expect(of('roads', 'LineString', { kind: 'minor_road' }, 9)).toEqual([]);
    expect(of('boundaries', 'LineString', { kind: 'country' })).toEqual(['basemap-borders']);
    expect(of('places', 'Point', { kind: 'locality', name: 'San Antonio' })).toEqual(['basemap-villages']);
  });
});

describe('the land of OpenMapTiles', () => {
  const ground = GROUNDS.openmaptiles as Ground;
  const of = (...feature: [string, 'Point' | 'LineString' | 'Polygon', object, number?]) => drawn(ground, ...feature);

  it('is drawn', () => {
    expect(of('landcover', 'Polygon', { class: 'wood' })).toEqual(['basemap-wood']);
    expect(of('water', 'Polygon', { class: 'lake' })).toEqual(['basemap-water', 'basemap-shore']);
    expect(of('waterway', 'LineString', { class: 'river' })).toEqual(['basemap-rivers', 'basemap-river-names']);
    expect(of('transportation', 'LineString', { class: 'primary' })).toEqual(['basemap-large-roads']);
    expect(of('transportation', 'LineString', { class: 'track' })).toEqual(['basemap-small-roads']);
    expect(of('boundary', 'LineString', { admin_level: 2 })).toEqual(['basemap-borders']);
    expect(of('boundary', 'LineString', { admin_level: 2, maritime: 1 })).toEqual([]);
    expect(of('boundary', 'LineString', { admin_level: 8 })).toEqual([]);
    expect(of('place', 'Point', { class: 'village' })).toEqual(['basemap-villages']);
  });

  it('lies in the box of the map, for these tiles have water alone', () => {
    const boxed = groundOf(basemap({ schema: 'openmaptiles' }), null, palette, ORIGIN);
    expect(JSON.stringify(boxed.sources['basemap-land'])).toContain('[[[-78,-8],[-75,-8],[-75,-5],[-78,-5],[-78,-8]]]');
  });
});

it('a map by names of its own is drawn whole', () => {
  const ground = GROUNDS.other as Ground;
  expect(drawn(ground, 'concessions', 'Polygon', {})).toEqual(['basemap-area-0', 'basemap-edge-0']);
  expect(drawn(ground, 'trails; drop', 'LineString', {})).toEqual(['basemap-line-1']);
  expect(drawn(ground, 'trails; drop', 'Point', {})).toEqual(['basemap-dot-1', 'basemap-names-1']);
});

it('places are written as the people there write them', () => {
  const names = GROUNDS.protomaps?.layers.find(({ id }) => id === 'basemap-villages') as { layout: Record<string, unknown> };
  const field = createExpression(names.layout['text-field'], 'text-field');
  if (field.result === 'error') throw field.value;
  const text = (properties: Record<string, unknown>) => String(field.value.evaluate({ zoom: 9 }, { type: 1, properties }));
  expect(text({ name: 'Kukama', 'name:en': 'English' })).toBe('Kukama');
  expect(text({ 'name:en': 'English' })).toBe('English');
  expect(text({})).toBe('');
});

it('letters of a map’s own style are drawn with the computer’s', () => {
  const fonts = (GROUNDS.own as Ground).layers.flatMap((layer) => (layer.type === 'symbol' ? [layer.layout?.['text-font']] : []));
  expect(fonts).toEqual([['Open Sans', 'system-ui', 'Noto Sans', 'sans-serif'], ['system-ui', 'Noto Sans', 'sans-serif']]);
});
