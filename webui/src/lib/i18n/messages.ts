import type spanish from './messages/es.json';
import type spanishInCommon from './messages/common/es.json';
import type spanishOfPhone from './messages/phone/es.json';
import type spanishOfRooms from './messages/rooms/es.json';

/** Texts by id, flat. Plural forms have ids that end in `#one`, `#other` and what else the language knows. */
export type Messages = Record<string, string>;

type Id = keyof typeof spanish | keyof typeof spanishInCommon | keyof typeof spanishOfRooms | keyof typeof spanishOfPhone;

/** A message with one form. */
export type Plain = Exclude<Id, `${string}#${string}`>;

/** A message that depends on a number, without its `#form`. */
export type Counted = Id extends infer Key ? (Key extends `${infer Base}#other` ? Base : never) : never;

/** The languages that are built in, by the names that their speakers use. */
export const BUILT_IN: Record<string, string> = { es: 'Español', 'pt-BR': 'Português (Brasil)', en: 'English', fr: 'Français' };

/**
 * A part of the messages: what the dashboard's first page says, `messages/<code>.json`; what is said by its rooms and dialogs that
 * are fetched when somebody opens them, what only the phone app says, and what both say, each in a folder of its own. A community's
 * language is one file with all of it.
 */
export type Part = 'first' | 'common' | 'rooms' | 'phone';

const FILES = import.meta.glob<Messages>('./messages/**/*.json', { import: 'default' });

/** A part of a built-in language. */
export async function load(code: string, part: Part): Promise<Messages> {
  const file = FILES[part === 'first' ? `./messages/${code}.json` : `./messages/${part}/${code}.json`];
  return file ? file() : {};
}

/** What stands in where a language lacks a message. */
export const FALLBACKS = ['es', 'en'];

export const DEFAULT_LANGUAGE = 'es';

/** The name under which a browser remembers the language that somebody chose. */
export const CHOSEN = 'maloca.language';

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
