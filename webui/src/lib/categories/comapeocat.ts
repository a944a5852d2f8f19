import { unzip, type Unzipped } from 'fflate';
import type { PresetField, PresetSet } from '$lib/api/types';
import type { Said } from './preset';

/**
 * Reads CoMapeo's category files (`.comapeocat`): a ZIP with categories, questions, icons and translations. Of their format both
 * spellings are read, that of version 1.0 and that of the drafts before it. A stranger's file: bounded in all it holds, and
 * what is not understood is left out.
 */

/** Bytes of one unpacked file, and of all; entries. */
const MOST_OF_ONE = 2_000_000;
const MOST_OF_ALL = 30_000_000;
const MOST_ENTRIES = 10_000;

/** A larger drawing is left out; the hub takes no larger icon. */
const ICON_BYTES = 28_000;

/** Why a file cannot be read, as the name of a message. */
export class Unreadable extends Error {
  constructor(readonly why: 'categories.not_a_file' | 'categories.file_too_new' | 'categories.file_too_big') {
    super(why);
  }
}

export interface Imported {
  name: string;
  presets: PresetSet[];
}

export async function readCategories(file: Uint8Array): Promise<Imported> {
  const entries = await unpacked(file);
  const version = /^(\d+)\.\d+\s*$/.exec(textOf(entries, 'VERSION') ?? '1.0');
  if (!version) throw new Unreadable('categories.not_a_file');
  if (Number(version[1]) > 1) throw new Unreadable('categories.file_too_new');
  const categories = record(jsonOf(entries, 'categories.json') ?? jsonOf(entries, 'presets.json'));
  if (!categories) throw new Unreadable('categories.not_a_file');
  const fields = record(jsonOf(entries, 'fields.json')) ?? {};
  const translations = translationsOf(entries);
  const order = orderOf(entries, Object.keys(categories));
  const presets = order.flatMap((id, index) => {
    const category = record(categories[id]);
    return category ? [presetOf(id, category, index + 1, { fields, translations, entries })] : [];
  });
  const metadata = record(jsonOf(entries, 'metadata.json'));
  return { name: typeof metadata?.name === 'string' ? metadata.name.slice(0, 100) : '', presets };
}

interface Parts {
  fields: Record<string, unknown>;
  translations: Translation[];
  entries: Unzipped;
}

function presetOf(id: string, category: Record<string, unknown>, order: number, parts: Parts): PresetSet {
  const { fields, translations, entries } = parts;
  const preset: PresetSet = { key: id.slice(0, 100), name: inAll(category.name, id, translations, 'category', id, ['name']), order };
  const colour = typeof category.color === 'string' ? /^#([\da-f]{6}|[\da-f]{3})/i.exec(category.color)?.[0] : undefined;
  if (colour) preset.color = (colour.length === 4 ? colour.replaceAll(/[\da-f]/gi, '$&$&') : colour).toLowerCase();
  const icon = typeof category.icon === 'string' ? entries[`icons/${category.icon}.svg`] : undefined;
  if (icon && icon.length <= ICON_BYTES) preset.icon = `data:image/svg+xml;base64,${base64(icon)}`;
  const asked = Array.isArray(category.fields) ? category.fields.filter((one) => typeof one === 'string') : [];
  const questions = asked.flatMap((name) => {
    const field = record(fields[name]);
    const question = field && fieldOf(name, field, translations);
    return question ? [question] : [];
  });
  // Two questions that write one property are one to us; the first is asked.
  const own = questions.filter((question, at) => questions.findIndex(({ key }) => key === question.key) === at);
  if (own.length) preset.fields = own.slice(0, 60);
  return preset;
}

const TYPES = { text: 'text', number: 'number', selectOne: 'one', selectMultiple: 'many' } as const;

