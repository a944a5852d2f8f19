import { describe, expect, it } from 'vitest';
import { sayAway } from './away';
import { daysAgo } from './fixtures';

const one = (fields: object) => sayAway({ device: 'a'.repeat(64), name: 'Rosa', code: 'wrong_code', at: daysAgo(0), times: 1, ...fields });

describe('a device that could not come in', () => {
  it('is named, with what to do', () => {
    expect(one({})).toEqual({
      what: { id: 'away.named', values: { name: 'Rosa', when: { ago: daysAgo(0) } } },
      advice: { id: 'away.wrong_code' },
    });
  });

  it('has no name that nobody gave, and no reason is left without a word', () => {
    const { what, advice } = one({ name: null, code: 'something_new' });
    expect(what.id).toBe('away.unnamed');
    expect(advice.id).toBe('away.session_missing');
  });
});
