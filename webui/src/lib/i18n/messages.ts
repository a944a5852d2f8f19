import type spanish from './messages/es.json';

/** Texts by id, flat. Plural forms have ids that end in `#one`, `#other` and what else the language knows. */
export type Messages = Record<string, string>;

type Id = keyof typeof spanish;

/** A message with one form. */
export type Plain = Exclude<Id, `${string}#${string}`>;

/** A message that depends on a number, without its `#form`. */
export type Counted = Id extends infer Key ? (Key extends `${infer Base}#other` ? Base : never) : never;

/** The languages that are built in, by the names that their speakers use. */
export const BUILT_IN: Record<string, { name: string; load: () => Promise<Messages> }> = {
  es: { name: 'Español', load: async () => (await import('./messages/es.json')).default },
  'pt-BR': { name: 'Português (Brasil)', load: async () => (await import('./messages/pt-BR.json')).default },
  en: { name: 'English', load: async () => (await import('./messages/en.json')).default },
  fr: { name: 'Français', load: async () => (await import('./messages/fr.json')).default },
};

/** What stands in where a language lacks a message. */
export const FALLBACKS = ['es', 'en'];

export const DEFAULT_LANGUAGE = 'es';

/**
 * Picks a language: the one chosen before, else the first that the browser asks for, else Spanish.
 *
 * A request for `pt` or `pt-PT` gets `pt-BR`: the same language from elsewhere is better than another one.
 */
export function chooseLanguage(known: string[], chosen: string | null, asked: readonly string[]): string {
  for (const wish of [...(chosen ? [chosen] : []), ...asked]) {
    const exact = known.find((code) => code.toLowerCase() === wish.toLowerCase());
    if (exact) return exact;
    const base = baseOf(wish);
    const near = known.find((code) => baseOf(code) === base);
    if (near) return near;
  }
  return DEFAULT_LANGUAGE;
}

const baseOf = (code: string) => code.toLowerCase().split('-')[0];

/** The placeholders of a text: `{name}` → `name`. */
export function placeholders(text: string): string[] {
  return [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? ''))].sort();
}
