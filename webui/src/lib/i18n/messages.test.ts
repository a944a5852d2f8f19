import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BUILT_IN, chooseLanguage, load, placeholders, type Part } from './messages';

const PARTS: Part[] = ['first', 'common', 'rooms', 'phone'];
const CODES = Object.keys(BUILT_IN);

/** Each language's parts, and the Spanish ones beside them. */
const files = await Promise.all(
  PARTS.flatMap((part) => CODES.map(async (code) => ({ code, part, own: await load(code, part), es: await load('es', part) }))),
);

/** A language may have more plural forms than Spanish; `#other` is the one that each must have. */
const withoutExtraForms = (ids: string[]) => ids.filter((id) => !id.includes('#') || /#(one|other)$/.test(id)).sort();

describe('the message files', () => {
  it('say each thing in one part', () => {
    const ids = files.filter(({ code }) => code === 'es').flatMap(({ es }) => Object.keys(es));
    expect(ids.length).toBeGreaterThan(500);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each(files)('$code has every message of $part', ({ own, es }) => {
    expect(withoutExtraForms(Object.keys(own))).toEqual(withoutExtraForms(Object.keys(es)));
  });

  it.each(files)('$code has the same placeholders in $part', ({ code, own, es }) => {
    for (const [id, text] of Object.entries(own)) {
      const model = es[id] ?? es[id.replace(/#.*/, '#other')] ?? '';
      expect(placeholders(text), `${code}: ${id}`).toEqual(placeholders(model));
    }
  });

  it.each(files)('$code leaves no message of $part empty', ({ code, own }) => {
    for (const [id, text] of Object.entries(own)) expect(text.trim(), `${code}: ${id}`).not.toBe('');
  });
});

/** The files that an entry consists of, those that it fetches later included. */
function filesFrom(entry: string, known = new Set<string>()): Set<string> {
  if (known.has(entry)) return known;
  known.add(entry);
  for (const [, path = ''] of readFileSync(entry, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'((?:\$lib|\.)[^']+)'/g)) {
    const at = path.startsWith('$lib') ? path.replace('$lib', 'src/lib') : join(dirname(entry), path);
    const file = ['', '.ts', '.svelte.ts'].map((ending) => at + ending).find((file) => /\.(ts|svelte)$/.test(file) && existsSync(file));
    if (file) filesFrom(file, known);
  }
  return known;
}

describe('the phone app', () => {
  it('says nothing that only the dashboard has fetched', () => {
    const paths = [...filesFrom('src/pages/phone/main.ts')];
    const said = new Set(paths.flatMap((path) => [...readFileSync(path, 'utf8').matchAll(/'([\w.]+)'/g)].map(([, id]) => id)));
    const ids = (wanted: Part[]) => files.filter(({ code, part }) => code === 'es' && wanted.includes(part)).flatMap(({ own }) => Object.keys(own));
    const base = (id: string) => id.replace(/#.*/, '');
    expect(paths.length).toBeGreaterThan(80);
    expect(ids(['common', 'phone']).filter((id) => said.has(base(id))).length).toBeGreaterThan(250);
    expect(ids(['first', 'rooms']).filter((id) => said.has(base(id)))).toEqual([]);
  });
});

describe('the choice of a language', () => {
  const known = ['es', 'pt-BR', 'en', 'fr', 'qu'];

  it('takes what was chosen before', () => expect(chooseLanguage(known, 'qu', ['fr'])).toBe('qu'));
  it('takes the first that the browser asks for', () => expect(chooseLanguage(known, null, ['de', 'en-GB', 'fr'])).toBe('en'));
  it('takes the same language from elsewhere', () => expect(chooseLanguage(known, null, ['pt-PT'])).toBe('pt-BR'));
  it('speaks Spanish when nothing fits', () => expect(chooseLanguage(known, 'xx', ['de'])).toBe('es'));
});
