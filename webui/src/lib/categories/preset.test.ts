import { describe, expect, it } from 'vitest';
import type { Preset, PresetField, PresetSet } from '$lib/api/types';
import { answerOf, changesOf, keyFrom, lastOrder, moving, nameOf, saidIn, saying } from './preset';

const preset = (key: string, order?: number, set: Partial<PresetSet> = {}): Preset => ({
  doc: key,
  heads: [key],
  state: 'whole',
  changed_at: '',
  set: { key, name: { es: key }, order, ...set } as PresetSet,
});

describe('what is said', () => {
  it('is said in the reader’s language, or the nearest', () => {
    const name = { es: 'Nido', 'pt-BR': 'Ninho', en: 'Nest' };
    expect(['es', 'pt-BR', 'pt', 'en-GB', 'fr', 'qu'].map((language) => saidIn(name, language))).toEqual([
      'Nido', 'Ninho', 'Ninho', 'Nest', 'Nido', 'Nido',
    ]);
    expect(saidIn({ qu: 'Qisa' }, 'fr')).toBe('Qisa');
    expect([saidIn(null, 'es'), saidIn({ es: 7 }, 'es'), saidIn('Nido', 'es')]).toEqual(['', '', '']);
    expect(nameOf(preset('nest', 1, { name: {} }).set, 'es')).toBe('nest');
  });

  it('is written over in one language', () => {
    expect(saying({ es: 'Nido', en: 'Nest' }, 'es', ' Nidal ')).toEqual({ es: 'Nidal', en: 'Nest' });
    expect(saying({ es: 'Nido', en: 'Nest' }, 'es', ' ')).toEqual({ en: 'Nest' });
  });
});

describe('a key', () => {
  it('is plain and its own', () => {
    expect(keyFrom('Tala ilegal (ñandú)', [])).toBe('tala-ilegal-nandu');
    expect(keyFrom('Fuego', ['fuego', 'fuego-2'])).toBe('fuego-3');
    expect(keyFrom('🔥', [])).toBe('category');
    expect(keyFrom('मधु', [])).not.toBe('');
  });
});

describe('the order', () => {
  const [a, b, c] = [preset('a', 1), preset('b', 2), preset('c', 3)];
  const after = (list: Preset[], moved: Preset, by: -1 | 1) => {
    const changes = new Map(moving(list, moved, by).map(({ preset, order }) => [preset.doc, order]));
    const order = (one: Preset) => changes.get(one.doc) ?? (one.set.order as number);
    return { names: list.toSorted((x, y) => order(x) - order(y)).map(({ doc }) => doc).join(''), changed: changes.size };
  };

  it('moves one and leaves the others alone', () => {
    expect(after([a, b, c], c, -1)).toEqual({ names: 'acb', changed: 1 });
    expect(after([a, b, c], a, 1)).toEqual({ names: 'bac', changed: 1 });
    expect(after([a, b, c], b, -1)).toEqual({ names: 'bac', changed: 1 });
    expect(moving([a, b, c], a, -1)).toEqual([]);
    expect(moving([a, b, c], c, 1)).toEqual([]);
  });

  it('numbers all where numbers are missing or the same', () => {
    expect(after([preset('x', 1), preset('y', 1), preset('z', 1)], preset('w'), 1).changed).toBe(0);
    const same = [preset('x', 1), preset('y', 1), preset('z', 1)];
    expect(after(same, same[2]!, -1).names).toBe('xzy');
    expect(lastOrder(same)).toBe(2);
    expect(lastOrder([])).toBe(1);
  });
});

describe('an edit', () => {
  it('writes what is different', () => {
    const before = preset('a', 1, { color: '#112233', icon: 'maki:home' }).set;
    expect(changesOf(before, { ...before, order: 2, icon: undefined })).toEqual({ set: { order: 2 }, unset: ['icon'] });
    expect(changesOf(before, { ...before })).toEqual({ set: {}, unset: [] });
  });
});

describe('an answer', () => {
  const options: PresetField['options'] = [{ value: 'us', label: { es: 'Nosotros' } }, { value: 'they', label: {} }];
  const field: PresetField = { key: 'who', type: 'many', label: { es: '¿Quién?' }, options };
  it('is read by its labels', () => {
    expect(answerOf(field, ['us', 'they', 'x'], 'es')).toBe('Nosotros, they, x');
    expect(answerOf({ ...field, type: 'one' }, 'us', 'es')).toBe('Nosotros');
    expect(answerOf({ ...field, type: 'number' }, 3, 'es')).toBeNull();
    expect(answerOf(field, 'us', 'es')).toBeNull();
  });
});
