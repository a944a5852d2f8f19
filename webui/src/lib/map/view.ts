/**
 * What the map shows, as numbers: the projection that MapLibre draws with (web Mercator, north up), for all that is
 * drawn or counted beside it.
 */

/** West, south, east, north in degrees. */
export type Box = [number, number, number, number];

export interface View {
  /** The middle. */
  lat: number;
  lon: number;
  zoom: number;
  /** Pixels. */
  width: number;
  height: number;
}

/** At zoom 0 the whole world is one tile of so many pixels. */
export const WORLD_PX = 512;

export function boxOf({ lat, lon, zoom, width, height }: View): Box {
  const size = worldSize(zoom);
  const halfWide = ((width / 2) * 360) / size;
  const middle = mercator(lat);
  return [
    lon - halfWide,
    latitude(middle + height / 2 / size),
    lon + halfWide,
    latitude(middle - height / 2 / size),
  ];
}

/** Pixels from the left edge. */
export const xOf = (view: View, lon: number): number => view.width / 2 + ((lon - view.lon) / 360) * worldSize(view.zoom);

/** Pixels from the upper edge. */
export const yOf = (view: View, lat: number): number =>
  view.height / 2 + (mercator(lat) - mercator(view.lat)) * worldSize(view.zoom);

/** The place that lies under a point of the view. */
export function placeAt(view: View, x: number, y: number): { lat: number; lon: number } {
  const size = worldSize(view.zoom);
  return { lat: latitude(mercator(view.lat) + (y - view.height / 2) / size), lon: wrap(view.lon + ((x - view.width / 2) * 360) / size) };
}

/** The view that has all points in it, not closer than `closest`. */
export function viewOver(points: { lat: number; lon: number }[], { width, height }: Pick<View, 'width' | 'height'>, closest: number): View | null {
  if (!points.length) return null;
  const extent = (values: number[]) => [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))] as const;
  const [west, east] = extent(points.map(({ lon }) => lon));
  const [top, bottom] = extent(points.map(({ lat }) => mercator(lat)));
  // A margin, so that none stands at the edge.
  const share = Math.max((east - west) / 360 / (width * 0.8), (bottom - top) / (height * 0.8));
  const zoom = share > 0 ? Math.min(closest, Math.log2(1 / share / WORLD_PX)) : closest;
  return { lat: latitude((top + bottom) / 2), lon: (west + east) / 2, zoom, width, height };
}

/** A tile of 512 pixels has 4096 steps. */
const STEP_PX = 512 / 4096;

/**
 * Land that surely holds everything behind these points: one that stands for many may stand `reach` pixels away from
 * the furthest of them, and each stands on a step of its tile. `null` for no points at all.
 */
export function boxAround(points: { lat: number; lon: number; count: number }[], zoom: number, reach: number): Box | null {
  if (!points.length) return null;
  const [share, step] = [reach / worldSize(zoom), STEP_PX / worldSize(zoom)];
  const box: Box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { lat, lon, count } of points) {
    const room = count > 1 ? share : step;
    box[0] = Math.min(box[0], lon - room * 360);
    box[1] = Math.min(box[1], latitude(mercator(lat) + room));
    box[2] = Math.max(box[2], lon + room * 360);
    box[3] = Math.max(box[3], latitude(mercator(lat) - room));
  }
  return box;
}

export interface TileId {
  z: number;
  x: number;
  y: number;
}

/** The closest zoom, up to a limit, at which four tiles are enough for a box; and those tiles. */
export function tilesOver([west, south, east, north]: Box, closest: number): { z: number; tiles: TileId[] } {
  for (let z = closest; z > 0; z -= 1) {
    const along = (share: number) => Math.max(0, Math.min(2 ** z - 1, Math.floor(share * 2 ** z)));
    const [left, right] = [along((west + 180) / 360), along((east + 180) / 360)];
    const [top, bottom] = [along(mercator(north)), along(mercator(south))];
    if (right - left > 1 || bottom - top > 1) continue;
    const columns = left === right ? [left] : [left, right];
    const rows = top === bottom ? [top] : [top, bottom];
    return { z, tiles: columns.flatMap((x) => rows.map((y) => ({ z, x, y }))) };
  }
  return { z: 0, tiles: [{ z: 0, x: 0, y: 0 }] };
}

/** Longitudes from -180 up to 180. */
export const wrap = (lon: number): number => ((((lon + 180) % 360) + 360) % 360) - 180;

const worldSize = (zoom: number) => WORLD_PX * 2 ** zoom;

/** 0 at the upper end of the projection, 1 at the lower. */
const mercator = (lat: number) => 0.5 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / (2 * Math.PI);

const latitude = (y: number) => (Math.atan(Math.sinh((0.5 - y) * 2 * Math.PI)) * 180) / Math.PI;
