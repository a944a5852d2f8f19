import { describe, expect, it } from 'vitest';
import { validateStyleMin } from '@maplibre/maplibre-gl-style-spec';
import { areaShape, boxShape, cornerAt, overlayLayers, sketchShapes, OVERLAY } from './overlay';
import { paletteOf } from './palette';

const CORNERS: [number, number][] = [[-77, -7], [-76, -7], [-76, -6]];

describe('what lies over the map', () => {
  it('is in a style that MapLibre takes', () => {
    const errors = validateStyleMin({
      version: 8,
      glyphs: 'x{fontstack}{range}',
      sources: { [OVERLAY]: { type: 'geojson', data: { type: 'FeatureCollection', features: [] } } },
      layers: overlayLayers(paletteOf(() => '#123456')),
    });
    expect(errors).toEqual([]);
  });

  it('closes what is land, and leaves open what is a way', () => {
    const [land] = sketchShapes(CORNERS, true);
    expect(land?.geometry).toEqual({ type: 'Polygon', coordinates: [[...CORNERS, CORNERS[0]]] });
    const [way, ...corners] = sketchShapes(CORNERS, false);
    expect(way?.geometry).toEqual({ type: 'LineString', coordinates: CORNERS });
    expect(corners).toHaveLength(3);
    expect(sketchShapes(CORNERS.slice(0, 1), true).map(({ properties: { look } }) => look)).toEqual(['corner']);
  });

  it('draws a box across the date line as one', () => {
    expect(boxShape([170, -10, -170, 0]).geometry).toMatchObject({ coordinates: [[[170, -10], [190, -10], [190, 0], [170, 0], [170, -10]]] });
    expect(cornerAt(190, 3)).toEqual([-170, 3]);
  });

  it('draws each polygon of an area, with its holes', () => {
    expect(areaShape({ polygons: [[CORNERS, CORNERS], [CORNERS]] }).geometry).toMatchObject({
      type: 'MultiPolygon', coordinates: [[[...CORNERS, CORNERS[0]], [...CORNERS, CORNERS[0]]], [[...CORNERS, CORNERS[0]]]],
    });
  });
});
