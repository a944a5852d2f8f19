import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { flatRing, worldOf } from './world';

const atlas = JSON.parse(readFileSync(createRequire(import.meta.url).resolve('world-atlas/countries-50m.json'), 'utf8'));

describe('the outline of the world', () => {
  const { land, borders } = worldOf(atlas);

  it('has no streak around the world', () => {
    const lines = [...land.geometry.coordinates.flat(), ...borders.geometry.coordinates];
    for (const line of lines) {
      for (const [index, [lon = 0, lat = 0]] of line.entries()) {
        const [before = lon] = line[index - 1] ?? [];
        if (Math.abs(lat) < 90) expect(Math.abs(lon - before)).toBeLessThan(30);
      }
    }
  });

  it('reaches the south pole and keeps close to usual longitudes', () => {
    const all = land.geometry.coordinates.flat(2);
    expect(all.some(([, lat]) => lat === -90)).toBe(true);
    for (const [lon = 999] of all) expect(Math.abs(lon)).toBeLessThan(370);
  });
});

describe('a ring', () => {
  it('goes on over the date line', () => {
    expect(flatRing([[160, 60], [-170, 60], [-170, 70], [160, 60]])).toEqual([[160, 60], [190, 60], [190, 70], [160, 60]]);
    expect(flatRing([[-160, 60], [170, 60], [170, 70], [-160, 60]])).toEqual([[-160, 60], [-190, 60], [-190, 70], [-160, 60]]);
  });

  it('around a pole is led to it', () => {
    const ring = [[-170, -70], [-60, -70], [60, -70], [170, -70], [-170, -70]];
    expect(flatRing(ring).slice(-3)).toEqual([[190, -90], [-170, -90], [-170, -70]]);
  });

  it('that stays on one side stays as it is', () => {
    const ring = [[-76, -6], [-75, -6], [-75, -5], [-76, -6]];
    expect(flatRing(ring)).toEqual(ring);
  });
});
