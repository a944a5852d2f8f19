import { describe, expect, it } from 'vitest';
import en from './messages/en.json';
import es from './messages/es.json';
import fr from './messages/fr.json';
import ptBR from './messages/pt-BR.json';
import { BUILT_IN, chooseLanguage, placeholders, type Messages } from './messages';

const FILES: Record<string, Messages> = { es, 'pt-BR': ptBR, en, fr };

/** A language may have more plural forms than Spanish; `#other` is the one that each must have. */
const withoutExtraForms = (ids: string[]) => ids.filter((id) => !id.includes('#') || /#(one|other)$/.test(id)).sort();

describe('the message files', () => {
  it('are the built-in languages', () => {
    expect(Object.keys(FILES).sort()).toEqual(Object.keys(BUILT_IN).sort());
  });

  it.each(Object.keys(FILES))('%s has every message', (code) => {
    expect(withoutExtraForms(Object.keys(FILES[code] ?? {}))).toEqual(withoutExtraForms(Object.keys(es)));
  });

  it.each(Object.keys(FILES))('%s has the same placeholders', (code) => {
    for (const [id, text] of Object.entries(FILES[code] ?? {})) {
      const model = (es as Messages)[id] ?? (es as Messages)[id.replace(/#.*/, '#other')] ?? '';
      expect(placeholders(text), `${code}: ${id}`).toEqual(placeholders(model));
    }
  });

  it.each(Object.keys(FILES))('%s leaves no message empty', (code) => {
    for (const [id, text] of Object.entries(FILES[code] ?? {})) expect(text.trim(), `${code}: ${id}`).not.toBe('');
  });
});

describe('the choice of a language', () => {
  const known = ['es', 'pt-BR', 'en', 'fr', 'qu'];

  it('takes what was chosen before', () => expect(chooseLanguage(known, 'qu', ['fr'])).toBe('qu'));
  it('takes the first that the browser asks for', () => expect(chooseLanguage(known, null, ['de', 'en-GB', 'fr'])).toBe('en'));
  it('takes the same language from elsewhere', () => expect(chooseLanguage(known, null, ['pt-PT'])).toBe('pt-BR'));
  it('speaks Spanish when nothing fits', () => expect(chooseLanguage(known, 'xx', ['de'])).toBe('es'));
});
