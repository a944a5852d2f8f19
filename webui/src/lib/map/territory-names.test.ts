import type { Geometry } from 'geojson';
import { describe, expect, it } from 'vitest';
import { namesOf } from './territory-names';

const place = (geometry: Geometry, name = 'x') =>
  namesOf([{ type: 'Feature', properties: { name }, geometry }]).features[0]?.geometry.coordinates;

const square = (x: number, y: number, size: number) => [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]];

describe('the name of a shape', () => {
  it('stands in the middle of an area, of the largest where there are several', () => {
    const middle = [expect.closeTo(-76), expect.closeTo(-6)];
    expect(place({ type: 'Polygon', coordinates: [square(-77, -7, 2)] })).toEqual(middle);
    expect(place({ type: 'MultiPolygon', coordinates: [[square(10, 10, 0.1)], [square(-77, -7, 2)]] })).toEqual(middle);
  });

  it('stands on a line and at a point', () => {
    expect(place({ type: 'LineString', coordinates: [[0, 0], [1, 1], [2, 2]] })).toEqual([1, 1]);
    expect(place({ type: 'Point', coordinates: [3, 4] })).toEqual([3, 4]);
    expect(place({ type: 'GeometryCollection', geometries: [{ type: 'Point', coordinates: [3, 4] }] })).toEqual([3, 4]);
  });

  it('stands on a ring that is only a line', () => {
    expect(place({ type: 'Polygon', coordinates: [[[0, 0], [1, 0], [0, 0]]] })).toEqual([1, 0]);
  });

  it('stands nowhere without a name or a position', () => {
    expect(place({ type: 'Point', coordinates: [3, 4] }, '')).toBeUndefined();
    expect(place({ type: 'Polygon', coordinates: [] })).toBeUndefined();
    expect(place({ type: 'MultiLineString', coordinates: [] })).toBeUndefined();
  });
});
