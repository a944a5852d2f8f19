import { PbfWriter } from 'pbf';
import { describe, expect, it } from 'vitest';
import { extentOf, spotsIn, type Spot } from './extent';
import type { TileId } from './view';

/** A hub with these places, which it clusters by quarters of a tile. */
function hub(places: [number, number][]) {
  const asked: TileId[] = [];
  const read = async (tile: TileId): Promise<Spot[]> => {
    asked.push(tile);
    const cells = new Map<string, [number, number][]>();
    for (const [lat, lon] of places) {
      const x = ((lon + 180) / 360) * 2 ** tile.z;
      const y = (0.5 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / (2 * Math.PI)) * 2 ** tile.z;
      if (Math.floor(x) !== tile.x || Math.floor(y) !== tile.y) continue;
      const cell = `${Math.floor(x * 16)} ${Math.floor(y * 16)}`;
      cells.set(cell, [...(cells.get(cell) ?? []), [lat, lon]]);
    }
    const mean = (of: number[]) => of.reduce((sum, one) => sum + one, 0) / of.length;
    return [...cells.values()].map((all) => ({
      lat: mean(all.map(([lat]) => lat)),
      lon: mean(all.map(([, lon]) => lon)),
      count: all.length,
    }));
  };
  return { asked, read };
}

describe('where the observations are', () => {
  it('is found from the world in a few looks, with nothing left outside', async () => {
    const places = Array.from({ length: 200 }, (_, i): [number, number] => [-6.5 + (i % 14) * 0.02, -76.5 + (i % 23) * 0.02]);
    const { asked, read } = hub(places);
    const [west = 0, south = 0, east = 0, north = 0] = (await extentOf(read)) ?? [];
    for (const [lat, lon] of places) expect(lat >= south && lat <= north && lon >= west && lon <= east).toBe(true);
    expect(east - west).toBeLessThan(1.5);
    expect(asked.length).toBeLessThan(25);
  });

  it('is the whole world when they are all over it', async () => {
    const { read } = hub([[60, -150], [60, -150.1], [-40, 170], [-40, 170.1]]);
    const [west = 0, , east = 0] = (await extentOf(read)) ?? [];
    expect(east - west).toBeGreaterThan(300);
  });

  it('is one place for one observation', async () => {
    const { asked, read } = hub([[-6.5, -76.4]]);
    // The tile of the world knows it to ten kilometres only, and the map opens close by: so it looks closer first.
    const box = await extentOf(read);
    expect(box).toEqual([expect.closeTo(-76.4, 4), expect.closeTo(-6.5, 4), expect.closeTo(-76.4, 4), expect.closeTo(-6.5, 4)]);
    expect(asked.length).toBeLessThanOrEqual(9);
  });

  it('is nowhere without any', async () => expect(await extentOf(hub([]).read)).toBeNull());
});

describe('a tile', () => {
  const encode = (value: number) => (value << 1) ^ (value >> 31);

  /** One point in the middle of the tile, as the vector tile specification writes it. */
  function tileOf(layer: string, count: number): Uint8Array {
    const pbf = new PbfWriter();
    pbf.writeMessage(3, (_: unknown, out: PbfWriter) => {
      out.writeVarintField(15, 2);
      out.writeStringField(1, layer);
      out.writeMessage(2, (_inner: unknown, feature: PbfWriter) => {
        feature.writePackedVarint(2, [0, 0]);
        feature.writeVarintField(3, 1);
        feature.writePackedVarint(4, [9, encode(2048), encode(2048)]);
      }, null);
      out.writeStringField(3, 'count');
      out.writeMessage(4, (_inner: unknown, value: PbfWriter) => value.writeVarintField(5, count), null);
      out.writeVarintField(5, 4096);
    }, null);
    return pbf.finish();
  }

  it('tells places and counts', () => {
    expect(spotsIn(tileOf('observations', 7), { z: 0, x: 0, y: 0 })).toEqual([{ lat: 0, lon: 0, count: 7 }]);
    expect(spotsIn(tileOf('observations', 1), { z: 1, x: 0, y: 0 })).toEqual([
      { lat: expect.closeTo(66.513, 2), lon: -90, count: 1 },
    ]);
  });

  it('may have nothing of ours', () => {
    expect(spotsIn(tileOf('roads', 1), { z: 0, x: 0, y: 0 })).toEqual([]);
    expect(spotsIn(new Uint8Array(), { z: 0, x: 0, y: 0 })).toEqual([]);
  });
});