function fieldOf(id: string, field: Record<string, unknown>, translations: Translation[]): PresetField | null {
  const type = TYPES[field.type as keyof typeof TYPES];
  if (!type) return null;
  const key = typeof field.tagKey === 'string' && field.tagKey ? field.tagKey.slice(0, 100) : id;
  const question: PresetField = { key, type, label: inAll(field.label, id, translations, 'field', id, ['label']) };
  if (type !== 'one' && type !== 'many') return question;
  const options = Array.isArray(field.options) ? field.options : [];
  question.options = options.slice(0, 300).flatMap((option, index) => {
    const one = record(option);
    if (!one || one.value === undefined) return [];
    const places = [`options.${index}`, `options.${index}.label`];
    return [{ value: String(one.value), label: inAll(one.label, String(one.value), translations, 'field', id, places) }];
  });
  return question.options.length ? question : null;
}

interface Translation {
  language: string;
  said: Record<string, unknown>;
}

function translationsOf(entries: Unzipped): Translation[] {
  return Object.keys(entries).flatMap((path) => {
    const language = /^translations\/([A-Za-z]{2,3}(?:-[A-Za-z\d]{2,8})*)\.json$/.exec(path)?.[1];
    const said = language ? record(jsonOf(entries, path)) : null;
    return language && said ? [{ language, said }] : [];
  });
}

/** What is written in the file's own language, which it does not name, and in all that it is translated to. */
function inAll(own: unknown, fallback: string, all: Translation[], sort: 'category' | 'field', id: string, places: string[]): Said {
  const text = typeof own === 'string' && own.trim() ? own.trim() : fallback;
  const said: Said = {};
  for (const { language, said: table } of all) {
    const kinds = sort === 'category' ? ['category', 'preset'] : ['field'];
    for (const kind of kinds) {
      const message = messageOf(record(table[kind])?.[id], places);
      if (message) said[language] = message.slice(0, 1000);
    }
  }
  // A file whose own language is among its translations needs no second word for it.
  if (!Object.values(said).includes(text)) said[said.en === undefined ? 'en' : 'und'] = text.slice(0, 1000);
  return said;
}

/** Translations by the names of their places, or as a list of places and messages. */
function messageOf(table: unknown, places: string[]): string | null {
  if (Array.isArray(table)) {
    const found = table.map(record).find((one) => one && places.includes(String(one.propertyRef)));
    return typeof found?.message === 'string' ? found.message.trim() : null;
  }
  for (const place of places) {
    const message = record(table)?.[place];
    if (typeof message === 'string' && message.trim()) return message.trim();
  }
  return null;
}

/** In the order in which observations are offered, then what is left. */
function orderOf(entries: Unzipped, all: string[]): string[] {
  const selection = record(jsonOf(entries, 'categorySelection.json') ?? jsonOf(entries, 'defaults.json')) ?? {};
  const lists = [selection.observation, selection.point, ...Object.values(selection)];
  const named = lists.flatMap((list) => (Array.isArray(list) ? list : [])).filter((id) => all.includes(id as string)) as string[];
  return [...new Set([...named, ...all])];
}

function unpacked(file: Uint8Array): Promise<Unzipped> {
  let [entries, bytes] = [0, 0];
  return new Promise((done, failed) => {
    const wanted = ({ name, originalSize }: { name: string; originalSize: number }) => {
      const known = /^(VERSION|[a-zA-Z]+\.json|translations\/[^/]+\.json|icons\/[^/]+\.svg)$/.test(name);
      entries += 1;
      if (known) bytes += originalSize;
      if (entries > MOST_ENTRIES || originalSize > MOST_OF_ONE || bytes > MOST_OF_ALL) throw new Unreadable('categories.file_too_big');
      return known;
    };
    try {
      unzip(file, { filter: wanted }, (error, unzipped) =>
        error ? failed(new Unreadable('categories.not_a_file')) : done(unzipped),
      );
    } catch (cause) {
      failed(cause instanceof Unreadable ? cause : new Unreadable('categories.not_a_file'));
    }
  });
}

function textOf(entries: Unzipped, path: string): string | null {
  const bytes = entries[path];
  return bytes ? new TextDecoder().decode(bytes) : null;
}

function jsonOf(entries: Unzipped, path: string): unknown {
  const text = textOf(entries, path);
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    throw new Unreadable('categories.not_a_file');
  }
}

function record(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
}

function base64(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
