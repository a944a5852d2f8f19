import { describe, expect, it } from 'vitest';
import { PRESETS, dayOf, isDay, midnight, presetOf, presetSpan } from './dates';
import type { Area, Corner } from './area';
import { NO_FILTER, SORTS, VIEWS, activeCount, asQuestion, readShape, writeShape, type Filter, type Shape } from './filter';

const PERSON = 'ab'.repeat(32);

/** A generator with a seed, so that a failure can be had again. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

const TEXTS = ['logging', '', 'a&b=c', 'río + selva %', '  two  words ', '¿minería?', '日本', '<script>', '#1', 'x,y', '🌳'];

function anyArea(roll: (sides: number) => number): Area {
  const corner = (): Corner => [(roll(3_600_001) - 1_800_000) / 10_000, (roll(1_800_001) - 900_000) / 10_000];
  const ring = () => Array.from({ length: 3 + roll(4) }, corner);
  const polygons = Array.from({ length: 1 + roll(2) }, () => Array.from({ length: 1 + roll(2) }, ring));
  return roll(2) ? { polygons, off: 1 + roll(900) } : { polygons };
}

function anyShape(roll: (sides: number) => number): Shape {
  const text = () => TEXTS[roll(TEXTS.length)] ?? '';
  const some = () => roll(2) === 1;
  const filter: Filter = { photo: some(), conflict: some(), notOnDrive: some() };
  const days = ['2024-02-29', '2025-12-31', '2026-11-21'].slice(roll(3));
  if (some()) filter.from = days[0];
  if (some()) filter.to = days.at(-1);
  if (some()) filter.category = text();
  if (some()) filter.person = PERSON;
  const q = text();
  if (q.trim()) filter.q = q;
  if (some()) filter.bbox = [roll(360) - 180, roll(91) - 90, roll(3600) / 10 - 180, roll(91)];
  if (some()) filter.within = anyArea(roll);
  return { filter, view: VIEWS[roll(VIEWS.length)] ?? 'list', sort: SORTS[roll(2)] ?? 'received' };
}

describe('a filter', () => {
  it('goes into the address and comes back the same', () => {
    for (let seed = 0; seed < 500; seed += 1) {
      const shape = anyShape(dice(seed));
      const search = writeShape(shape);
      expect(readShape(search), `seed ${seed}: ${search}`).toEqual(shape);
      expect(writeShape(readShape(search))).toBe(search);
    }
  });

  it('says nothing of what is so anyway', () => {
    expect(writeShape({ filter: NO_FILTER, view: 'list', sort: 'received' })).toBe('');
    expect(readShape('')).toEqual({ filter: NO_FILTER, view: 'list', sort: 'received' });
  });

  it('has readable names', () => {
    const filter: Filter = { photo: true, conflict: true, notOnDrive: true, from: '2026-11-01', q: 'río', bbox: [-77, -7, -76, -6] };
    expect(writeShape({ filter, view: 'both', sort: 'observed' })).toBe(
      '?from=2026-11-01&has=media,conflict&exported=no&q=r%C3%ADo&bbox=-77,-7,-76,-6&sort=observed&view=both',
    );
  });

  it.each([
    '?from=yesterday', '?to=2026-02-30', '?person=Rosa', '?has=luck', '?exported=yes', '?q=%20%20', '?bbox=1,2,3',
    '?bbox=1,2,,4', '?bbox=1,91,2,92', '?bbox=1,5,2,4', '?within=1%202,3%204', '?within=x', '?off=30', '?bbox=a,b,c,d', '?view=carousel', '?sort=random', '?%E0%A4%A', '?other=1',
  ])('leaves out what it does not understand: %s', (search) => {
    expect(readShape(search)).toEqual({ filter: NO_FILTER, view: 'list', sort: 'received' });
  });

  it('takes a span that was named backwards', () => {
    expect(readShape('?from=2026-11-21&to=2026-11-01').filter).toMatchObject({ from: '2026-11-01', to: '2026-11-21' });
  });

  it('tells "without a category" from "any category"', () => {
    expect(readShape('?category=').filter.category).toBe('');
    expect(readShape('?category=').filter).not.toEqual(NO_FILTER);
    expect(asQuestion({ ...NO_FILTER, category: '' })).toEqual({ category: '' });
  });

  it('asks the hub for whole days by the clock of this place', () => {
    const { from, to } = asQuestion({ ...NO_FILTER, from: '2026-11-01', to: '2026-11-01' });
    expect(new Date(from ?? '').getHours()).toBe(0);
    expect(dayOf(new Date(from ?? ''))).toBe('2026-11-01');
    expect(dayOf(new Date(to ?? ''))).toBe('2026-11-02');
    expect(new Date(to ?? '').getHours()).toBe(0);
  });

  it('asks nothing when nothing is wanted', () => expect(asQuestion(NO_FILTER)).toEqual({}));

  it('counts what is asked for', () => {
    expect(activeCount(NO_FILTER)).toBe(0);
    expect(activeCount({ ...NO_FILTER, from: '2026-11-01', to: '2026-11-02', photo: true, category: '' })).toBe(3);
    expect(activeCount({ ...NO_FILTER, within: { polygons: [[[[1, 2], [3, 2], [3, 4]]]], off: 30 } })).toBe(1);
  });
});

describe('days', () => {
  it.each(['2026-11-21', '2024-02-29', '0099-01-01'])('%s is one', (day) => {
    expect(isDay(day)).toBe(true);
    expect(dayOf(midnight(day) ?? new Date(0))).toBe(day);
  });
  it.each(['', '2026-2-1', '2025-02-29', '2026-13-01', '2026-11-21T00:00', 'today'])('%j is none', (day) => expect(isDay(day)).toBe(false));

  it('are counted by the calendar, over the ends of months and years', () => {
    expect(dayOf(midnight('2026-12-31', 1) ?? new Date(0))).toBe('2027-01-01');
    expect(dayOf(midnight('2024-03-01', -1) ?? new Date(0))).toBe('2024-02-29');
    for (let days = 0; days < 800; days += 1) {
      const there = dayOf(midnight('2025-01-01', days) ?? new Date(0));
      expect(dayOf(midnight(there, -days) ?? new Date(0))).toBe('2025-01-01');
    }
  });
});

describe('presets', () => {
  const TODAY = '2026-03-05';

  it('begin on their day', () => {
    expect(PRESETS.map((preset) => presetSpan(preset, TODAY).from)).toEqual([
      '2026-03-05', '2026-02-27', '2026-02-04', '2026-01-01', undefined,
    ]);
  });

  it.each(PRESETS)('%s is known again', (preset) => expect(presetOf(presetSpan(preset, TODAY), TODAY)).toBe(preset));

  it('are none of a span that somebody chose', () => {
    expect(presetOf({ from: '2026-03-01' }, TODAY)).toBeNull();
    expect(presetOf({ from: TODAY, to: TODAY }, TODAY)).toBeNull();
    expect(presetOf({ to: TODAY }, TODAY)).toBeNull();
  });

  it('are the nearest where two are the same', () => expect(presetOf({ from: '2026-01-01' }, '2026-01-01')).toBe('today'));
});
