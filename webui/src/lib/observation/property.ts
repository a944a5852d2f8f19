import type { PresetField } from '$lib/api/types';
import { known } from '$lib/categories/known.svelte';
import { answerOf, saidIn } from '$lib/categories/preset';
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

/** What a property is called: by the page, else by the question of the observation's category, else as it was written. */
export function wordOf(property: string, asked?: PresetField[]): string {
  const word = Object.hasOwn(WORDS, property) ? WORDS[property] : undefined;
  if (word) return t(word);
  const question = asked?.find(({ key }) => key === property);
  return (question && saidIn(question.label, i18n.speaker.language)) || property;
}

export function textOf(property: string, value: unknown, asked?: PresetField[]): string {
  if (property === 'category' && typeof value === 'string') return clip(known.wordOf(value), LONGEST);
  const question = asked?.find(({ key }) => key === property);
  const answer = question ? answerOf(question, value, i18n.speaker.language) : null;
  if (answer !== null) return clip(answer, LONGEST);
  if (property === 'observed_at' && typeof value === 'string') return i18n.speaker.moment(value);
  const where = property === 'location' ? placeOf(value) : null;
  if (!where) return clip(asText(value), LONGEST);
  const accuracy = where.accuracy === undefined ? '' : ` ${t('observation.accuracy', { meters: where.accuracy })}`;
  return coordinates(where) + accuracy;
}
