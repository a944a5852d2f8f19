import { describe, expect, it } from 'vitest';
import { fixOf, fixOfPhoto, isBetter, isGood, isWorthWriting, metresBetween, typedFix, type Fix } from './fix';

const gps = (accuracy_m?: number): Fix => ({ lat: -6.48, lon: -76.36, accuracy_m, source: 'gps' });

describe('a place that was measured', () => {
  it('has as many digits as it is worth, and no member that is not known', () => {
    const measured = { latitude: -6.48012345678, longitude: -76.36, accuracy: 8.4666, altitude: null };
    expect(fixOf(measured)).toEqual({ lat: -6.480123, lon: -76.36, accuracy_m: 8.5, source: 'gps' });
    expect(fixOf({ ...measured, altitude: 333.33 })?.altitude_m).toBe(333.3);
    expect(fixOf({ ...measured, latitude: Number.NaN })).toBeNull();
  });

  it('is good from twenty metres on', () => {
    expect(isGood(gps(20))).toBe(true);
    expect(isGood(gps(20.1))).toBe(false);
    expect(isGood(gps())).toBe(false);
  });

  it('gives way to a better one only', () => {
    expect(isBetter(gps(30), null)).toBe(true);
    expect(isBetter(gps(8), gps(30))).toBe(true);
    expect(isBetter(gps(30), gps(8))).toBe(false);
    expect(isBetter(gps(30), gps())).toBe(true);
  });

  it('is written again when it is much better, or good at last', () => {
    expect(isWorthWriting(gps(900), null)).toBe(true);
    expect(isWorthWriting(gps(800), gps(900))).toBe(false);
    expect(isWorthWriting(gps(500), gps(900))).toBe(true);
    expect(isWorthWriting(gps(19), gps(22))).toBe(true);
    expect(isWorthWriting(gps(18), gps(19))).toBe(false);
    expect(isWorthWriting(gps(90), { lat: 1, lon: 1, source: 'manual' })).toBe(true);
  });
});

describe('a place from elsewhere', () => {
  it('comes from a photo, unless the camera knew none', () => {
    expect(fixOfPhoto(-6.5, -76.3)).toEqual({ lat: -6.5, lon: -76.3, source: 'photo' });
    expect(fixOfPhoto(0, 0)).toBeNull();
    expect(fixOfPhoto(undefined, undefined)).toBeNull();
    expect(fixOfPhoto(Number.NaN, 3)).toBeNull();
  });

  it('is typed with a point or a comma', () => {
    expect(typedFix(' -6,48 ', '\u221276.36')).toEqual({ lat: -6.48, lon: -76.36, source: 'manual' });
    expect(typedFix('', '')).toBeNull();
    expect(typedFix('91', '0')).toBeNull();
    expect(typedFix('6 south', '0')).toBeNull();
  });
});

it('a degree along the equator is 111 km', () => {
  expect(metresBetween({ lat: 0, lon: 10 }, { lat: 0, lon: 11 })).toBeCloseTo(111_195, -1);
  expect(metresBetween({ lat: -6.48, lon: -76.36 }, { lat: -6.48, lon: -76.36 })).toBe(0);
});
