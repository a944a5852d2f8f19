/**
 * Where a shape's name is written: once. MapLibre cuts shapes into tiles, and would write it in each of them.
 */
import type { FeatureCollection, Geometry, Point, Position } from 'geojson';
import type { TerritoryFeature } from './territory';

export function namesOf(features: TerritoryFeature[]): FeatureCollection<Point, { name: string; below: boolean }> {
  return {
    type: 'FeatureCollection',
    features: features.flatMap(({ geometry, properties: { name } }) => {
      const coordinates = name && middleOf(geometry);
      // Not on the point itself, which would be hidden.
      const below = geometry.type === 'Point';
      return coordinates ? [{ type: 'Feature', properties: { name, below }, geometry: { type: 'Point', coordinates } }] : [];
    }),
  };
}

/** Within the largest part of a shape, near its middle; `null` for what has no position. */
function middleOf(geometry: Geometry): Position | null {
  switch (geometry.type) {
    case 'Point':
      return geometry.coordinates;
    case 'MultiPoint':
      return geometry.coordinates[0] ?? null;
    case 'LineString':
      return halfway(geometry.coordinates);
    case 'MultiLineString':
      return halfway(longest(geometry.coordinates));
    case 'Polygon':
      return centre(geometry.coordinates[0] ?? []);
    case 'MultiPolygon':
      return centre(largest(geometry.coordinates.map((rings) => rings[0] ?? [])));
    case 'GeometryCollection':
      return geometry.geometries.map(middleOf).find((middle) => middle !== null) ?? null;
  }
}

const halfway = (line: Position[]) => line[Math.floor(line.length / 2)] ?? null;

const longest = (lines: Position[][]) => lines.reduce((a, b) => (b.length > a.length ? b : a), []);

const largest = (rings: Position[][]) => rings.reduce((a, b) => (Math.abs(area(b)) > Math.abs(area(a)) ? b : a), rings[0] ?? []);

/** Twice the area, by the shoelace formula. */
function area(ring: Position[]): number {
  return edges(ring).reduce((sum, [[x = 0, y = 0], [nextX = 0, nextY = 0]]) => sum + x * nextY - nextX * y, 0);
}

/** The centre of the area; of a ring without one, a position on it. */
function centre(ring: Position[]): Position | null {
  const [origin] = ring;
  if (!origin) return null;
  const [originX = 0, originY = 0] = origin;
  // Beside its first position: far from zero, small rings would lose their area to rounding.
  const near = ring.map(([x = 0, y = 0]) => [x - originX, y - originY]);
  const double = area(near);
  if (Math.abs(double) < 1e-15) return halfway(ring);
  let [sumX, sumY] = [0, 0];
  for (const [[x = 0, y = 0], [nextX = 0, nextY = 0]] of edges(near)) {
    const share = x * nextY - nextX * y;
    sumX += (x + nextX) * share;
    sumY += (y + nextY) * share;
  }
  return [originX + sumX / (3 * double), originY + sumY / (3 * double)];
}

const edges = (ring: Position[]): [Position, Position][] =>
  ring.map((position, index) => [position, ring[(index + 1) % ring.length] ?? position]);
