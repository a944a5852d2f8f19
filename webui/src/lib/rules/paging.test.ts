import { describe, expect, it } from 'vitest';
import type { ObservationPage } from '$lib/api/types';
import { observation } from './fixtures';
import {
  NOTHING, begin, change, fill, forget, hasMore, itemAt, lengthOf, letGo, needOf, stretchTo, unseen, type Need, type Pages,
} from './paging';

const sizes = { page: 3, longest: 3, ahead: 0 };

/** A hub that has one observation for each letter. */
const hub = (docs: string) => (question: Need['question']): ObservationPage => {
  const all = question.order === 'oldest' ? [...docs].reverse() : [...docs];
  const from = question.after === undefined ? (question.skip ?? 0) : all.indexOf(question.after) + 1;
  const names = all.slice(from, from + question.limit);
  const more = from + names.length < all.length;
  return {
    observations: names.map((name) => observation(name)),
    next: more ? (names.at(-1) ?? null) : null,
    previous: names[0] ?? null,
  };
};

const ABC = 'abcdefghijklmnopqrstuvwxyz';
const asked = (docs = ABC) => stretchTo(begin(hub(docs)({ limit: 3 })), docs.length);
const read = (list: Pages) =>
  Array.from({ length: lengthOf(list) }, (_, index) => itemAt(list, index)?.doc ?? '·').join('');

/** Fetches until whoever sees these places has them. */
function look(list: Pages, start: number, end: number, answer = hub(ABC), calls: Need[] = []): Pages {
  for (let need = needOf(list, start, end, sizes); need; need = needOf(list, start, end, sizes)) {
    calls.push(need);
    if (calls.length > 100) throw new Error('it asks for ever');
    list = fill(list, need, answer(need.question));
  }
  return list;
}

describe('a long list', () => {
  it('is as long as the hub counts, and has what was fetched', () => {
    expect(read(asked())).toBe(`abc${'·'.repeat(23)}`);
    expect(itemAt(asked(), 26)).toBeUndefined();
    expect(read(NOTHING)).toBe('');
    expect(needOf(NOTHING, 0, 0, sizes)).toBeNull();
  });

  it('without a count it grows as somebody reads', () => {
    let list = begin(hub(ABC)({ limit: 3 }));
    expect([lengthOf(list), hasMore(list)]).toEqual([3, true]);
    expect(needOf(list, 0, 2, sizes)).toBeNull();
    list = look(list, 0, 4);
    expect([read(list), hasMore(list)]).toEqual(['abcdef', true]);
    for (let at = 6; hasMore(list); at += 3) list = look(list, at - 1, at);
    expect(read(list)).toBe(ABC);
  });

  it('is filled from above by a cursor, ahead of the reader', () => {
    const need = needOf(asked(), 0, 2, { ...sizes, ahead: 2 });
    expect(need).toEqual({ at: 1, side: 'above', question: { after: 'c', limit: 3 } });
    expect(read(look(asked(), 0, 5)).slice(0, 7)).toBe('abcdef·');
  });

  it('shows the oldest at its end, without what lies between', () => {
    const calls: Need[] = [];
    const list = look(asked(), 24, 26, hub(ABC), calls);
    expect(read(list)).toBe(`abc${'·'.repeat(20)}xyz`);
    expect(calls).toEqual([{ at: 1, side: { inside: 20 }, question: { order: 'oldest', skip: 0, limit: 3 } }]);
    expect(hasMore(list)).toBe(false);
  });

  it('is jumped into from the nearer end, and read on from there both ways by cursors', () => {
    const calls: Need[] = [];
    let list = look(asked(), 9, 12, hub(ABC), calls);
    expect(read(list)).toBe('abc······jkl··············');
    expect(calls[0]?.question).toEqual({ skip: 9, limit: 3 });
    list = look(list, 12, 14, hub(ABC), calls);
    list = look(list, 7, 9, hub(ABC), calls);
    expect(read(list)).toBe('abc···ghijklmno···········');
    expect(calls.slice(1).map(({ question }) => question)).toEqual([
      { after: 'l', limit: 3 },
      { after: 'j', order: 'oldest', limit: 3 },
    ]);
    list = look(list, 18, 20, hub(ABC), calls);
    expect(calls.at(-1)?.question).toEqual({ order: 'oldest', skip: 6, limit: 3 });
    expect(read(list)).toBe('abc···ghijklmno··rst······');
  });

  it('is whole and in order, wherever somebody looks', () => {
    for (let seed = 1; seed < 200; seed += 1) {
      let list = asked();
      for (let step = 1; step < 12; step += 1) {
        const start = (seed * 7919 + step * step * 31) % 25;
        const end = Math.min(26, start + 1 + (seed % 5));
        list = look(list, start, end);
        if (seed % 3 === 0) list = letGo(list, start, start + 2, 4);
        const text = read(list);
        expect(text).toHaveLength(26);
        for (const [at, letter] of [...text].entries()) expect(letter === '·' || letter === ABC[at]).toBe(true);
        expect(text.slice(start, end)).toBe(ABC.slice(start, end));
      }
    }
  });

  it('shows nothing twice when the hub has fewer or more than it counted', () => {
    for (const [counted, docs] of [[26, 'abcdefghij'], [10, ABC], [26, 'abcd'], [4, ABC]] as const) {
      let list = stretchTo(begin(hub(docs)({ limit: 3 })), counted);
      for (const start of [20, 5, 9, 0, 3, 14, 2, 7]) list = look(list, Math.min(start, lengthOf(list)), start + 3, hub(docs));
      const names = read(list).replaceAll('·', '');
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it('lets go of what is far, keeps its place, and asks for it when it is seen again', () => {
    const list = look(look(asked(), 0, 9), 9, 12);
    expect(read(list).slice(0, 13)).toBe('abcdefghijkl·');
    const far = letGo(list, 10, 11, 0);
    expect(read(far)).toBe(`·········jkl${'·'.repeat(14)}`);
    expect(letGo(far, 10, 11, 0)).toBe(far);
    expect(read(look(far, 7, 9)).slice(5, 13)).toBe('·ghijkl·');
    expect(read(look(far, 0, 2)).slice(0, 4)).toBe('abc·');
  });

  it('forgets what changed where nobody looks', () => {
    const list = look(asked(), 0, 9);
    expect(read(forget(list, new Set(['b', 'h']), 6, 9)).slice(0, 9)).toBe('···defghi');
    expect(forget(list, new Set(['b']), 0, 2)).toBe(list);
  });

  it('changes in place', () => {
    const list = look(asked(), 0, 6);
    const deleted = change(list, (item) => (item.doc === 'e' ? { ...item, deleted: true } : item));
    expect(itemAt(deleted, 4)?.deleted).toBe(true);
    expect(deleted.stretches[0]).toBe(list.stretches[0]);
    expect(change(list, (item) => item)).toBe(list);
  });

  it('counts the news, also for who is far below', () => {
    const newest = hub(`01${ABC}`)({ limit: 4 }).observations;
    expect(unseen(asked(), newest)).toBe(2);
    expect(unseen(letGo(look(asked(), 20, 22), 20, 22, 1), newest)).toBe(2);
  });
});
