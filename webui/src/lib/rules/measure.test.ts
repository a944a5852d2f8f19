import { describe, expect, it } from 'vitest';
import { Speaker } from '$lib/i18n/speaker';
import type { Ring } from './area';
import { areaText, lengthText, measure, metresOf, squareMetresOf } from './measure';

const speech = new Speaker('en', []);

describe('what is drawn', () => {
  // A degree of the meridian is 111.195 km on turf's sphere; at the equator one of latitude as well.
  const square: Ring = [[0, 0], [1, 0], [1, 1], [0, 1]];

  it('has the length and the land that it has on the globe', () => {
    expect(metresOf(square.slice(0, 2))).toBeCloseTo(111_195, -1);
    expect(metresOf(square)).toBeGreaterThan(3 * 111_100);
    expect(squareMetresOf(square) / 111_195 ** 2).toBeCloseTo(1, 2);
    expect([metresOf([[0, 0]]), squareMetresOf(square.slice(0, 2))]).toEqual([0, 0]);
  });

  it('is told as people tell it', () => {
    expect([0, 999.4, 1234, 12_345, 234_567].map((metres) => lengthText(metres, speech))).toEqual(['0 m', '999 m', '1.23 km', '12.3 km', '235 km']);
    expect([12, 2500, 123_456, 56_700_000, 2.5e9].map((metres) => areaText(metres, speech))).toEqual([
      '12 m²', '0.25 ha', '12.3 ha', '5,670 ha', '2,500 km²',
    ]);
    expect(measure(square, speech)).toEqual({ length: '334 km', area: '12,364 km²' });
  });
});
