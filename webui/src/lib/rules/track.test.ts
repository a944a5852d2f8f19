import { describe, expect, it } from 'vitest';
import { REVISION_BYTES } from '$lib/device/limits';
import { SEGMENT_BYTES, bytesOf, durationText, isFull, isNews, metresOfTrack, pointOf, readPoints, walks, type TrackPoint } from './track';

/** A step of so many metres to the north. */
const north = (metres: number, accuracy: number, seconds: number): TrackPoint => pointOf(-6.48 + metres / 111_195, -76.36, accuracy, seconds);

describe('the points of a track', () => {
  it('are those that tell something new', () => {
    expect(isNews(north(0, 8, 0), undefined)).toBe(true);
    expect(isNews(north(0, 90, 0), undefined)).toBe(false);
    const last = north(0, 8, 0);
    expect(isNews(north(3, 8, 5), last)).toBe(false);
    expect(isNews(north(6, 8, 5), last)).toBe(true);
    expect(isNews(north(6, 30, 5), north(0, 30, 0))).toBe(false);
    expect(isNews(north(0, 8, 61), last)).toBe(true);
    expect(isNews(north(60, 8, 0), last), 'a clock that stood or went back').toBe(false);
  });

  it('have few digits, all of them finite', () => {
    expect(pointOf(-6.48012345, -76.361, 7.6, 12.4)).toEqual([-76.361, -6.480123, 8, 12]);
  });

  it('add up to a length', () => {
    expect(metresOfTrack([north(0, 8, 0), north(50, 8, 10), north(120, 8, 20)])).toBeCloseTo(120, 0);
    expect(metresOfTrack([])).toBe(0);
  });

  it('are read as far as they are some', () => {
    expect(readPoints([[1, 2, 3, 4], [1, 2], 'x', [999, 0, 0, 0], [1, 2, null, 4]])).toEqual([[1, 2, 3, 4]]);
    expect(readPoints('none')).toEqual([]);
  });
});

describe('a long track', () => {
  const day = Array.from({ length: 8000 }, (_, n) => north(n * 7, 12, n * 6));

  it('is cut before a revision cannot hold it', () => {
    const offered = { bytes: 0, times: 0 };
    const cut = day.findIndex((_, n) => n % 50 === 0 && isFull(day.slice(0, n), offered));
    expect(cut).toBeGreaterThan(3000);
    expect(bytesOf(day.slice(0, cut))).toBeLessThan(SEGMENT_BYTES + 5000);
    expect(SEGMENT_BYTES + 5000).toBeLessThan(REVISION_BYTES);
  });

  it('is cut before a hub has had too much of one document', () => {
    expect(isFull(day.slice(0, 9), { bytes: 3e6, times: 20 })).toBe(true);
    expect(isFull(day.slice(0, 9), { bytes: 3e4, times: 500 })).toBe(true);
    expect(isFull(day.slice(0, 9), { bytes: 3e4, times: 20 })).toBe(false);
  });
});

it('a duration is read at a glance', () => {
  expect([5, 65, 3600, 11_100, -3].map(durationText)).toEqual(['0:05 min', '1:05 min', '1:00 h', '3:05 h', '0:00 min']);
});

describe('the documents of a walk', () => {
  const part = (doc: string, continues?: string) => ({ doc, set: { ...(continues && { continues }) } });
  const docs = (...parts: ReturnType<typeof part>[]) => walks(parts).map((walk) => walk.map(({ doc }) => doc).join(' '));

  it('are one, from its first to its last, whatever order they come in', () => {
    expect(docs(part('c', 'b'), part('x'), part('a'), part('b', 'a'))).toEqual(['a b c', 'x']);
    expect(docs(part('b', 'a'), part('c', 'b'), part('a'))).toEqual(['a b c']);
  });
  it('without their beginning are still a walk', () => expect(docs(part('b', 'gone'), part('c', 'b'))).toEqual(['b c']));
  it('that two phones went on with are all shown', () => expect(docs(part('a'), part('b', 'a'), part('c', 'a'))).toEqual(['a b c']));
  it('in a circle are each shown once', () => {
    for (const parts of [[part('a', 'a')], [part('a', 'b'), part('b', 'a')], [part('a', 'c'), part('b', 'a'), part('c', 'b'), part('d', 'c')]]) {
      expect(walks(parts).flat().map(({ doc }) => doc).toSorted()).toEqual(parts.map(({ doc }) => doc));
    }
  });
});
