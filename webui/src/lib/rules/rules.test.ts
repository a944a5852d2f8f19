import { describe, expect, it } from 'vitest';
import type { ExportJob } from '$lib/api/types';
import { clockWarning, deviceState, receiptParts, sortDevices } from './device';
import { outcome } from './export';
import { NOW, daysAgo, device, observation } from './fixtures';
import { readInvitation } from './invitation';
import { asText, clip, coordinates, mediaKind, observedAt, otherProperties, place, summary } from './observation';
import { countdown, relative } from './time';

describe('the state of a device', () => {
  it('is good while it is fresh', () => expect(deviceState(device(), NOW).tone).toBe('ok'));
  it('is not known any more after a week of silence', () => {
    expect(deviceState(device({ last_seen: daysAgo(8) }), NOW).tone).toBe('unknown');
  });
  it('is not taken for good when this page does not know it', () => {
    const odd = device({ state: JSON.parse('"resting"') });
    expect(deviceState(odd, NOW)).toEqual({ tone: 'unknown', word: 'device.state.unknown' });
  });
  it('keeps the order of the names', () => {
    const sorted = sortDevices([device({ id: '1', name: 'Ñusta' }), device({ id: '2', name: 'Teléfono 10' }), device({ id: '3', name: 'Teléfono 9' })], 'es');
    expect(sorted.map(({ id }) => id)).toEqual(['1', '3', '2']);
  });
});

describe('clocks', () => {
  it('warn beyond an hour only', () => {
    expect(clockWarning(null)).toBeNull();
    expect(clockWarning(3_600_000)).toBeNull();
    expect(clockWarning(-3_600_001)).toEqual({ id: 'clock.behind.hours', count: 1 });
    expect(clockWarning(5 * 365.25 * 86_400_000)).toEqual({ id: 'clock.ahead.years', count: 5 });
  });
  it('count down and stop', () => {
    expect(countdown(new Date(NOW + 545_000).toISOString(), NOW)).toBe('9:05');
    expect(countdown(new Date(NOW - 1000).toISOString(), NOW)).toBe('0:00');
  });
  it.each([
    [30_000, 0, 'second'],
    [-90_000, -1, 'minute'],
    [-5 * 3_600_000, -5, 'hour'],
    [-12 * 86_400_000, -12, 'day'],
    [-40 * 86_400_000, -5, 'week'],
    [-800 * 86_400_000, -2, 'year'],
  ])('tell %i ms as people do', (offset, value, unit) => expect(relative(NOW + offset, NOW)).toEqual({ value, unit }));
});

describe('a receipt', () => {
  const receipt = { since: '', at: '', new: 43, changed: 0, deleted: 1, media: 0, media_missing: [], media_missing_count: 0 };
  it('leaves out what did not happen', () => {
    expect(receiptParts(receipt).map(({ id }) => id)).toEqual(['receipt.new', 'receipt.deleted']);
  });
  it('says so when nothing was new', () => {
    expect(receiptParts({ ...receipt, new: 0, deleted: 0 })).toEqual([{ id: 'receipt.nothing_new' }]);
  });
});

describe('what strangers wrote', () => {
  it('may be anything', () => {
    const odd = observation('1', { set: { location: 'here', observed_at: 7, notes: { a: [1] }, __proto__x: null } });
    expect(place(odd)).toBeNull();
    expect(observedAt(odd)).toBe(odd.created_at);
    expect(summary(odd)).toContain('"a"');
    expect(otherProperties(odd).map(([key]) => key)).toEqual(['notes', '__proto__x', 'location']);
    expect(asText(undefined)).toBe('');
  });
  it('is cut between signs, never inside one', () => expect(clip('🌳🌳🌳', 2)).toBe('🌳🌳…'));
  it('is a place when it has two numbers', () => {
    const where = place(observation('1', { set: { location: { lat: -6.48, lon: -76.36, accuracy_m: 8 } } }));
    expect(where && coordinates(where)).toBe('-6.48000, -76.36000');
  });
  it.each([
    ['image/jpeg', 'picture'],
    ['IMAGE/PNG; x=y', 'picture'],
    ['image/svg+xml', 'file'],
    ['text/html', 'file'],
    ['audio/ogg', 'sound'],
  ])('%s is shown as a %s', (type, kind) => {
    expect(mediaKind({ type })).toBe(kind);
  });
});

describe('a copy', () => {
  const job = { state: 'done', on_drive: true } as ExportJob;
  it('on a drive is one', () => expect(outcome(job)?.words).toBe('export.done_drive'));
  it.each([false, null])('is no second copy when on_drive is %s', (on_drive) => {
    expect(outcome({ ...job, on_drive })?.words).toBe('export.done_same_disk');
  });
  it('that is not finished has no outcome', () => expect(outcome({ ...job, state: 'verifying' })).toBeNull());
});

describe('an invitation', () => {
  const hub = 'ab'.repeat(32);
  it('is read from the fragment', () => expect(readInvitation(`#482913.${hub}`)).toEqual({ code: '482913', hub }));
  it.each(['', '#482913', `#x; rm.${hub}`, `#482913.${hub}0`])('is refused when it is %j', (hash) => {
    expect(readInvitation(hash)).toBeNull();
  });
});
