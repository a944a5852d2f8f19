/**
 * The outline of land and countries that is built in, so that a map without a base map still shows where it is.
 * One file of the hub, fetched with the map: Natural Earth at 1:50,000,000, as `world-atlas` packs it.
 */
import type { Feature, MultiLineString, MultiPolygon } from 'geojson';
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
  return {
    land: feature(merge(atlas, countries.geometries as (Polygon | Shape)[])),
    // Only where two countries meet: the coast is drawn by the land.
    borders: feature(mesh(atlas, countries, (one, other) => one !== other)),
  };
}
