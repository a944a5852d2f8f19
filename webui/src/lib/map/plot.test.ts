import { describe, expect, it } from 'vitest';
import { plotOf, plotStep } from './plot';

describe('the plot', () => {
  const points = [
    { lat: -6.5, lon: -76.4 },
    { lat: -6.1, lon: -76.0 },
    { lat: -6.3, lon: -76.9 },
  ];
  const plot = plotOf(points, 400, 300);
  const placed = points.map(({ lat, lon }) => plot?.place(lat, lon) ?? { x: NaN, y: NaN });

  it('shows every point inside the frame', () => {
    for (const { x, y } of placed) {
      expect(x).toBeGreaterThan(10);
      expect(x).toBeLessThan(390);
      expect(y).toBeGreaterThan(10);
      expect(y).toBeLessThan(290);
    }
  });

  it('has north above and east to the right', () => {
    expect(placed[1]?.y).toBeLessThan(placed[0]?.y ?? 0);
    expect(placed[1]?.x).toBeGreaterThan(placed[0]?.x ?? 0);
  });

  it('keeps shapes: a degree east is as long as it is on the ground', () => {
    const far = plotOf([{ lat: 60, lon: 10 }, { lat: 60, lon: 11 }, { lat: 60.5, lon: 10 }], 400, 400);
    const [a, east, north] = [far?.place(60, 10), far?.place(60, 11), far?.place(60.5, 10)];
    const ratio = ((east?.x ?? 0) - (a?.x ?? 0)) / ((a?.y ?? 0) - (north?.y ?? 0));
    expect(ratio).toBeCloseTo(1, 1);
  });

  it('puts one lone point in the middle, with some land around it', () => {
    const lone = plotOf([{ lat: -6.5, lon: -76.4 }], 400, 300);
    expect(lone?.place(-6.5, -76.4)).toEqual({ x: 200, y: 150 });
    expect((lone?.box[3] ?? 0) - (lone?.box[1] ?? 0)).toBeGreaterThan(0.01);
  });

  it('is nothing without points', () => expect(plotOf([], 400, 300)).toBeNull());

  it('has a few lines in round steps', () => {
    expect(plotStep([-77, -7, -76, -6])).toBe(0.5);
    expect(plotStep([-180, -80, 180, 80])).toBe(50);
    expect(plotStep([0, 0, 0.03, 0.03])).toBeCloseTo(0.01);
  });
});
