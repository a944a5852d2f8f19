/**
 * What an analysis makes of counts and places: a row of weeks, hexagons, clusters, the nearest. Pure; what takes long
 * runs in a worker of the page (`analysis/work.ts`).
 */
import { clustersDbscan } from '@turf/clusters-dbscan';
import { convex } from '@turf/convex';
import { distance } from '@turf/distance';
import type { Feature, FeatureCollection, Point as GeoPoint, Polygon } from 'geojson';
import type { CountGroup, Point } from '$lib/api/types';
import type { Ring } from './area';

const DAY_MS = 24 * 60 * 60 * 1000;
const WEEK_MS = 7 * DAY_MS;

/** Ten years of weeks are as many as a chart can show; phones whose clocks were never set write of other centuries. */
export const MOST_WEEKS = 520;

export interface Week {
  /** Its Monday, `2026-11-16`. */
  monday: string;
  count: number;
}

/** A week after the other, also those in which nothing was seen; and how many observations lie outside of them. */
export function weeksOf(groups: CountGroup[], today: string): { weeks: Week[]; outside: number } {
  const counts = new Map(groups.flatMap(({ week, count }) => (week ? [[Date.parse(`${week}T00:00:00Z`), count] as const] : [])));
  // From the newest that is no dream of a wrong clock, back.
  const latest = Date.parse(`${today}T00:00:00Z`) + WEEK_MS;
  const believable = [...counts.keys()].filter((monday) => monday <= latest && monday > latest - MOST_WEEKS * WEEK_MS);
  const last = Math.max(...believable);
  const first = Math.min(...believable);
  const weeks: Week[] = [];
  for (let monday = first; monday <= last; monday += WEEK_MS) {
    weeks.push({ monday: new Date(monday).toISOString().slice(0, 10), count: counts.get(monday) ?? 0 });
  }
  const inside = weeks.reduce((sum, { count }) => sum + count, 0);
  return { weeks, outside: [...counts.values()].reduce((sum, count) => sum + count, 0) - inside };
}

export interface Cell {
  ring: Ring;
  middle: [lon: number, lat: number];
  count: number;
}

/** Metres of a degree along a meridian of turf's sphere. */
const DEGREE_METRES = 111_195;

/**
 * Hexagons of a width, where there are any points, the fullest first. Counted point by point into the hexagon that it
 * lies in: a grid over everything, looked through for each point, takes a thousand times as long where points are far apart.
 */
export function hexagons(points: Pick<Point, 'lat' | 'lon'>[], metres: number): Cell[] {
  if (!points.length) return [];
  // Widths are right in the middle of the points; within a territory that is everywhere.
  const narrow = Math.max(0.05, Math.cos((middleOf(points.map(({ lat }) => lat)) * Math.PI) / 180));
  // From the middle to a corner; the width is measured from side to side.
  const radius = metres / Math.sqrt(3) / DEGREE_METRES;
  const cells = new Map<string, { q: number; r: number; count: number }>();
  for (const { lat, lon } of points) {
    const [x, y] = [lon * narrow, lat];
    const [q, r] = roundHexagon((x * Math.sqrt(3) / 3 - y / 3) / radius, ((2 / 3) * y) / radius);
    const key = `${q} ${r}`;
    const cell = cells.get(key);
    if (cell) cell.count += 1;
    else cells.set(key, { q, r, count: 1 });
  }
  const placed = [...cells.values()].map(({ q, r, count }): Cell => {
    const [x, y] = [radius * Math.sqrt(3) * (q + r / 2), radius * 1.5 * r];
    const ring = [0, 1, 2, 3, 4, 5].map((corner): [number, number] => {
      const angle = (corner * 60 - 30) * (Math.PI / 180);
      return [(x + radius * Math.cos(angle)) / narrow, y + radius * Math.sin(angle)];
    });
    return { ring, middle: [x / narrow, y], count };
  });
  return placed.sort((a, b) => b.count - a.count || a.middle[0] - b.middle[0] || a.middle[1] - b.middle[1]);
}

