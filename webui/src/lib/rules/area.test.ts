import { describe, expect, it } from 'vitest';
import {
  MOST_CORNERS, areaOf, cornersOf, polygonsOf, problemOf, readArea, readTyped, withCorner, writeArea, type Area, type Corner, type Ring,
} from './area';

const SQUARE: Ring = [[-77, -7], [-76, -7], [-76, -6], [-77, -6]];

/** A border with bends of every size, as rivers make them. */
function river(corners: number, wild = 0.03): Ring {
  return Array.from({ length: corners }, (_, index): Corner => {
    const angle = (index / corners) * 2 * Math.PI;
    const far = 0.5 + wild * Math.sin(angle * 97) + 0.004 * Math.sin(angle * 1201) + 0.02 * Math.cos(angle * 13);
    return [-76 + far * Math.cos(angle), -6 + far * Math.sin(angle)];
  });
}

/** Metres from a corner to the nearest edge, measured without the module under test. */
function away([lon, lat]: Corner, ring: Ring): number {
  const [east, north] = [111_195 * Math.cos((6 * Math.PI) / 180), 111_195];
  return Math.min(...ring.map(([aLon, aLat], index) => {
    const [bLon, bLat] = ring[(index + 1) % ring.length] ?? [aLon, aLat];
    const [x, y, px, py] = [(bLon - aLon) * east, (bLat - aLat) * north, (lon - aLon) * east, (lat - aLat) * north];
    const along = Math.max(0, Math.min(1, (px * x + py * y) / (x * x + y * y || 1)));
    return Math.hypot(px - along * x, py - along * y);
  }));
}

const made = (area: ReturnType<typeof areaOf>): Area => {
  if (typeof area === 'string') throw new Error(area);
  return area;
};

describe('an area', () => {
  it('is written as the hub reads it, and read again', () => {
    const area: Area = { polygons: [[SQUARE, [[-76.6, -6.6], [-76.4, -6.6], [-76.4, -6.4]]], [[[1, 2], [3, 2], [3, 4]]]], off: 30 };
    const text = writeArea(area);
    expect(text).toBe('-77 -7,-76 -7,-76 -6,-77 -6;-76.6 -6.6,-76.4 -6.6,-76.4 -6.4|1 2,3 2,3 4');
    expect(readArea(text, '30')).toEqual(area);
    expect(cornersOf(area)).toBe(10);
  });

  it.each(['', '1 2', '1 2,3 4', '1 2,3 4,5', '1 2,3 4,5 x', '181 0,1 1,2 2', '0 91,1 1,2 2', '1 2,3 4,5 6;', '1 2 3,3 4,5 6', `${'1 1,'.repeat(2000)}2 2`])(
    'is none: %s', (text) => expect(readArea(text)).toBeNull(),
  );

  it('does not believe a nonsense of metres', () => {
    for (const off of ['-3', 'x', 'Infinity', '0', '']) expect(readArea('1 2,3 2,3 4', off)).toEqual({ polygons: [[[[1, 2], [3, 2], [3, 4]]]] });
  });
});

describe('drawing', () => {
  it('takes a press twice at one place as one', () => {
    const ring = withCorner(withCorner([], [-76.123456789, -6]), [-76.123457, -6.000001]);
    expect(ring).toEqual([[-76.12346, -6]]);
    expect(withCorner(ring, [-76, -6])).toHaveLength(2);
  });

  it('says why a ring is no area', () => {
    expect(problemOf(SQUARE)).toBeNull();
    expect(problemOf(SQUARE.slice(0, 2))).toBe('few');
    expect(problemOf([[0, 0], [1, 1], [2, 2]])).toBe('flat');
    expect(problemOf([[179, 0], [-179, 0], [-179, 1]])).toBe('date_line');
    expect(problemOf(river(MOST_CORNERS + 1))).toBe('many');
  });

  it('reads corners as they are typed', () => {
    expect(readTyped('-7, -77\n -7 -76 \n\n-6;-76\n-7,-77')).toEqual([[-77, -7], [-76, -7], [-76, -6]]);
    for (const wrong of ['-7', '-7, x', '-7,-76,3', '-95, 0\n1 1\n2 2', '-6,48 -76,36']) expect(readTyped(wrong), wrong).toBeNull();
  });
});

describe('a territory', () => {
  it('is the land of its shapes, whatever they are called', () => {
    const closed = [...SQUARE, SQUARE[0] ?? [0, 0]];
    const polygons = polygonsOf([
      { type: 'Point', coordinates: [0, 0] },
      { type: 'LineString', coordinates: closed },
      { type: 'LineString', coordinates: SQUARE },
      { type: 'GeometryCollection', geometries: [{ type: 'MultiPolygon', coordinates: [[closed, closed], [closed]] }] },
    ]);
    expect(polygons).toEqual([[SQUARE], [SQUARE, SQUARE], [SQUARE]]);
    expect(areaOf(polygonsOf([{ type: 'Point', coordinates: [0, 0] }]))).toBe('none');
  });

  it('stays as it is while it fits', () => {
    expect(areaOf([[SQUARE]])).toEqual({ polygons: [[SQUARE]] });
  });

  it('is simplified to fit, and no place of it is further off than is said', () => {
    const border = river(20_000);
    const area = made(areaOf([[border]]));
    const [[outline = []] = []] = area.polygons;
    expect(outline.length).toBeLessThanOrEqual(MOST_CORNERS);
    expect(area.off).toBeGreaterThan(1);
    // 110 km across: the promise is a hundredth of that at most.
    expect(area.off).toBeLessThan(1600);
    const told = readArea(writeArea(area))?.polygons[0]?.[0] ?? [];
    const off = Math.max(...border.filter((_, index) => index % 7 === 0).map((corner) => away(corner, told)));
    expect(off).toBeLessThanOrEqual(area.off ?? 0);
    expect(off).toBeGreaterThan((area.off ?? 0) / 10);
  });

  it('that cannot be told truly enough is not told', () => {
    const islands = Array.from({ length: 400 }, (_, index): Ring => {
      const [lon, lat] = [-76 + (index % 20) / 10, -6 + Math.floor(index / 20) / 10];
      return [[lon, lat], [lon + 0.05, lat], [lon + 0.05, lat + 0.05], [lon, lat + 0.05]];
    });
    expect(areaOf(islands.map((ring) => [ring]))).toBe('complex');
    expect(areaOf([[[[190, 0], [191, 0], [191, 1]]]])).toBe('date_line');
  });

  it('loses a hole that is smaller than what it may be off, and not its land', () => {
    const hole: Ring = [[-76.0001, -6], [-76, -6], [-76, -6.0001]];
    const area = made(areaOf([[river(20_000), hole]]));
    expect(area.polygons).toHaveLength(1);
    expect(area.polygons[0]).toHaveLength(1);
  });
});
