import { expect, it } from 'vitest';
import { roomOf } from './room';

it('tells when little is left, and does not guess', () => {
  expect(roomOf({ quota: 2e9, usage: 1e9 })).toBe('enough');
  expect(roomOf({ quota: 1e9, usage: 0.98e9 })).toBe('low');
  expect(roomOf({})).toBe('unknown');
  expect(roomOf(undefined)).toBe('unknown');
});
