/**
 * Degrees of latitude and longitude (WGS84) as UTM, the grid of paper maps and of most GPS receivers in the field.
 *
 * By Krüger's series in the third flattening up to its fourth power, which errs by less than a millimetre within a
 * zone: Karney, "Transverse Mercator with an accuracy of a few nanometers" (2011), equations 7 to 12 and 35.
 */
import { wrap } from './view';

export interface Utm {
  zone: number;
  /** The band of latitude, `C` to `X` without `I` and `O`; from `N` on it is the northern half. */
  band: string;
  easting: number;
  northing: number;
}

const EQUATOR_M = 6_378_137;
const FLATTENING = 1 / 298.257223563;
/** UTM draws its middle line a little too short, so that the zone's edges are not much too long. */
const SCALE = 0.9996;
const FALSE_EASTING = 500_000;
const FALSE_NORTHING_SOUTH = 10_000_000;
/** UTM ends here; the poles have a grid of their own that nobody of ours needs. */
const SOUTHMOST = -80;
const NORTHMOST = 84;
const BANDS = 'CDEFGHJKLMNPQRSTUVWX';

const n = FLATTENING / (2 - FLATTENING);
const ECCENTRICITY = Math.sqrt(FLATTENING * (2 - FLATTENING));
const RECTIFYING_M = (EQUATOR_M / (1 + n)) * (1 + n ** 2 / 4 + n ** 4 / 64);
const ALPHA = [
  n / 2 - (2 / 3) * n ** 2 + (5 / 16) * n ** 3 + (41 / 180) * n ** 4,
  (13 / 48) * n ** 2 - (3 / 5) * n ** 3 + (557 / 1440) * n ** 4,
  (61 / 240) * n ** 3 - (103 / 140) * n ** 4,
  (49_561 / 161_280) * n ** 4,
];

/** `null` where UTM does not reach: near the poles, and for what is no place. */
export function toUtm(lat: number, lon: number): Utm | null {
  if (!Number.isFinite(lon) || !(lat >= SOUTHMOST && lat <= NORTHMOST)) return null;
  const east = wrap(lon);
  const band = BANDS[Math.min(BANDS.length - 1, Math.floor((lat - SOUTHMOST) / 8))] ?? '';
  const zone = zoneOf(east, band);
  const { x, y } = krueger(radians(lat), radians(east - (zone * 6 - 183)));
  return {
    zone,
    band,
    easting: FALSE_EASTING + SCALE * RECTIFYING_M * x,
    northing: (lat < 0 ? FALSE_NORTHING_SOUTH : 0) + SCALE * RECTIFYING_M * y,
  };
}

/** `18M 349647 E 9283257 N`: to the metre, without group signs, as it is typed into a receiver. */
export function utmText({ zone, band, easting, northing }: Utm): string {
  return `${zone}${band} ${Math.round(easting)} E ${Math.round(northing)} N`;
}

/** Six degrees each, but for the two places where Norway asked for wider ones. */
function zoneOf(lon: number, band: string): number {
  if (band === 'V' && lon >= 3 && lon < 12) return 32;
  if (band === 'X' && lon >= 0 && lon < 42) return lon < 9 ? 31 : lon < 21 ? 33 : lon < 33 ? 35 : 37;
  return Math.floor((lon + 180) / 6) + 1;
}

/** Where a point lies beside its zone's middle line, in units of the rectifying radius. */
function krueger(lat: number, fromMiddle: number): { x: number; y: number } {
  const sine = Math.sin(lat);
  // The tangent of the conformal latitude.
  const t = Math.sinh(Math.atanh(sine) - ECCENTRICITY * Math.atanh(ECCENTRICITY * sine));
  const xi = Math.atan2(t, Math.cos(fromMiddle));
  const eta = Math.asinh(Math.sin(fromMiddle) / Math.hypot(t, Math.cos(fromMiddle)));
  let x = eta;
  let y = xi;
  ALPHA.forEach((alpha, index) => {
    const turns = 2 * (index + 1);
    x += alpha * Math.cos(turns * xi) * Math.sinh(turns * eta);
    y += alpha * Math.sin(turns * xi) * Math.cosh(turns * eta);
  });
  return { x, y };
}

const radians = (degrees: number) => (degrees * Math.PI) / 180;
