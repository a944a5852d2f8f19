import { describe, expect, it } from 'vitest';
import { distance } from '@turf/distance';
import { MOST_WEEKS, STEPS, clustersOf, hexagons, nearest, stepFor, weeksOf } from './analysis';

const point = (lon: number, lat: number, category = 'logging', doc = `${lon} ${lat}`) => ({ doc, lat, lon, category });

/** A cloud with a seed. */
function cloud(count: number, spread = 1) {
  let state = 7;
  const roll = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  return Array.from({ length: count }, (_, index) => point(-76 + roll() * spread, -6 + roll() * spread, 'nest', String(index)));
}

describe('weeks', () => {
  it('follow each other, also where nothing was seen', () => {
    const groups = [{ week: '2026-11-02', count: 3 }, { week: '2026-11-16', count: 5 }];
    expect(weeksOf(groups, '2026-11-21')).toEqual({
      weeks: [{ monday: '2026-11-02', count: 3 }, { monday: '2026-11-09', count: 0 }, { monday: '2026-11-16', count: 5 }], outside: 0,
    });
    expect(weeksOf([], '2026-11-21')).toEqual({ weeks: [], outside: 0 });
  });

  it('of a clock that was never set are told apart, and none is lost', () => {
    const groups = [{ week: '1969-12-29', count: 2 }, { week: '2026-11-16', count: 5 }, { week: '9999-12-27', count: 1 }];
    const { weeks, outside } = weeksOf(groups, '2026-11-21');
    expect([weeks, outside]).toEqual([[{ monday: '2026-11-16', count: 5 }], 3]);
    const long = weeksOf([{ week: '2017-01-02', count: 1 }, { week: '2026-11-16', count: 1 }], '2026-11-21').weeks;
    expect(long.length).toBeLessThanOrEqual(MOST_WEEKS);
    expect(long.at(-1)?.monday).toBe('2026-11-16');
  });
});

describe('hexagons', () => {
  it('hold every point once, and each point lies in its own', () => {
    const points = cloud(2000);
    const cells = hexagons(points, 5000);
    expect(cells.reduce((sum, { count }) => sum + count, 0)).toBe(2000);
    for (const { lat, lon } of points.slice(0, 300)) {
      const away = cells.map(({ middle }) => distance(middle, [lon, lat], { units: 'meters' }));
      // From the middle to a corner; nowhere in a hexagon is further.
      expect(Math.min(...away)).toBeLessThan((5000 / Math.sqrt(3)) * 1.01);
    }
    expect(cells[0]?.count).toBeGreaterThanOrEqual(cells.at(-1)?.count ?? 0);
  });

  it('are as wide as is said, and touch without a gap', () => {
    const [{ ring, middle } = { ring: [], middle: [0, 0] as [number, number] }] = hexagons([point(-76, -6)], 1000);
    expect(ring).toHaveLength(6);
    const across = distance([(ring[0]?.[0] ?? 0), middle[1]], [(ring[3]?.[0] ?? 0), middle[1]], { units: 'meters' });
    expect(across / 1000).toBeCloseTo(1, 2);
    expect(hexagons([], 1000)).toEqual([]);
  });
});

describe('clusters', () => {
  it('are what is together, and leave out what is alone', () => {
    const near = [point(-76, -6), point(-76.0004, -6), point(-76.0008, -6.0003, 'nest')];
    const far = [point(-75, -6, 'fire'), point(-75.0001, -6, 'fire'), point(-75, -6.0001, 'fire'), point(-75, -6.0002, 'fire')];
    const { clusters, alone } = clustersOf([...near, ...far, point(-70, 0)], 100);
    expect(alone).toBe(1);
    expect(clusters.map(({ count, mostly }) => [count, mostly])).toEqual([[4, 'fire'], [3, 'logging']]);
    expect(clusters[1]?.ring).toHaveLength(3);
    expect(clusters[1]?.middle[0]).toBeCloseTo(-76.0004, 6);
    expect(clustersOf([], 100)).toEqual({ clusters: [], alone: 0 });
  });

  it('of one place have no outline', () => {
    const [cluster] = clustersOf([1, 2, 3].map((n) => point(-76, -6, 'nest', String(n))), 100).clusters;
    expect([cluster?.count, cluster?.ring]).toEqual([3, null]);
  });
});

describe('the nearest', () => {
  it('are those that a look at all of them finds', () => {
    const points = cloud(500);
    const found = nearest(points, [-75.5, -5.5], 5);
    const all = points.map(({ lon, lat }) => distance([-75.5, -5.5], [lon, lat], { units: 'meters' })).sort((a, b) => a - b);
    expect(found.map(({ metres }) => metres)).toEqual(all.slice(0, 5));
  });

  it('cross the date line', () => {
    expect(nearest([point(179.9, 0), point(-170, 0)], [-179.9, 0], 1)[0]?.point.lon).toBe(179.9);
  });
});

describe('a width', () => {
  it('fits the land that there is', () => {
    expect(stepFor([])).toBe(STEPS[0]);
    expect(stepFor(cloud(100, 0.01))).toBe(50);
    expect(stepFor(cloud(100, 1))).toBe(5000);
    expect(stepFor([point(-180, -90), point(180, 90)])).toBe(100_000);
  });
});
