import { expect, it } from 'vitest';
import { observation } from '$lib/rules/fixtures';
import { i18n } from '$lib/i18n/i18n.svelte';
import { known } from './known.svelte';

const logging = observation('a', { set: { category: 'logging' } });

it('calls what the hub does not know by the set that phones begin with, and by its key where nobody knows it', async () => {
  expect([i18n.speaker.language, known.word(logging)]).toEqual(['es', 'logging']);
  await known.fetchDefaults();
  expect(known.word(logging)).toBe('Tala');
  expect(known.wordOf('nobody-knows')).toBe('nobody-knows');
  const set = { key: 'logging', name: { es: 'Corte' } };
  known.presets = [{ doc: 'd', heads: [], state: 'whole', set, changed_at: '' }];
  expect(known.word(logging)).toBe('Corte');
  expect(known.of(logging)).toEqual(set);
});
