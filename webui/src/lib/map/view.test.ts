import { describe, expect, it } from 'vitest';
import { boxAround, boxOf, placeAt, tilesOver, viewOver, wrap, xOf, yOf, type View } from './view';

const VIEW: View = { lat: -6.5, lon: -76.4, zoom: 8, width: 800, height: 600 };

describe('the view', () => {
  it('has the middle in the middle and its box at its edges', () => {
    expect([xOf(VIEW, -76.4), yOf(VIEW, -6.5)]).toEqual([400, 300]);
    const [west, south, east, north] = boxOf(VIEW);
    expect([xOf(VIEW, west), xOf(VIEW, east)]).toEqual([expect.closeTo(0), expect.closeTo(800)]);
    expect([yOf(VIEW, north), yOf(VIEW, south)]).toEqual([expect.closeTo(0), expect.closeTo(600)]);
  });

  it('draws the world at zoom 0 on 512 pixels', () => {
    const world = { lat: 0, lon: 0, zoom: 0, width: 512, height: 512 };
    expect(boxOf(world)).toEqual([-180, expect.closeTo(-85.0511, 3), 180, expect.closeTo(85.0511, 3)]);
  });

  it('counts longitudes from the date line', () => {
    expect([wrap(190), wrap(-190), wrap(180), wrap(-76.4 + 720)].map((lon) => Number(lon.toFixed(6)))).toEqual([-170, 170, -180, -76.4]);
  });
});

describe('the land around points', () => {
  it('is their box, with room around those that stand for many', () => {
    const lone = { lat: -6, lon: -76, count: 1 };
    // A step of the world's tile is 360/4096 degrees.
    expect(boxAround([lone], 0, 64)).toEqual([-76.087890625, expect.closeTo(-6.0874), -75.912109375, expect.closeTo(-5.9126)]);
    expect(boxAround([lone], 14, 64)).toEqual([expect.closeTo(-76, 4), expect.closeTo(-6, 4), expect.closeTo(-76, 4), expect.closeTo(-6, 4)]);
    const [west, , east] = boxAround([{ ...lone, count: 9 }], 0, 64) ?? [];
    expect([west, east]).toEqual([-76 - 45, -76 + 45]);
  });

  it('gets smaller with each step closer', () => {
    const wide = (zoom: number) => {
      const [west, south, east, north] = boxAround([{ lat: -6, lon: -76, count: 9 }], zoom, 64) ?? [0, 0, 0, 0];
      return (east - west) * (north - south);
    };
    expect(wide(4)).toBeLessThan(wide(3));
  });

  it('is nowhere without points', () => expect(boxAround([], 3, 64)).toBeNull());
});

describe('the tiles over a box', () => {
  it('are at most four, as close as that allows', () => {
    expect(tilesOver([-180, -85, 180, 85], 14)).toMatchObject({ z: 1, tiles: { length: 4 } });
    expect(tilesOver([-76.4, -6.5, -76.4, -6.5], 14)).toEqual({ z: 14, tiles: [{ z: 14, x: 4714, y: 8488 }] });
    const { z, tiles } = tilesOver([-77, -7, -76, -6], 14);
    expect(z).toBeGreaterThanOrEqual(8);
    expect(tiles.length).toBeLessThanOrEqual(4);
  });

  it('stay within the world', () => {
    for (const { z, x, y } of tilesOver([-250, -89, 250, 89], 14).tiles) {
      expect([x, y].every((one) => one >= 0 && one < 2 ** z)).toBe(true);
    }
  });
});

describe('a press on the view', () => {
  const view = { lat: -6.48, lon: -76.36, zoom: 12, width: 360, height: 300 };

  it('is the place that is drawn there', () => {
    const place = placeAt(view, 40, 250);
    expect(xOf(view, place.lon)).toBeCloseTo(40);
    expect(yOf(view, place.lat)).toBeCloseTo(250);
  });

  it('has all points in it', () => {
    const points = [{ lat: -6.4, lon: -76.3 }, { lat: -6.6, lon: -76.35 }];
    const over = viewOver(points, view, 16)!;
    for (const { lat, lon } of points) {
      expect(xOf(over, lon)).toBeGreaterThan(0);
      expect(xOf(over, lon)).toBeLessThan(360);
      expect(yOf(over, lat)).toBeGreaterThan(0);
      expect(yOf(over, lat)).toBeLessThan(300);
    }
    expect(viewOver(points.slice(0, 1), view, 15)).toMatchObject({ zoom: 15, lon: -76.3 });
    expect(viewOver([], view, 15)).toBeNull();
  });
});
