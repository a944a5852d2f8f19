/**
 * Where the observations are, found out from their tiles before the map opens, so that it opens there. A tile of the
 * whole world tells it roughly; each closer look at what it showed tells it better.
 */
import { VectorTile } from '@mapbox/vector-tile';
import { PbfReader } from 'pbf';
import { OBSERVATIONS } from './style';
import { boxAround, tilesOver, type Box, type TileId } from './view';

/** One observation, or the middle of so many. */
export interface Spot {
  lat: number;
  lon: number;
  count: number;
}

/** A cluster stands for points about so far around it; a guess on the safe side only costs another look. */
const CLUSTER_REACH_PX = 48;

/** Each look is about five times closer, so this leads from the world to a village. */
const LOOKS = 7;

const CLOSEST = 14;

/** `null` when there is no observation with a place. */
export async function extentOf(read: (tile: TileId) => Promise<Spot[]>): Promise<Box | null> {
  let box: Box | null = null;
  let zoom = 0;
  let tiles: TileId[] = [{ z: 0, x: 0, y: 0 }];
  for (let look = 0; look < LOOKS; look += 1) {
    const spots: Spot[] = (await Promise.all(tiles.map(read))).flat();
    // Gone since the last look, perhaps filtered on a hub that still counts: what is known is good enough.
    if (!spots.length) return box;
    box = boxAround(spots, zoom, CLUSTER_REACH_PX);
    const next: { z: number; tiles: TileId[] } | null = box && tilesOver(box, CLOSEST);
    if (!next || next.z <= zoom) return box;
    ({ z: zoom, tiles } = next);
  }
  return box;
}

/** Reads tiles from `{z}/{x}/{y}` of an address. */
export function tileReader(address: string): (tile: TileId) => Promise<Spot[]> {
  return async ({ z, x, y }) => {
    const url = address.replace('{z}', String(z)).replace('{x}', String(x)).replace('{y}', String(y));
    const response = await fetch(url, { credentials: 'same-origin', cache: 'no-cache' });
    if (!response.ok) throw new Error(`tile ${z}/${x}/${y}: ${response.status}`);
    return response.status === 204 ? [] : spotsIn(await response.arrayBuffer(), { z, x, y });
  };
}

export function spotsIn(bytes: ArrayBuffer | Uint8Array, { z, x, y }: TileId): Spot[] {
  const layer = new VectorTile(new PbfReader(bytes)).layers[OBSERVATIONS];
  return Array.from({ length: layer?.length ?? 0 }, (_, index) => layer?.feature(index)).flatMap((feature) => {
    const geometry = feature?.toGeoJSON(x, y, z).geometry;
    if (geometry?.type !== 'Point') return [];
    const [lon = 0, lat = 0] = geometry.coordinates;
    return [{ lat, lon, count: Number(feature?.properties.count) || 1 }];
  });
}
