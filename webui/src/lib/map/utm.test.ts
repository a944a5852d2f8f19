import { describe, expect, it } from 'vitest';
import { toUtm, utmText } from './utm';

/** Computed with proj4js, which uses other series: latitude, longitude, zone, band, easting, northing. */
const KNOWN: [string, number, number, number, string, number, number][] = [
  ['Tarapoto', -6.4825, -76.3597, 18, 'M', 349646.53, 9283256.906],
  ['Iquitos', -3.7491, -73.2538, 18, 'M', 693925.253, 9585412.597],
  ['Belém', -1.4558, -48.4902, 22, 'M', 779278.175, 9838934.534],
  ['Cayenne', 4.9224, -52.3135, 22, 'N', 354363.155, 544229.782],
  ['the western edge of a zone', -6, -78, 18, 'M', 167842.208, 9335885.838],
  ['the eastern edge of a zone', -6, -72.000001, 18, 'M', 832157.681, 9335885.839],
  ['the equator on a middle line', 0, -75, 18, 'N', 500000, 0],
  ['Bergen, in a zone made wider', 60.3913, 5.3221, 32, 'V', 297353.933, 6700648.345],
  ['Longyearbyen, in a zone made wider', 78.2232, 15.6267, 33, 'X', 514278.715, 8683355.469],
  ['the northern end', 83.9, -71.9999, 19, 'X', 464425.505, 9317856.404],
];

/** The length of the meridian from the equator, by adding up its radius of curvature: no series at all. */
function meridian(lat: number): number {
  const a = 6_378_137;
  const e2 = 0.006694379990141316;
  const steps = 20_000;
  const step = (lat * Math.PI) / 180 / steps;
  let sum = 0;
  for (let i = 0; i < steps; i += 1) sum += (1 - e2 * Math.sin((i + 0.5) * step) ** 2) ** -1.5;
  return a * (1 - e2) * sum * step;
}

describe('UTM', () => {
  it.each(KNOWN)('knows %s', (_, lat, lon, zone, band, easting, northing) => {
    const utm = toUtm(lat, lon);
    expect(utm).toMatchObject({ zone, band });
    expect(utm?.easting).toBeCloseTo(easting, 2);
    expect(utm?.northing).toBeCloseTo(northing, 2);
  });

  it.each([1, 12, 45, 80])('measures the middle line right at %i degrees', (lat) => {
    expect(toUtm(lat, -75)?.northing).toBeCloseTo(0.9996 * meridian(lat), 2);
    expect(toUtm(-lat, -75)?.northing).toBeCloseTo(10_000_000 - 0.9996 * meridian(lat), 2);
  });

  it('goes around the world', () => {
    expect(toUtm(-6.4825, -76.3597 + 360)).toMatchObject({ zone: 18, band: 'M' });
    expect(toUtm(10, 180)?.zone).toBe(1);
    expect(toUtm(10, -180)?.zone).toBe(1);
    expect(toUtm(10, 179.99)?.zone).toBe(60);
  });

  it('ends before the poles, and knows no place that is none', () => {
    expect(toUtm(84.1, 0)).toBeNull();
    expect(toUtm(-80.1, 0)).toBeNull();
    expect(toUtm(NaN, 0)).toBeNull();
    expect(toUtm(0, Infinity)).toBeNull();
  });

  it('is written to the metre', () => {
    const utm = toUtm(-6.4825, -76.3597);
    expect(utm && utmText(utm)).toBe('18M 349647 E 9283257 N');
  });
});
