import { describe, expect, it } from 'vitest';
import { enough, isShort, roomIn, roomOf } from './room';

const GB = 1_000_000_000;
const files = [1, 2, 3].map((n) => ({ hash: String(n), size: GB / 4, name: `${n}.jpg`, addedAt: n }));

describe('room on the phone', () => {
  it('is short below a gigabyte, or a fifth of what little there is', () => {
    expect(isShort({ used: 9.5 * GB, quota: 10 * GB })).toBe(true);
    expect(isShort({ used: 5 * GB, quota: 10 * GB })).toBe(false);
    expect(isShort({ used: 0.5 * GB, quota: GB })).toBe(false);
    expect(isShort({ used: 0.9 * GB, quota: GB })).toBe(true);
    expect(isShort(null)).toBe(true);
  });

  it('is made with the oldest, and with no more than needed', () => {
    const room = { used: 9.4 * GB, quota: 10 * GB };
    expect(enough(files, room).map(({ hash }) => hash)).toEqual(['1', '2']);
    expect(enough(files, { used: GB, quota: 10 * GB })).toEqual([]);
    expect(enough(files, null)).toEqual(files);
  });
});

it('tells when little is left, and does not guess', () => {
  expect(roomOf({ quota: 2e9, usage: 1e9 })).toBe('enough');
  expect(roomOf({ quota: 1e9, usage: 0.98e9 })).toBe('low');
  expect(roomOf({})).toBe('unknown');
  expect(roomOf(undefined)).toBe('unknown');
  // As Chromium says it on a disk with less than a gigabyte left.
  expect(roomOf({ usage: 4_971_293, quota: 4_971_293 + 10 * 2 ** 30 })).toBe('unknown');
  expect(roomIn({ usage: 4_971_293, quota: 4_971_293 + 2 ** 30 })).toBeNull();
  expect(roomIn({ usage: 1, quota: 2e9 })).toEqual({ used: 1, quota: 2e9 });
});
