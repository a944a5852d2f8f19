/** Basemaps of Protomaps (`earth`, `water`, `roads`, …), of its version 4 and of those before, whose properties begin with `pmap:`. */
import type { ExpressionSpecification, LayerSpecification } from 'maplibre-gl';
import type { Palette } from '../palette';
import { all, area, is, line, lines, names, namesAlong, points, polygons } from './parts';

const kind: ExpressionSpecification = ['coalesce', ['get', 'kind'], ['get', 'pmap:kind'], ''];

const WOODS = ['forest', 'wood', 'nature_reserve', 'national_park', 'protected_area', 'aboriginal_lands'];
const GREENS = ['grassland', 'grass', 'scrub', 'meadow', 'park', 'wetland', 'orchard', 'farmland'];
const BUILT = ['urban_area', 'residential', 'industrial', 'commercial', 'aerodrome', 'quarry', 'landfill'];
const KEPT = ['nature_reserve', 'national_park', 'protected_area', 'aboriginal_lands'];
const RIVERS = ['river', 'canal', 'riverbank'];
const STREAMS = ['stream', 'ditch', 'drain'];
const LARGE_ROADS = ['highway', 'major_road', 'medium_road'];
const SMALL_ROADS = ['minor_road', 'other'];
const VILLAGES = ['locality', 'neighbourhood', 'macrohood'];

export function protomapsLayers(palette: Palette): LayerSpecification[] {
  return [
    area({ id: 'earth', of: 'earth', where: polygons }, palette.surface),
    area({ id: 'cover-wood', of: 'landcover', where: is(kind, 'forest') }, palette.leaf),
    area({ id: 'cover-green', of: 'landcover', where: is(kind, ...GREENS) }, palette.leaf, 0.5),
    area({ id: 'built', of: 'landuse', where: all(polygons, is(kind, ...BUILT)) }, palette.sunken),
    area({ id: 'green', of: 'landuse', where: all(polygons, is(kind, ...GREENS)) }, palette.leaf, 0.5),
    area({ id: 'wood', of: 'landuse', where: all(polygons, is(kind, ...WOODS)) }, palette.leaf),
    line({ id: 'kept', of: 'landuse', where: all(polygons, is(kind, ...KEPT)), from: 7 }, palette.ok, [7, 0.5, 14, 1.5], { dash: [3, 3], opacity: 0.7 }),
    area({ id: 'water', of: 'water', where: polygons }, palette.water),
    line({ id: 'shore', of: 'water', where: polygons, from: 5 }, palette.busy, [5, 0.3, 14, 1], { opacity: 0.6 }),
    // Since version 4 rivers are with the other water.
    ...['water', 'physical_line'].flatMap((of) => [
      line({ id: `${of}-streams`, of, where: all(lines, is(kind, ...STREAMS)), from: 11 }, palette.busy, [11, 0.5, 16, 2], { opacity: 0.7 }),
      line({ id: `${of}-rivers`, of, where: all(lines, is(kind, ...RIVERS)) }, palette.busy, [5, 0.6, 10, 1.4, 16, 4], { opacity: 0.7 }),
    ]),
    area({ id: 'buildings', of: 'buildings', where: polygons, from: 14 }, palette.lineSoft),
    line({ id: 'paths', of: 'roads', where: is(kind, 'path'), from: 12 }, palette.inkSoft, [12, 0.6, 17, 2], { dash: [2, 2] }),
    line({ id: 'rails', of: 'roads', where: is(kind, 'rail'), from: 9 }, palette.inkSoft, [9, 0.8, 17, 2.5], { dash: [5, 2] }),
    line({ id: 'small-roads', of: 'roads', where: is(kind, ...SMALL_ROADS), from: 11 }, palette.lineStrong, [11, 0.4, 14, 1.2, 18, 6]),
    line({ id: 'large-roads', of: 'roads', where: is(kind, ...LARGE_ROADS) }, palette.lineStrong, [5, 0.6, 10, 1.6, 14, 3, 18, 10]),
    line({ id: 'borders', of: 'boundaries', where: lines }, palette.lineStrong, [3, 0.8, 10, 1.5], { dash: [4, 2] }),
    ...['water', 'physical_line'].map((of) =>
      namesAlong({ id: `${of}-names`, of, where: all(lines, is(kind, ...RIVERS, ...STREAMS)), from: 8 }, palette.busy, palette),
    ),
    names({ id: 'lake-names', of: 'water', where: points, from: 6 }, palette.busy, 12, palette),
    names({ id: 'villages', of: 'places', where: is(kind, ...VILLAGES), from: 6 }, palette.ink, 13, palette),
    names({ id: 'regions', of: 'places', where: is(kind, 'region') }, palette.inkSoft, 12, palette),
    names({ id: 'countries', of: 'places', where: is(kind, 'country') }, palette.inkSoft, 14, palette),
  ];
}
