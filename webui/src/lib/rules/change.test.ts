import { describe, expect, it } from 'vitest';
import type { Attachment } from '$lib/api/types';
import { canTakeBack, effectOf, isSame, sortOf, stepsOf, undoing, type Effect, type Writing } from './change';
import { observation } from './fixtures';

const photo: Attachment = { hash: 'aa', name: 'a.jpg', type: 'image/jpeg', size: 1, held: true };
const effect = (fields: Partial<Effect>): Effect => ({ properties: {}, attached: [], detached: [], ...fields });

describe('values', () => {
  it('are the same whatever the order of their members', () => {
    expect(isSame({ lat: 1, lon: [2, null] }, { lon: [2, null], lat: 1 })).toBe(true);
    for (const [a, b] of [[1, '1'], [null, undefined], [[], {}], [{ a: undefined }, { b: undefined }], [[1], [1, 2]]]) {
      expect(isSame(a, b)).toBe(false);
    }
  });
});

describe('a change', () => {
  const change = effect({
    properties: { notes: { before: 'a', after: 'b' }, category: { after: 'fish' }, who: { before: 'x' }, same: { before: 1, after: 1 } },
    attached: [photo],
    detached: [{ ...photo, hash: 'bb' }],
  });

  it('tells only what is different', () => {
    expect(stepsOf(change).map(([name]) => name)).toEqual(['category', 'notes', 'who']);
  });

  it('tells null from nothing', () => {
    expect(stepsOf(effect({ properties: { a: { after: null } } }))).toHaveLength(1);
  });

  it('has a word', () => {
    expect(sortOf(change, true)).toBe('recorded');
    expect(sortOf(change, false)).toBe('changed');
    expect(sortOf(effect({ deleted: true }), false)).toBe('deleted');
    expect(sortOf(effect({ deleted: false }), false)).toBe('restored');
    expect(sortOf(effect({ properties: { same: { before: 1, after: 1 } } }), false)).toBe('same');
  });

  it('is undone by what stood before it', () => {
    expect(undoing({ ...change, deleted: true })).toEqual({
      set: { notes: 'a', who: 'x' },
      unset: ['category'],
      attach: [{ hash: 'bb', name: 'a.jpg', type: 'image/jpeg', size: 1 }],
      detach: ['aa'],
      deleted: false,
    });
  });

  it('can be taken back while all of it stands, and no longer', () => {
    const now = observation('1', { set: { notes: 'b', category: 'fish', same: 1 }, attachments: [photo] });
    expect(canTakeBack(change, false, now)).toBe(true);
    expect(canTakeBack(change, true, now)).toBe(false);
    expect(canTakeBack(change, false, { ...now, set: { ...now.set, notes: 'c' } })).toBe(false);
    expect(canTakeBack(change, false, { ...now, set: { ...now.set, who: 'y' } })).toBe(false);
    expect(canTakeBack(change, false, { ...now, attachments: [] })).toBe(false);
    expect(canTakeBack(change, false, { ...now, conflicts: { notes: [] } })).toBe(false);
    expect(canTakeBack(effect({ deleted: true }), false, now)).toBe(false);
    expect(canTakeBack(effect({ deleted: true }), false, { ...now, deleted: true })).toBe(true);
  });
});

describe('an edit', () => {
  it('is undone to what was there', () => {
    const now = observation('1', { set: { notes: 'a', odd: null }, attachments: [photo] });
    const edits: Writing[] = [
      { set: { notes: 'b', fresh: 1 } },
      { unset: ['notes', 'odd'] },
      { detach: ['aa'] },
      { deleted: true },
    ];
    expect(edits.map((edit) => undoing(effectOf(edit, now)))).toEqual([
      { set: { notes: 'a' }, unset: ['fresh'], attach: [], detach: [] },
      { set: { notes: 'a', odd: null }, unset: [], attach: [], detach: [] },
      { set: {}, unset: [], attach: [{ hash: 'aa', name: 'a.jpg', type: 'image/jpeg', size: 1 }], detach: [] },
      { set: {}, unset: [], attach: [], detach: [], deleted: false },
    ]);
  });
});
