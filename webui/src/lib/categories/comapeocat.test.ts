import { strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { readCategories } from './comapeocat';

const SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0"/></svg>';

/** A file of these parts; what is no text is written as JSON. */
function file(parts: Record<string, unknown>): Uint8Array {
  const bytes = Object.entries(parts).map(([path, part]): [string, Uint8Array] => [
    path,
    strToU8(typeof part === 'string' ? part : JSON.stringify(part)),
  ]);
  return zipSync(Object.fromEntries(bytes));
}

const FIELDS = {
  kind: { type: 'selectOne', tagKey: 'nest-kind', label: 'What kind?', options: [{ label: 'Old', value: 'old' }, { label: 'New', value: 2 }] },
  eggs: { type: 'number', tagKey: 'eggs', label: 'Eggs' },
  again: { type: 'text', tagKey: 'eggs', label: 'Eggs once more' },
  empty: { type: 'selectOne', tagKey: 'none', label: 'Nothing to choose', options: [] },
  odd: { type: 'hologram', tagKey: 'odd', label: 'Odd' },
};

/** As version 1.0 writes it. */
const WHOLE = {
  VERSION: '1.0',
  'metadata.json': { name: 'Forest', buildDateValue: 1 },
  'categories.json': {
    tree: { name: 'Tree', appliesTo: ['observation'], tags: { a: 'b' }, fields: [] },
    nest: {
      name: 'Nest',
      appliesTo: ['observation'],
      tags: { nature: 'nest' },
      fields: ['kind', 'eggs', 'again', 'empty', 'odd', 'unknown'],
      icon: 'egg',
      color: '#Fa0',
    },
  },
  'fields.json': FIELDS,
  'categorySelection.json': { observation: ['nest', 'tree', 'gone'], track: [] },
  'icons/egg.svg': SVG,
  'translations/es.json': {
    category: { nest: { name: 'Nido' } },
    field: { kind: { label: '¿De qué tipo?', 'options.0.label': 'Viejo' } },
  },
};

const why = (bytes: Uint8Array) => readCategories(bytes).then(() => 'read', (cause: { why?: string }) => cause.why);

describe('a file of CoMapeo', () => {
  it('is read with its order, names, questions and icons', async () => {
    const { name, presets } = await readCategories(file(WHOLE));
    expect([name, presets.map(({ key }) => key)]).toEqual(['Forest', ['nest', 'tree']]);
    expect(presets[0]).toEqual({
      key: 'nest',
      name: { es: 'Nido', en: 'Nest' },
      order: 1,
      color: '#ffaa00',
      icon: `data:image/svg+xml;base64,${btoa(SVG)}`,
      fields: [
        {
          key: 'nest-kind',
          type: 'one',
          label: { es: '¿De qué tipo?', en: 'What kind?' },
          options: [{ value: 'old', label: { es: 'Viejo', en: 'Old' } }, { value: '2', label: { en: 'New' } }],
        },
        { key: 'eggs', type: 'number', label: { en: 'Eggs' } },
      ],
    });
    expect(presets[1]).toEqual({ key: 'tree', name: { en: 'Tree' }, order: 2 });
  });

  it('is read as the drafts before version 1.0 wrote it', async () => {
    const { presets } = await readCategories(
      file({
        VERSION: '1.0',
        'presets.json': { camp: { name: 'Camp', geometry: ['point'], tags: {}, fields: [] }, river: { name: 'River', geometry: ['line'], tags: {}, fields: [] } },
        'defaults.json': { point: ['camp'], line: ['river'], area: [] },
        'translations/es.json': { preset: { camp: [{ propertyRef: 'name', message: 'Campamento' }] }, field: {} },
      }),
    );
    expect(presets.map(({ name }) => name)).toEqual([{ es: 'Campamento', en: 'Camp' }, { en: 'River' }]);
  });

  it('is refused with a reason where it is none', async () => {
    expect(await why(new Uint8Array([1, 2, 3]))).toBe('categories.not_a_file');
    expect(await why(file({ 'photo.jpg': 'x' }))).toBe('categories.not_a_file');
    expect(await why(file({ ...WHOLE, 'fields.json': '{ no' }))).toBe('categories.not_a_file');
    expect(await why(file({ ...WHOLE, VERSION: 'one' }))).toBe('categories.not_a_file');
    expect(await why(file({ ...WHOLE, VERSION: '2.0' }))).toBe('categories.file_too_new');
    expect(await why(file({ ...WHOLE, 'categories.json': [] }))).toBe('categories.not_a_file');
    // A little file that unpacks to much.
    expect(await why(file({ ...WHOLE, 'fields.json': ' '.repeat(3_000_000) }))).toBe('categories.file_too_big');
    const cut = file(WHOLE);
    expect(await why(cut.slice(0, cut.length / 2))).toBe('categories.not_a_file');
  });

  it('loses what is odd and keeps the rest', async () => {
    const { presets } = await readCategories(
      file({ ...WHOLE, 'categories.json': { nest: { name: 7, fields: 'none', color: 'red', icon: '../egg' }, odd: null }, 'icons/egg.svg': SVG.repeat(1000) }),
    );
    expect(presets).toEqual([{ key: 'nest', name: { es: 'Nido', en: 'nest' }, order: 1 }]);
  });
});
