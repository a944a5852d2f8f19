/**
 * Areas: what somebody drew, typed, or has in a territory file, as the filter, the address and the hub know it.
 *
 * An address has room for so many corners, so a longer border is simplified: no place of the border is then further
 * from the drawn one than the metres that are told with it. Where that would be too far it is not done.
 */
import type { Geometry, Position } from 'geojson';

/** Longitude and latitude in degrees. */
export type Corner = [lon: number, lat: number];
/** Closed by itself: the first corner is not said again. */
export type Ring = Corner[];
/** The outer ring, then its holes. */
export type Polygon = Ring[];

export interface Area {
  polygons: Polygon[];
  /** Metres by which its border may differ from the one it was made of; left out where it does not. */
  off?: number;
}

/**
 * Some ten kilobytes of address: short enough for a mail, and for each tile of the map to carry it. The hub takes
 * 2,000.
 */
export const MOST_CORNERS = 500;

/** What the hub takes; a link that somebody made by hand may have so many. */
const HUB_CORNERS = 2000;

/** A border that must be moved by more than this share of its size to fit is another border. */
const MOST_OFF = 0.01;

/** Corners are told to five decimals of a degree, which is a metre. */
const DECIMALS = 5;
const ROUNDING_METRES = 1;

/** Metres of a degree along a meridian, on a sphere. */
const DEGREE_METRES = 111_195;

export const cornersOf = ({ polygons }: Area): number => polygons.flat(2).length;

/** `lon lat,lon lat,…`; `;` between the rings of a polygon, `|` between polygons: as the hub reads it. */
export function writeArea({ polygons }: Area): string {
  const corner = ([lon, lat]: Corner) => `${short(lon)} ${short(lat)}`;
  return polygons.map((rings) => rings.map((ring) => ring.map(corner).join(',')).join(';')).join('|');
}

/** `null` for what is none: an address may say anything. */
export function readArea(text: string | null | undefined, off: string | null = null): Area | null {
  if (!text) return null;
  const corner = (pair: string): Corner => {
    const [lon = '', lat = '', ...more] = pair.trim().split(/\s+/);
    return lon && lat && !more.length ? [Number(lon), Number(lat)] : [NaN, NaN];
  };
  const polygons = text.split('|').map((rings) => rings.split(';').map((ring) => ring.split(',').map(corner)));
  const corners = polygons.flat(2);
  if (corners.length > HUB_CORNERS || !corners.every(isOnEarth) || polygons.flat().some((ring) => ring.length < 3)) return null;
  const area: Area = { polygons };
  const metres = Number(off);
  if (off && Number.isFinite(metres) && metres > 0) area.off = Math.ceil(metres);
  return area;
}

const isOnEarth = ([lon, lat]: Corner) => Math.abs(lon) <= 180 && Math.abs(lat) <= 90;

const short = (degrees: number) => Number(degrees.toFixed(DECIMALS));

/** With one more corner. A press twice at the same place, as at the end of drawing, is one. */
export function withCorner(ring: Ring, [lon, lat]: Corner): Ring {
  const corner: Corner = [short(lon), short(lat)];
  const last = ring.at(-1);
  return last && last[0] === corner[0] && last[1] === corner[1] ? ring : [...ring, corner];
}

export type AreaProblem = 'few' | 'flat' | 'date_line' | 'many' | 'complex' | 'none';

/** Why a ring is no area; `null` when it is one. */
export function problemOf(ring: Ring): AreaProblem | null {
  if (ring.length < 3) return 'few';
  if (ring.length > MOST_CORNERS) return 'many';
  if (ring.some(([lon], index) => Math.abs(lon - (ring[(index + 1) % ring.length]?.[0] ?? lon)) > 180)) return 'date_line';
  return Math.abs(doubleArea(ring)) > 0 ? null : 'flat';
}

/** Corners that somebody typed, `latitude, longitude` on each line; `null` where a line is no place. */
export function readTyped(text: string): Ring | null {
  const lines = text.split(/\n/).map((line) => line.trim()).filter(Boolean);
  const ring = lines.map((line): Corner => {
    const [lat = '', lon = '', ...more] = line.split(/[\s,;]+/).filter(Boolean);
    return lat && lon && !more.length ? [Number(lon), Number(lat)] : [NaN, NaN];
  });
  const open = unclosed(ring);
  return open.every(isOnEarth) ? open : null;
}

/** The land of shapes: polygons, and lines that end where they begin, as somebody walked them. */
export function polygonsOf(geometries: Geometry[]): Polygon[] {
  return geometries.flatMap((geometry): Polygon[] => {
    switch (geometry.type) {
      case 'Polygon':
        return [ringsOf(geometry.coordinates)];
      case 'MultiPolygon':
        return geometry.coordinates.map(ringsOf);
      case 'LineString':
        return isClosed(geometry.coordinates) ? [ringsOf([geometry.coordinates])] : [];
      case 'MultiLineString':
        return geometry.coordinates.filter(isClosed).map((line) => ringsOf([line]));
      case 'GeometryCollection':
        return polygonsOf(geometry.geometries);
      default:
        return [];
    }
  }).filter(([outer]) => outer);
}

