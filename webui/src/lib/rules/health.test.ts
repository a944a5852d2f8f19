import { describe, expect, it } from 'vitest';
import type { Storage } from '$lib/api/types';
import { device, overview } from './fixtures';
import { daysLeft, findings, minutesOf, photosLeft } from './health';

const storage = (fields: Partial<Storage> = {}): Storage => ({
  free_bytes: 10e9,
  total_bytes: 100e9,
  photo_bytes: 2e6,
  bytes_per_day: 50e6,
  ...fields,
});
const HOUR = 3_600_000;
const withClocks = (...offsets: (number | null)[]) => offsets.map((clock_offset_ms, n) => device({ id: `${n}`, clock_offset_ms }));
const said = (about: string, devices = withClocks(0), told = overview(), room: Storage | null = storage()) => {
  const finding = findings(told, devices, room).find((one) => one.about === about);
  return finding && [finding.tone, finding.said.id];
};

describe('health', () => {
  it('counts what the disk still takes', () => {
    expect([photosLeft(storage()), daysLeft(storage())]).toEqual([5000, 200]);
    expect(daysLeft(storage({ bytes_per_day: null }))).toBeNull();
    expect(daysLeft(storage({ bytes_per_day: 0 }))).toBeNull();
    expect(photosLeft(storage({ photo_bytes: 0 }))).toBe(10e9);
  });

  it('warns before the disk is full, and says when it is', () => {
    expect(said('disk')).toEqual(['ok', 'health.disk_ok']);
    expect(said('disk', [], overview(), storage({ bytes_per_day: 1e9 }))).toEqual(['attention', 'health.disk_soon']);
    const full = { ...overview(), disk: { free_bytes: 0, total_bytes: 1, full: true, needed_bytes: 5 } };
    expect(said('disk', [], full)).toEqual(['bad', 'health.disk_full']);
  });

  it('takes the word of most phones against the laptop, and of one against itself', () => {
    expect(said('clock', withClocks(0, 0, 5 * HOUR))).toEqual(['ok', 'health.clock.ok']);
    expect(said('clock', withClocks(5 * HOUR))).toEqual(['ok', 'health.clock.ok']);
    expect(said('clock', withClocks(5 * HOUR, 6 * HOUR, 0))).toEqual(['attention', 'health.clock.hours']);
    expect(said('clock', withClocks(50 * HOUR, -60 * HOUR))).toEqual(['ok', 'health.clock.ok']);
    expect(said('clock', withClocks(-90 * HOUR, -99 * HOUR))).toEqual(['attention', 'health.clock.days']);
    expect(said('clock', withClocks(null))).toEqual(['unknown', 'health.clock.unknown']);
  });

  it('says that the database is damaged', () => {
    const damaged = { ...overview(), trouble: [{ code: 'database_damaged', detail: '' }] };
    expect([said('database'), said('database', [], damaged)]).toEqual([
      ['ok', 'health.database_ok'],
      ['bad', 'health.database_damaged'],
    ]);
  });

  it('tells a length in minutes', () => {
    expect(minutesOf({ since: '2026-11-21T10:00:00.000Z', until: '2026-11-21T10:02:31.000Z' })).toBe(3);
    expect(minutesOf({ since: '2026-11-21T10:00:00.000Z', until: '2026-11-21T09:00:00.000Z' })).toBe(0);
  });
});
