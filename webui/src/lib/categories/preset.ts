import type { Preset, PresetField, PresetSet } from '$lib/api/types';

/** Categories: what they are called, in which order they stand, and what a form makes of them. Pure. */

/** Texts by language. */
export type Said = Record<string, string>;

/**
 * What is said in the reader's language; else in the same language from elsewhere, in Spanish, in English, or in whichever
 * there is. Anything at all may stand there that another program wrote.
 */
export function saidIn(said: unknown, language: string): string {
  if (typeof said !== 'object' || said === null) return '';
  const texts = Object.entries(said).filter((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '');
  const base = (code: string) => code.toLowerCase().split('-')[0];
  const found =
    texts.find(([code]) => code.toLowerCase() === language.toLowerCase()) ??
    texts.find(([code]) => base(code) === base(language)) ??
    texts.find(([code]) => base(code) === 'es') ??
    texts.find(([code]) => base(code) === 'en') ??
    texts[0];
  return found?.[1] ?? '';
}

/** Writes `text` in `language` over what was said, and leaves the other languages alone. */
export function saying(said: Said, language: string, text: string): Said {
  const { [language]: _, ...others } = said;
  return text.trim() ? { ...others, [language]: text.trim() } : others;
}

export const nameOf = (set: PresetSet, language: string): string => saidIn(set.name, language) || set.key;

/** The categories that are offered for new observations. */
export const offered = (presets: Preset[]): Preset[] => presets.filter(({ set }) => !set.retired);

/** The category that observations with this key belong to. */
export const presetOf = (presets: Preset[], key: string): Preset | undefined => presets.find(({ set }) => set.key === key);

/** A key out of a name: what stands in the observations, in exports and in addresses, so letters and digits only. */
export function keyFrom(name: string, taken: string[]): string {
  const plain = name
    .normalize('NFD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 40);
  const base = plain || 'category';
  for (let n = 1; ; n += 1) {
    const key = n === 1 ? base : `${base}-${n}`;
    if (!taken.includes(key)) return key;
  }
}

/**
 * The numbers by which `moved` stands one place further up or down; only those that change. Numbers between their neighbours,
 * so that two people who move different ones do not undo each other.
 */
export function moving(presets: Preset[], moved: Preset, by: -1 | 1): { preset: Preset; order: number }[] {
  const at = presets.indexOf(moved);
  const to = at + by;
  if (at < 0 || to < 0 || to >= presets.length) return [];
  const order = (index: number) => presets[index]?.set.order;
  const [near, far] = [order(to), order(to + by)];
  const between = typeof near !== 'number' ? null : typeof far === 'number' ? (near + far) / 2 : near + by;
  if (between !== null && between !== near && between !== far) return [{ preset: moved, order: between }];
  // Two that never had numbers, or the same: all get new ones.
  const sorted = presets.toSpliced(at, 1).toSpliced(to, 0, moved);
  return sorted.map((preset, index) => ({ preset, order: index + 1 })).filter(({ preset, order: now }) => preset.set.order !== now);
}

/** The number that puts a new one at the end. */
export function lastOrder(presets: Preset[]): number {
  return Math.floor(Math.max(0, ...presets.map(({ set }) => (typeof set.order === 'number' ? set.order : 0)))) + 1;
}

/** What is different in `after`: what an edit writes. */
export function changesOf(before: PresetSet, after: PresetSet): { set: Record<string, unknown>; unset: string[] } {
  const was = before as unknown as Record<string, unknown>;
  const now = Object.entries(after).filter(([, value]) => value !== undefined);
  const set = Object.fromEntries(now.filter(([name, value]) => JSON.stringify(was[name]) !== JSON.stringify(value)));
  return { set, unset: Object.keys(was).filter((name) => !now.some(([kept]) => kept === name)) };
}

export const isChoice = ({ type }: PresetField): boolean => type === 'one' || type === 'many';

/** The answer to a question, as a reader reads it: labels instead of values. */
export function answerOf(field: PresetField, value: unknown, language: string): string | null {
  const label = (one: unknown) => {
    const option = field.options?.find((option) => option.value === one);
    return option ? saidIn(option.label, language) || String(one) : String(one);
  };
  if (field.type === 'many' && Array.isArray(value)) return value.map(label).join(', ');
  if (field.type === 'one' && typeof value === 'string') return label(value);
  return null;
}