const ringsOf = (rings: Position[][]): Polygon =>
  rings.map((ring) => unclosed(ring.map(([lon = 0, lat = 0]): Corner => [lon, lat]))).filter((ring) => ring.length >= 3);

const isClosed = (line: Position[]) => line.length > 3 && line[0]?.[0] === line.at(-1)?.[0] && line[0]?.[1] === line.at(-1)?.[1];

function unclosed(ring: Ring): Ring {
  const [first, last] = [ring[0], ring.at(-1)];
  return ring.length > 1 && first && last && first[0] === last[0] && first[1] === last[1] ? ring.slice(0, -1) : ring;
}

/** An area of at most `most` corners, as near to the polygons as that allows. */
export function areaOf(polygons: Polygon[], most = MOST_CORNERS): Area | AreaProblem {
  const corners = polygons.flat(2);
  if (!corners.length) return 'none';
  if (!corners.every(isOnEarth)) return 'date_line';
  const scale = scaleAt(corners);
  const furthest = sizeOf(corners, scale) * MOST_OFF;
  for (let off = 0; off <= furthest; off = off ? off * 1.5 : ROUNDING_METRES) {
    const thinner = off ? polygons.map((rings) => rings.map((ring) => thin(ring, off, scale))) : polygons;
    // What is narrower than that is gone whole; a polygon is gone with its outer ring.
    const left = thinner.filter(([outer]) => isRing(outer)).map((rings) => rings.filter(isRing));
    if (left.length && left.flat(2).length <= most) {
      return off ? { polygons: left, off: Math.ceil(off + ROUNDING_METRES) } : { polygons: left };
    }
  }
  return 'complex';
}

const isRing = (ring: Ring | undefined): boolean => (ring?.length ?? 0) >= 3;

/** Metres of a degree to the east and to the north, where these corners are. */
type Scale = [east: number, north: number];

function scaleAt(corners: Corner[]): Scale {
  const middle = corners.reduce((sum, [, lat]) => sum + lat, 0) / corners.length;
  return [DEGREE_METRES * Math.cos((middle * Math.PI) / 180), DEGREE_METRES];
}

function sizeOf(corners: Corner[], [east, north]: Scale): number {
  const box = [Infinity, Infinity, -Infinity, -Infinity] as [number, number, number, number];
  for (const [lon, lat] of corners) {
    box[0] = Math.min(box[0], lon);
    box[1] = Math.min(box[1], lat);
    box[2] = Math.max(box[2], lon);
    box[3] = Math.max(box[3], lat);
  }
  return Math.hypot((box[2] - box[0]) * east, (box[3] - box[1]) * north);
}

/** Leaves out corners that lie within `off` metres of the line without them (Douglas and Peucker), without recursion. */
function thin(ring: Ring, off: number, scale: Scale): Ring {
  const closed = [...ring, ...ring.slice(0, 1)];
  const kept = new Uint8Array(closed.length);
  kept[0] = 1;
  const spans: [number, number][] = [];
  // A ring has no two ends: it is two lines, parted where it is furthest from its beginning.
  const opposite = furthestBetween(closed, 0, closed.length - 1, scale).index;
  spans.push([0, opposite], [opposite, closed.length - 1]);
  kept[opposite] = 1;
  for (let span = spans.pop(); span; span = spans.pop()) {
    const [start, end] = span;
    const { index, metres } = furthestBetween(closed, start, end, scale);
    if (metres <= off) continue;
    kept[index] = 1;
    spans.push([start, index], [index, end]);
  }
  return ring.filter((_, index) => kept[index]);
}

/** Which corner between two is furthest from the line of the two. */
function furthestBetween(ring: Ring, start: number, end: number, [east, north]: Scale): { index: number; metres: number } {
  const [fromLon, fromLat] = ring[start] ?? [0, 0];
  const [toLon, toLat] = ring[end] ?? [0, 0];
  const [x, y] = [(toLon - fromLon) * east, (toLat - fromLat) * north];
  const length = x * x + y * y;
  let [index, square] = [start, 0];
  for (let at = start + 1; at < end; at += 1) {
    const [lon, lat] = ring[at] ?? [0, 0];
    const [atX, atY] = [(lon - fromLon) * east, (lat - fromLat) * north];
    const along = length ? Math.max(0, Math.min(1, (atX * x + atY * y) / length)) : 0;
    const distance = (atX - along * x) ** 2 + (atY - along * y) ** 2;
    if (distance > square) [index, square] = [at, distance];
  }
  return { index, metres: Math.sqrt(square) };
}

/** Twice the area in degrees, by the shoelace formula; beside the first corner, as small rings would lose theirs to rounding. */
function doubleArea(ring: Ring): number {
  const [[x0, y0] = [0, 0]] = ring;
  return ring.reduce((sum, [x, y], index) => {
    const [nextX, nextY] = ring[(index + 1) % ring.length] ?? [x, y];
    return sum + (x - x0) * (nextY - y0) - (nextX - x0) * (y - y0);
  }, 0);
}
