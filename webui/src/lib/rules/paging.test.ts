import { describe, expect, it } from 'vitest';
import { observation } from './fixtures';
import { NOTHING, append, begin, change, forget, itemAt, lengthOf, letGo, needOf, refill, unseen, type Pages } from './paging';

const page = (names: string, next: string | null = null) => ({ observations: [...names].map((name) => observation(name)), next });
const read = (list: Pages) =>
  Array.from({ length: lengthOf(list) }, (_, index) => itemAt(list, index)?.doc ?? '·').join('');

const long = append(append(begin(page('abc', 'c')), page('def', 'f')), page('ghi', 'i'));

describe('a list of pages', () => {
  it('is read by places', () => {
    expect(read(long)).toBe('abcdefghi');
    expect(itemAt(long, 9)).toBeUndefined();
    expect(read(NOTHING)).toBe('');
  });

  it('shows nothing twice when news pushed a page down', () => {
    expect(read(append(begin(page('abc', 'c')), page('cde')))).toBe('abcde');
  });

  it('asks for the next page before the reader is there, and for none after the last', () => {
    expect(needOf(long, 0, 3, 5)).toBeNull();
    expect(needOf(long, 0, 4, 5)).toEqual({ after: 'i' });
    expect(needOf(begin(page('abc')), 0, 3, 5)).toBeNull();
    expect(needOf(NOTHING, 0, 0, 5)).toBeNull();
  });

  it('lets go of what is far, keeps its place, and asks for it when it is seen again', () => {
    const far = letGo(long, 8, 9, 1);
    expect(read(far)).toBe('······ghi');
    expect(lengthOf(far)).toBe(9);
    expect(letGo(far, 8, 9, 1)).toBe(far);
    expect(needOf(far, 4, 8, 0)).toEqual({ after: 'c', page: 1, limit: 3 });
    const back = refill(far, 1, page('def', 'f'));
    expect(read(back)).toBe('···defghi');
    expect(needOf(back, 1, 4, 0)).toEqual({ after: null, page: 0, limit: 3 });
  });

  it('never asks for ever for a page that has become empty', () => {
    const empty = refill(letGo(long, 8, 9, 0), 1, page(''));
    expect(lengthOf(empty)).toBe(6);
    expect(needOf(letGo(empty, 5, 6, 0), 4, 6, -10)).toBeNull();
  });

  it('fills again without showing what the neighbours have', () => {
    const far = letGo(long, 8, 9, 0);
    // "d" was changed and moved to the top, so its page now reaches into the next one.
    expect(read(refill(far, 1, page('efg')))).toBe('···efghi');
  });

  it('forgets what changed where nobody looks', () => {
    expect(read(forget(long, new Set(['b', 'h']), 6, 9))).toBe('···defghi');
    expect(read(forget(long, new Set(['b']), 0, 2))).toBe('abcdefghi');
  });

  it('changes in place', () => {
    const deleted = change(long, (item) => (item.doc === 'e' ? { ...item, deleted: true } : item));
    expect(itemAt(deleted, 4)?.deleted).toBe(true);
    expect(deleted.pages[0]).toBe(long.pages[0]);
    expect(change(long, (item) => item)).toBe(long);
  });

  it('counts the news', () => expect(unseen(long, page('xyab').observations)).toBe(2));
});
