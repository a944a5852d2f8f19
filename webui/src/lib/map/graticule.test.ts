import { describe, expect, it } from 'vitest';
import { degreesText, graticuleLabels, graticuleLines, graticuleStep, scaleBar } from './graticule';
import type { View } from './view';

/** A view of so many degrees around a place near the equator. */
const viewOf = (lon: number, lat: number, zoom: number, wide: number, high: number): View => {
  const perDegree = (512 * 2 ** zoom) / 360;
  return { lat, lon, zoom, width: wide * perDegree, height: high * perDegree };
};

describe('the graticule', () => {
  it('has wider steps further out', () => {
    expect([0, 2, 4, 6, 7, 10, 14].map(graticuleStep)).toEqual([30, 20, 5, 2, 1, 0.1, 0.005]);
  });

  it('never has lines too close to tell apart, as long as there is a wider step', () => {
    for (let zoom = 2; zoom <= 22; zoom += 0.25) {
      const pixels = (graticuleStep(zoom) * 512 * 2 ** zoom) / 360;
      expect(pixels).toBeGreaterThanOrEqual(100);
    }
  });

  it('draws each line once and covers the box', () => {
    const { features } = graticuleLines([-77.3, -7.2, -75.6, -5.9], 0.5);
    const starts = features.map(({ geometry }) => geometry.coordinates.map(String).join(' to '));
    expect(new Set(starts).size).toBe(starts.length);
    expect(starts).toContain('-76.5,-7.7 to -76.5,-5.4');
    expect(starts).toContain('-77.8,-6.5 to -75.1,-6.5');
  });

  it('goes around the world once', () => {
    const { features } = graticuleLines([-400, -60, 400, 60], 30);
    const meridians = features.flatMap(({ geometry: { coordinates } }) => {
      const [[from], [to]] = coordinates as [[number, number], [number, number]];
      return from === to ? [from] : [];
    });
    expect([meridians[0], meridians.at(-1), meridians.length]).toEqual([-180, 150, 12]);
  });

  it('loses no line to rounding', () => {
    const texts = graticuleLabels(viewOf(0.4, 0.2, 10, 0.62, 0.22), 0.1).map(({ text }) => text);
    expect(texts).toEqual(['0.1°', '0.2°', '0.3°', '0.4°', '0.5°', '0.6°', '0.7°', '0.1°', '0.2°', '0.3°']);
  });

  it('stays where the projection has a place for it', () => {
    const { features } = graticuleLines([-180, -90, 180, 90], 30);
    const latitudes = features.flatMap(({ geometry }) => geometry.coordinates.map(([, lat]) => Math.abs(lat ?? 99)));
    expect(Math.max(...latitudes)).toBe(85);
  });

  it('names longitudes beyond the date line by their own number', () => {
    const texts = graticuleLabels(viewOf(185, 10, 3, 32, 10), 10).map(({ text }) => text);
    expect(texts.slice(0, 4)).toEqual(['170°', '\u2212180°', '\u2212170°', '\u2212160°']);
  });

  it('puts a label where its line ends', () => {
    const labels = graticuleLabels({ lat: 0, lon: -76, zoom: 7, width: 800, height: 600 }, 1);
    expect(labels).toContainEqual({ text: '\u221276°', edge: 'bottom', at: 400 });
    expect(labels).toContainEqual({ text: '0°', edge: 'left', at: 300 });
  });

  it('writes as many decimals as the step has, and no minus before nothing', () => {
    expect(degreesText(-76.5, 0.5)).toBe('\u221276.5°');
    expect(degreesText(-6, 1)).toBe('\u22126°');
    expect(degreesText(-0, 0.05)).toBe('0.00°');
  });
});

describe('the scale bar', () => {
  it('is a round number and fits', () => {
    for (let zoom = 0; zoom <= 20; zoom += 0.3) {
      const { metres, pixels } = scaleBar(-6.5, zoom, 120);
      expect(pixels).toBeLessThanOrEqual(120);
      expect(pixels).toBeGreaterThan(40);
      expect(String(metres)).toMatch(/^[125]0*$|^0\.\d*[125]\d*$/);
    }
  });

  it('measures the equator right', () => {
    expect(scaleBar(0, 0, 512)).toEqual({ metres: 20_000_000, pixels: expect.closeTo(255.5, 1) });
  });
});
