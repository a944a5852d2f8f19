import { describe, expect, it } from 'vitest';
import { columnsIn, windowOf } from './windowing';

const list = { count: 100_000, perRow: 1, rowHeight: 100, above: 0, viewHeight: 800 };

describe('the window on a list', () => {
  it('begins at the top', () => {
    expect(windowOf(list)).toEqual({ start: 0, end: 12, seenStart: 0, seenEnd: 8, offset: 0, height: 10_000_000 });
  });

  it('follows the reader', () => {
    expect(windowOf({ ...list, above: 5_000_050 })).toMatchObject({ start: 49_996, seenStart: 50_000, seenEnd: 50_009, end: 50_013, offset: 4_999_600 });
  });

  it('ends at the end, also when it was scrolled past', () => {
    expect(windowOf({ ...list, above: 9_999_200 })).toMatchObject({ seenStart: 99_992, seenEnd: 100_000, end: 100_000 });
    expect(windowOf({ ...list, above: 20_000_000 })).toMatchObject({ seenStart: 100_000, end: 100_000, start: 99_996 });
  });

  it('draws the first rows while the list is still below the screen', () => {
    expect(windowOf({ ...list, above: -2000 })).toMatchObject({ start: 0, end: 4, seenStart: 0, seenEnd: 0 });
  });

  it('lives with nothing', () => {
    expect(windowOf({ ...list, count: 0 })).toEqual({ start: 0, end: 0, seenStart: 0, seenEnd: 0, offset: 0, height: 0 });
  });

  it('fills rows of several, the last one as far as it goes', () => {
    const grid = { ...list, count: 10, perRow: 4 };
    expect(windowOf(grid)).toMatchObject({ end: 10, height: 300 });
    expect(windowOf({ ...list, perRow: 4, above: 1000 })).toMatchObject({ start: 24, seenStart: 40, offset: 600 });
  });

  it('shows the last of more rows than a browser can draw, where its scrollbar ends', () => {
    const million = { ...list, count: 1_000_000, rowHeight: 76 };
    const { height } = windowOf(million);
    expect(height).toBe(16_000_000);
    const end = windowOf({ ...million, above: height - 800 });
    expect(end).toMatchObject({ end: 1_000_000, seenEnd: 1_000_000 });
    // The last row ends where the list ends.
    expect(end.offset + (end.end - end.start) * 76).toBeCloseTo(height, 3);
    expect(windowOf({ ...million, above: (height - 800) / 2 }).seenStart).toBeCloseTo(500_000, -2);
    for (const above of [0, 1, 40, 100_000, 8_000_000, 15_999_000]) {
      const { start, seenStart, offset } = windowOf({ ...million, above });
      // What is drawn lies where the reader is: its first seen row begins above the upper edge of the screen, by less than a row.
      const seenAt = offset + (seenStart - start) * 76;
      expect(seenAt).toBeLessThanOrEqual(above + 0.001);
      expect(seenAt).toBeGreaterThan(above - 76);
    }
  });

  it('always draws what is seen, and never much more', () => {
    for (let step = 0; step < 3000; step += 1) {
      const count = (step * 37) % 501;
      const perRow = 1 + (step % 7);
      const rowHeight = 40 + (step % 90);
      const above = ((step * 7919) % 60_000) - 3000;
      const { start, end, seenStart, seenEnd, offset, height } = windowOf({ count, perRow, rowHeight, above, viewHeight: 700 });
      expect(0 <= start && start <= seenStart && seenStart <= seenEnd && seenEnd <= end && end <= count).toBe(true);
      expect(end - start).toBeLessThanOrEqual((Math.ceil(700 / rowHeight) + 10) * perRow);
      expect(start % perRow === 0 || start === count).toBe(true);
      expect(offset).toBeLessThanOrEqual(height);
    }
  });
});

it('columns fit into the width', () => {
  expect(columnsIn(328, 150, 8)).toBe(2);
  expect(columnsIn(1200, 160, 8)).toBe(7);
  expect(columnsIn(90, 160, 8)).toBe(1);
  expect(columnsIn(0, 160, 8)).toBe(1);
});
