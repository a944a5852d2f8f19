/** A vector map by names of its own: everything in it, in one look. Better than nothing, and concessions or trails come so. */
import type { LayerSpecification } from 'maplibre-gl';
import type { Palette } from '../palette';
import { area, dot, line, lines, names, points, polygons } from './parts';

export function otherLayers(layers: string[], palette: Palette): LayerSpecification[] {
  const each = (make: (of: string, index: number) => LayerSpecification) => layers.map(make);
  // By their number: a layer's name may be anything.
  return [
    ...each((of, index) => area({ id: `area-${index}`, of, where: polygons }, palette.leaf, 0.5)),
    ...each((of, index) => line({ id: `edge-${index}`, of, where: polygons }, palette.lineStrong, [5, 0.5, 14, 1.5])),
    ...each((of, index) => line({ id: `line-${index}`, of, where: lines }, palette.lineStrong, [5, 0.6, 14, 2])),
    ...each((of, index) => dot({ id: `dot-${index}`, of, where: points, from: 8 }, palette.inkSoft, palette)),
    ...each((of, index) => names({ id: `names-${index}`, of, where: points, from: 8 }, palette.inkSoft, 12, palette)),
  ];
}
