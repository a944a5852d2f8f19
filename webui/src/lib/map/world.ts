/**
 * The outline of land and countries that is built in, so that a map without a base map still shows where it is.
 * One file of the hub, fetched with the map: Natural Earth at 1:50,000,000, as `world-atlas` packs it.
 */
import type { Feature, MultiLineString, MultiPolygon, Position } from 'geojson';
import { merge, mesh } from 'topojson-client';
import type { GeometryCollection, MultiPolygon as Shape, Polygon, Topology } from 'topojson-specification';
import outline from 'world-atlas/countries-50m.json?url';

export interface World {
  land: Feature<MultiPolygon>;
  borders: Feature<MultiLineString>;
}

type Atlas = Topology<{ countries: GeometryCollection; land: GeometryCollection }>;

export async function fetchWorld(): Promise<World> {
  const response = await fetch(outline);
  if (!response.ok) throw new Error(`world outline: ${response.status}`);
  return worldOf((await response.json()) as Atlas);
}

export function worldOf(atlas: Atlas): World {
  const { countries } = atlas.objects;
  const feature = <Kind>(geometry: Kind) => ({ type: 'Feature', properties: {}, geometry }) as const;
  const land = merge(atlas, countries.geometries as (Polygon | Shape)[]);
  // Only where two countries meet: the coast is drawn by the land.
  const borders = mesh(atlas, countries, (one, other) => one !== other);
  return {
    land: feature({ ...land, coordinates: land.coordinates.map((rings) => rings.map(flatRing)) }),
    borders: feature({ ...borders, coordinates: borders.coordinates.map(unwound) }),
  };
}

/**
 * A ring of the globe as one of the flat map. The atlas knows no date line: Siberia steps from 180 to -180, which on a
 * flat map would be a streak around the world; and Antarctica goes around the pole, so it must be led there to close.
 */
export function flatRing(ring: Position[]): Position[] {
  const flat = unwound(ring);
  const [first, last] = [flat[0], flat.at(-1)];
  if (!first || !last) return flat;
  const turned = Math.abs((last[0] ?? 0) - (first[0] ?? 0)) > 180;
  const pole = (first[1] ?? 0) < 0 ? -90 : 90;
  return turned ? [...flat, [last[0] ?? 0, pole], [first[0] ?? 0, pole], first] : flat;
}

/** Without steps over the date line, and with its middle where longitudes are usual. */
function unwound(line: Position[]): Position[] {
  let turns = 0;
  let before: number | null = null;
  const flat = line.map(([lon = 0, lat = 0]) => {
    if (before !== null && lon - before > 180) turns -= 360;
    if (before !== null && lon - before < -180) turns += 360;
    before = lon;
    return [lon + turns, lat];
  });
  const longitudes = flat.map(([lon = 0]) => lon);
  const least = longitudes.reduce((a, b) => Math.min(a, b), Infinity);
  const most = longitudes.reduce((a, b) => Math.max(a, b), -Infinity);
  const shift = -360 * Math.round((least + most) / 2 / 360);
  return shift ? flat.map(([lon = 0, lat = 0]) => [lon + shift, lat]) : flat;
}
