import { describe, expect, it } from 'vitest';
import type { KnownHub, Local } from '$lib/device/device';
import { foremost, hindmost, standings, type Said } from './standing';

const AT = '2026-11-21T10:00:00.000Z';
const hub = (id: string) => ({ id, name: `Hub ${id}`, receipt: { receipt: { at: AT } } as KnownHub['receipt'] });
const local = (fields: Partial<Local> = {}): Local => ({ doc: 'd', kind: 'observation', version: 2, versionSynced: {}, ...fields });
const said = (fields: Partial<Said> = {}): Said => ({ local: local(), hubs: [hub('a')], talking: [], parked: [], wanted: [], ...fields });
const word = (fields: Partial<Said>) => foremost(standings(said(fields)))?.state ?? null;
const parked = (by: string) => ({ by, place: 1, doc: 'd', code: 'too_large', detail: 'too large' });
const draft = { place: 1, parents: [], createdAt: 0, set: {}, unset: [], attach: [], detach: [], deleted: false };

describe('where a document is', () => {
  it('is only here until a hub was offered it', () => {
    expect(word({ hubs: [] })).toBe('here');
    expect(word({})).toBe('here');
    expect(word({ local: local({ draft }) })).toBe('here');
  });

  it('is on its way while a hub is talked to, and while a part of it is missing there', () => {
    expect(word({ talking: ['a'] })).toBe('moving');
    expect(word({ local: local({ versionSynced: { a: 1 } }) })).toBe('moving');
    expect(word({ local: local({ versionSynced: { a: 2 } }), wanted: [{ hub: 'a', hash: 'h' }] })).toBe('moving');
    expect(word({ wanted: [{ hub: 'a', hash: 'h', offset: 5 }] })).toBe('moving');
  });

  it('is on the hub once all of it was acknowledged', () => {
    const held = foremost(standings(said({ local: local({ versionSynced: { a: 2 } }) })));
    expect(held).toMatchObject({ state: 'held', hub: 'a', name: 'Hub a', at: AT });
  });

  it('is not, once it was edited again', () => {
    expect(word({ local: local({ version: 3, versionSynced: { a: 2 }, draft }) })).toBe('moving');
  });

  it('is refused by a hub, by this phone, or for one of its files; with the reason', () => {
    expect(word({ parked: [parked('a')] })).toBe('refused');
    expect(foremost(standings(said({ parked: [parked('me')] })))).toMatchObject({ state: 'refused', hub: null, why: { code: 'too_large' } });
    const refused = { code: 'media_too_large', detail: 'no' };
    expect(foremost(standings(said({ wanted: [{ hub: 'a', hash: 'h', refused }] })))?.why).toEqual(refused);
  });

  it('is told for each hub, what needs somebody first', () => {
    const two = said({ hubs: [hub('a'), hub('b')], local: local({ versionSynced: { a: 2 } }) });
    expect(standings(two)?.map(({ state }) => state)).toEqual(['held', 'here']);
    expect(foremost(standings(two))?.state).toBe('held');
    expect(foremost(standings({ ...two, parked: [parked('b')] }))?.state).toBe('refused');
  });

  it('is nothing to be told of what others wrote', () => {
    expect(word({ local: undefined })).toBeNull();
    expect(word({ local: local({ version: 0 }) })).toBeNull();
  });
});

it('is told of a walk of several documents by what lacks most', () => {
  const at = (state: 'here' | 'moving' | 'held' | 'refused') => ({ state, hub: 'a', name: 'Hub a', at: null, why: null });
  expect(hindmost([at('held'), at('moving'), at('held')])?.state).toBe('moving');
  expect(hindmost([at('held'), at('here'), at('moving')])?.state).toBe('here');
  expect(hindmost([at('here'), at('refused')])?.state).toBe('refused');
  expect(hindmost([at('held'), null])?.state).toBe('held');
  expect(hindmost([null, null])).toBeNull();
});
