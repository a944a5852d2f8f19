import { describe, expect, it } from 'vitest';
import { BUILT_IN, chooseLanguage, load, placeholders, type Part } from './messages';

const PARTS: Part[] = ['first', 'rooms', 'phone'];
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

describe('the choice of a language', () => {
  const known = ['es', 'pt-BR', 'en', 'fr', 'qu'];

  it('takes what was chosen before', () => expect(chooseLanguage(known, 'qu', ['fr'])).toBe('qu'));
  it('takes the first that the browser asks for', () => expect(chooseLanguage(known, null, ['de', 'en-GB', 'fr'])).toBe('en'));
  it('takes the same language from elsewhere', () => expect(chooseLanguage(known, null, ['pt-PT'])).toBe('pt-BR'));
  it('speaks Spanish when nothing fits', () => expect(chooseLanguage(known, 'xx', ['de'])).toBe('es'));
});
