import { i18n, t } from '$lib/i18n/i18n.svelte';
import type { Plain } from '$lib/i18n/messages';
import { asText, clip, coordinates, placeOf } from '$lib/rules/observation';

/** How a property and its value are shown. Those that every observation has go by a word of the reader's language. */

const WORDS: Record<string, Plain> = {
  category: 'property.category',
  notes: 'observation.notes',
  observed_at: 'property.observed_at',
  location: 'observation.place',
};

/** Longer values are cut in a history; whole they stand on the observation. */
const LONGEST = 400;

export function wordOf(property: string): string {
  const word = Object.hasOwn(WORDS, property) ? WORDS[property] : undefined;
  return word ? t(word) : property;
}

export function textOf(property: string, value: unknown): string {
  if (property === 'observed_at' && typeof value === 'string') return i18n.speaker.moment(value);
  const where = property === 'location' ? placeOf(value) : null;
  if (!where) return clip(asText(value), LONGEST);
  const accuracy = where.accuracy === undefined ? '' : ` ${t('observation.accuracy', { meters: where.accuracy })}`;
  return coordinates(where) + accuracy;
}
