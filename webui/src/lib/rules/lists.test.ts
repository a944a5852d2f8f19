import { describe, expect, it } from 'vitest';
import type { ExportJob } from '$lib/api/types';
import { observation } from './fixtures';
import { KEEP, absorb, append, markHeld, namesOther, putDevice, putJob, replace, unseen, type Shown } from './lists';
import { device } from './fixtures';

const docs = (shown: Shown) => shown.items.map(({ doc }) => doc).join('');
const items = (names: string) => [...names].map((name) => observation(name));
const page = (names: string, next: string | null = null) => ({ observations: items(names), next, total: 99 });

describe('the list of observations', () => {
  it('takes news on top and keeps what was loaded below', () => {
    const shown = { items: items('cdefg'), next: 'after g' };
    expect(docs(absorb(shown, page('abcd', 'after d')))).toBe('abcdefg');
    expect(absorb(shown, page('abcd', 'after d')).next).toBe('after g');
  });

  it('moves what changed to where the hub has it', () => {
    expect(docs(absorb({ items: items('abcd'), next: null }, page('cab')))).toBe('cabd');
  });

  it('starts over rather than hiding a gap', () => {
    expect(absorb({ items: items('xyz'), next: 'after z' }, page('abc', 'after c'))).toEqual({ items: items('abc'), next: 'after c' });
  });

  it('does not grow for ever', () => {
    const many = Array.from({ length: KEEP }, (_, index) => observation(`old ${index}`));
    const shown = absorb({ items: many, next: null }, { observations: [observation('new'), many[0]!], next: 'n', total: 1 });
    expect(shown).toMatchObject({ next: 'n', items: [{ doc: 'new' }, { doc: 'old 0' }] });
  });

  it('shows nothing twice when news pushed a page down', () => {
    expect(docs(append({ items: items('abc'), next: 'x' }, page('cde')))).toBe('abcde');
  });

  it('changes an observation in its place', () => {
    const changed = replace({ items: items('abc'), next: null }, observation('b', { deleted: true }));
    expect(changed.items.map(({ deleted }) => deleted)).toEqual([false, true, false]);
  });

  it('counts what is held back', () => expect(unseen({ items: items('cd'), next: null }, page('abc'))).toBe(2));
});

describe('photos that arrive', () => {
  const waiting = { hash: 'h', name: 'a.jpg', type: 'image/jpeg', size: 1, held: false };
  const shown = { items: [observation('a'), observation('b', { attachments: [waiting] })], next: null };

  it('appear where they were waited for', () => {
    expect(markHeld(shown, ['h']).items[1]?.attachments[0]?.held).toBe(true);
  });
  it('leave the list alone when nobody waited', () => expect(markHeld(shown, ['other'])).toBe(shown));
});

describe('devices', () => {
  it('are replaced by id and added when new', () => {
    const list = putDevice([device({ id: '1' })], device({ id: '2' }));
    expect(putDevice(list, device({ id: '1', name: 'Luis' })).map(({ name }) => name)).toEqual(['Rosa', 'Luis']);
  });
});

describe('exports', () => {
  const begun: ExportJob = {
    id: 'a', to: '/x', path: null, state: 'writing', phase_bytes: 0, phase_bytes_total: 0, observations: 0, media: 0,
    started_at: '2026-11-21T05:28:00.000Z', ended_at: null, trouble: null, on_drive: null, part: null, only_new: false, also: [], sealed: false, kind: null, bytes_per_second: null,
  };
  const failed: ExportJob = { ...begun, state: 'failed', ended_at: '2026-11-21T05:28:01.000Z' };

  it('that have failed stay so when the answer that began them comes late', () => {
    expect(putJob(putJob([], failed), begun)).toEqual([failed]);
    expect(putJob(putJob([], begun), failed)).toEqual([failed]);
  });
});

describe('names in an event', () => {
  it('are of observations, or else of what is no observation', () => {
    expect(namesOther(new Set(), items('abc'))).toBe(false);
    expect(namesOther(new Set('ab'), items('abc'))).toBe(false);
    expect(namesOther(new Set('abx'), items('abc'))).toBe(true);
  });

  it('are not all there where the hub leaves some out', () => {
    const many = Array.from({ length: 50 }, (_, index) => observation(`${index}`));
    expect(namesOther(new Set(many.map(({ doc }) => doc)), many)).toBe(true);
  });
});
