/** OpenMapTiles (`landcover`, `water`, `transportation`, …), which draws water and no land: the land is the box of the map. */
import type { ExpressionSpecification, LayerSpecification } from 'maplibre-gl';
import type { Palette } from '../palette';
import { all, area, is, line, lines, names, namesAlong, polygons } from './parts';

const kind: ExpressionSpecification = ['coalesce', ['get', 'class'], ''];

const GREENS = ['grass', 'wetland', 'farmland'];
const BUILT = ['residential', 'industrial', 'commercial', 'quarry', 'suburb'];
const STREAMS = ['stream', 'ditch', 'drain'];
const LARGE_ROADS = ['motorway', 'trunk', 'primary', 'secondary', 'tertiary'];
const SMALL_ROADS = ['minor', 'service', 'track', 'unclassified'];
const VILLAGES = ['village', 'hamlet', 'suburb', 'quarter', 'neighbourhood', 'isolated_dwelling', 'island', 'aboriginal_lands'];

/** Where countries and their regions meet, but not in the sea. */
const borders: ExpressionSpecification = [
  'all',
  ['<=', ['coalesce', ['get', 'admin_level'], 10], 4],
  ['!=', ['coalesce', ['get', 'maritime'], 0], 1],
];

export function openMapTilesLayers(palette: Palette): LayerSpecification[] {
  return [
    { id: 'basemap-land', type: 'fill', source: 'basemap-land', paint: { 'fill-color': palette.surface } },
    area({ id: 'built', of: 'landuse', where: is(kind, ...BUILT) }, palette.sunken),
    area({ id: 'green', of: 'landcover', where: is(kind, ...GREENS) }, palette.leaf, 0.5),
    area({ id: 'wood', of: 'landcover', where: is(kind, 'wood', 'forest') }, palette.leaf),
    area({ id: 'park', of: 'park', where: polygons }, palette.leaf, 0.5),
    line({ id: 'kept', of: 'park', where: polygons, from: 7 }, palette.ok, [7, 0.5, 14, 1.5], { dash: [3, 3], opacity: 0.7 }),
    area({ id: 'water', of: 'water', where: polygons }, palette.water),
    line({ id: 'shore', of: 'water', where: polygons, from: 5 }, palette.busy, [5, 0.3, 14, 1], { opacity: 0.6 }),
    line({ id: 'streams', of: 'waterway', where: is(kind, ...STREAMS), from: 11 }, palette.busy, [11, 0.5, 16, 2], { opacity: 0.7 }),
    line({ id: 'rivers', of: 'waterway', where: is(kind, 'river', 'canal') }, palette.busy, [5, 0.6, 10, 1.4, 16, 4], { opacity: 0.7 }),
    area({ id: 'buildings', of: 'building', where: polygons, from: 14 }, palette.lineSoft),
    line({ id: 'paths', of: 'transportation', where: all(lines, is(kind, 'path')), from: 12 }, palette.inkSoft, [12, 0.6, 17, 2], { dash: [2, 2] }),
    line({ id: 'rails', of: 'transportation', where: all(lines, is(kind, 'rail')), from: 9 }, palette.inkSoft, [9, 0.8, 17, 2.5], { dash: [5, 2] }),
    line({ id: 'small-roads', of: 'transportation', where: all(lines, is(kind, ...SMALL_ROADS)), from: 11 }, palette.lineStrong, [11, 0.4, 14, 1.2, 18, 6]),
    line({ id: 'large-roads', of: 'transportation', where: all(lines, is(kind, ...LARGE_ROADS)) }, palette.lineStrong, [5, 0.6, 10, 1.6, 14, 3, 18, 10]),
    line({ id: 'borders', of: 'boundary', where: borders }, palette.lineStrong, [3, 0.8, 10, 1.5], { dash: [4, 2] }),
    namesAlong({ id: 'river-names', of: 'waterway', where: lines, from: 8 }, palette.busy, palette),
    names({ id: 'lake-names', of: 'water_name', where: ['==', ['geometry-type'], 'Point'], from: 6 }, palette.busy, 12, palette),
    names({ id: 'villages', of: 'place', where: is(kind, ...VILLAGES), from: 9 }, palette.ink, 12, palette),
    names({ id: 'towns', of: 'place', where: is(kind, 'city', 'town') }, palette.ink, 13, palette),
    names({ id: 'regions', of: 'place', where: is(kind, 'state', 'province') }, palette.inkSoft, 12, palette),
    names({ id: 'countries', of: 'place', where: is(kind, 'country') }, palette.inkSoft, 14, palette),
  ];
}