/** The hexagon of a place in hexagonal coordinates: of the three that add up to 0, the one that was rounded most gives way. */
function roundHexagon(q: number, r: number): [number, number] {
  const [roundQ, roundR, roundS] = [Math.round(q), Math.round(r), Math.round(-q - r)];
  const [offQ, offR, offS] = [Math.abs(roundQ - q), Math.abs(roundR - r), Math.abs(roundS + q + r)];
  if (offQ > offR && offQ > offS) return [-roundR - roundS || 0, roundR || 0];
  if (offR > offS) return [roundQ || 0, -roundQ - roundS || 0];
  return [roundQ || 0, roundR || 0];
}

export interface Cluster {
  count: number;
  middle: [lon: number, lat: number];
  /** The category that is most frequent in it. */
  mostly: string;
  /** Around all of its points; `null` where they lie on one place or line. */
  ring: Ring | null;
}

export interface Clusters {
  /** The largest first. */
  clusters: Cluster[];
  /** Points that belong to none. */
  alone: number;
}

/** Fewer than this are no cluster. */
const LEAST = 3;

/** Points that are nearer to each other than `metres`, directly or over others between (DBSCAN). */
export function clustersOf(points: Point[], metres: number): Clusters {
  const features: Feature<GeoPoint, { index: number }>[] = points.map(({ lat, lon }, index) => ({
    type: 'Feature', properties: { index }, geometry: { type: 'Point', coordinates: [lon, lat] },
  }));
  const collection: FeatureCollection<GeoPoint, { index: number }> = { type: 'FeatureCollection', features };
  const found = clustersDbscan(collection, metres, { units: 'meters', minPoints: LEAST, mutate: true });
  const members = new Map<number, Point[]>();
  let alone = 0;
  for (const { properties } of found.features) {
    const point = points[properties.index];
    if (properties.cluster === undefined || !point) {
      alone += 1;
      continue;
    }
    const cluster = members.get(properties.cluster);
    if (cluster) cluster.push(point);
    else members.set(properties.cluster, [point]);
  }
  const clusters = [...members.values()].map((cluster): Cluster => ({
    count: cluster.length,
    middle: [middleOf(cluster.map(({ lon }) => lon)), middleOf(cluster.map(({ lat }) => lat))],
    mostly: mostFrequent(cluster.map(({ category }) => category)),
    ring: hull(cluster),
  }));
  return { clusters: clusters.sort((a, b) => b.count - a.count || a.middle[0] - b.middle[0]), alone };
}

function hull(points: Point[]): Ring | null {
  const features = points.map(({ lat, lon }): Feature<GeoPoint> => ({
    type: 'Feature', properties: {}, geometry: { type: 'Point', coordinates: [lon, lat] },
  }));
  const around: Feature<Polygon> | null = convex({ type: 'FeatureCollection', features });
  const [ring] = around?.geometry.coordinates ?? [];
  return ring ? ring.slice(0, -1).map(([lon = 0, lat = 0]): [number, number] => [lon, lat]) : null;
}

const middleOf = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function mostFrequent(words: string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].reduce((most, one) => (one[1] > most[1] ? one : most), ['', 0] as [string, number])[0];
}

export interface Near {
  point: Point;
  metres: number;
}

/** The points nearest to a place, over the globe. */
export function nearest(points: Point[], [lon, lat]: [number, number], most: number): Near[] {
  const all = points.map((point): Near => ({ point, metres: distance([lon, lat], [point.lon, point.lat], { units: 'meters' }) }));
  return all.sort((a, b) => a.metres - b.metres).slice(0, most);
}

/** Widths and distances to choose from, in metres. */
export const STEPS = [50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000] as const;

/** A step of which some thirty fit beside each other over the points. */
export function stepFor(points: Pick<Point, 'lat' | 'lon'>[]): number {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { lat, lon } of points) {
    [west, south, east, north] = [Math.min(west, lon), Math.min(south, lat), Math.max(east, lon), Math.max(north, lat)];
  }
  const across = points.length ? Math.max(east - west, north - south) * DEGREE_METRES : 0;
  return STEPS.find((step) => step >= across / 30) ?? STEPS[STEPS.length - 1] ?? 100_000;
}
