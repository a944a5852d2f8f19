import { expect, test } from 'vitest';
import type { ExportJob } from '$lib/api/types';
import { mayGo, outcome, secondsLeft } from './export';

const job = (more: Partial<ExportJob>): ExportJob => ({
  id: '1',
  to: '/media/usb',
  path: null,
  state: 'writing',
  phase_bytes: 0,
  phase_bytes_total: 0,
  bytes_per_second: null,
  observations: 0,
  media: 0,
  started_at: '2026-11-22T10:00:00.000Z',
  ended_at: null,
  trouble: null,
  on_drive: null,
  part: null,
  only_new: false,
  also: [], sealed: false,
  kind: null,
  ...more,
});

test('how long it still takes is said once its pace is known', () => {
  expect(secondsLeft(job({ phase_bytes: 20, phase_bytes_total: 100 }))).toBeNull();
  expect(secondsLeft(job({ phase_bytes: 20, phase_bytes_total: 100, bytes_per_second: 8 }))).toBe(10);
  expect(secondsLeft(job({ phase_bytes: 120, phase_bytes_total: 100, bytes_per_second: 8 }))).toBe(0);
  expect(secondsLeft(job({ state: 'done', phase_bytes_total: 100, bytes_per_second: 8 }))).toBeNull();
});

test('a drive may be taken out when all on it was read back, and not before', () => {
  expect(mayGo(job({ state: 'verifying', on_drive: true }))).toBe(false);
  expect(mayGo(job({ state: 'done', on_drive: true }))).toBe(true);
  expect(mayGo(job({ state: 'done', on_drive: false }))).toBe(false);
  expect(mayGo(job({ state: 'failed' }))).toBe(false);
});

test('nothing to copy is no trouble', () => {
  expect(outcome(job({ state: 'nothing' }))).toEqual({ tone: 'ok', words: 'export.nothing' });
});
