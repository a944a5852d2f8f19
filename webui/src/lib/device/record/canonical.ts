/**
 * Strict JSON in, canonical JSON out (RFC 8785, JCS); the twin of `protocol/src/canonical.rs`.
 *
 * Called wherever a stranger's bytes become a value, and before anything is hashed. It promises that whatever it lets through
 * has one canonical form that every implementation agrees on, and refuses the rest by the same names as the hub.
 */

import { LONE_SURROGATE } from './bytes';
import { refuse } from './refusal';
import { DEPTH } from '../limits';

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [name: string]: Json;
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A member of its own, never one that objects inherit: strangers may call a property `toString`. */
export const member = (object: JsonObject, name: string): Json | undefined =>
  Object.hasOwn(object, name) ? object[name] : undefined;

/** Judges a number as a double: integers beyond 2^53 - 1 would be read differently elsewhere. */
export const isSoundNumber = (value: number): boolean =>
  Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));

/**
 * The canonical form. Refuses what has none at all. Numbers that no hub takes are written too: a draft may hold one, and is parked
 * with the reason when it is frozen.
 */
export function canonical(value: unknown): string {
  switch (typeof value) {
    case 'boolean':
      return value ? 'true' : 'false';
    case 'number':
      // JSON.stringify writes doubles as RFC 8785 does, which took its rule from there.
      return Number.isFinite(value) ? JSON.stringify(value) : refuse('number_range');
    case 'string':
      return text(value);
    case 'object':
      break;
    default:
      return refuse('not_json');
  }
  if (value === null) return 'null';
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  // Without a comparator, texts are sorted by UTF-16 code units: the order that RFC 8785 asks for.
  const members = Object.keys(value).toSorted().map((name) => `${text(name)}:${canonical((value as JsonObject)[name])}`);
  return `{${members.join(',')}}`;
}

const text = (value: string): string => (LONE_SURROGATE.test(value) ? refuse('lone_surrogate') : JSON.stringify(value));

/** Refuses of a value that somebody else's parser made what `parse` would have refused. */
export function judge(value: unknown, levels = DEPTH): void {
  if (typeof value === 'number' && !isSoundNumber(value)) refuse('number_range');
  if (typeof value !== 'object' || value === null) return;
  if (levels === 0) refuse('too_deep');
  for (const inner of Object.values(value)) judge(inner, levels - 1);
}

/** Parses one JSON value. */
export function parse(bytes: Uint8Array, depth = DEPTH): Json {
  let source: string;
  try {
    source = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuse('not_utf8');
  }
  return new Reader(source).whole(depth);
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
/** A run of plain characters within a text. */
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPES: Record<string, string> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** Reads front to back and ends at the first rule that is broken, as the hub's parser does. */
class Reader {
  #at = 0;

  constructor(private readonly source: string) {}

  whole(depth: number): Json {
    const value = this.#value(depth);
    this.#space();
    return this.#at === this.source.length ? value : refuse('not_json');
  }

  #value(levels: number): Json {
    this.#space();
    switch (this.source[this.#at]) {
      case '{':
        return this.#object(levels);
      case '[':
        return this.#array(levels);
      case '"':
        return this.#text();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #object(levels: number): JsonObject {
    if (levels === 0) refuse('too_deep');
    // A Map, as assigning a member called `__proto__` to an object would not make a member.
    const members = new Map<string, Json>();
    this.#at += 1;
    this.#space();
    if (this.#take('}')) return {};
    do {
      this.#space();
      if (this.source[this.#at] !== '"') refuse('not_json');
      const name = this.#text();
      if (members.has(name)) refuse('duplicate_key');
      this.#space();
      if (!this.#take(':')) refuse('not_json');
      members.set(name, this.#value(levels - 1));
      this.#space();
    } while (this.#take(','));
    return this.#take('}') ? Object.fromEntries(members) : refuse('not_json');
  }

  #array(levels: number): Json[] {
    if (levels === 0) refuse('too_deep');
    const items: Json[] = [];
    this.#at += 1;
    this.#space();
    if (this.#take(']')) return items;
    do {
      items.push(this.#value(levels - 1));
      this.#space();
    } while (this.#take(','));
    return this.#take(']') ? items : refuse('not_json');
  }

  #text(): string {
    let text = '';
    this.#at += 1;
    for (;;) {
      text += this.#match(PLAIN);
      if (this.#take('"')) return text;
      if (!this.#take('\\')) refuse('not_json');
      text += this.#escape();
    }
  }

  #escape(): string {
    const letter = this.source[this.#at] ?? refuse('not_json');
    this.#at += 1;
    if (letter !== 'u') return ESCAPES[letter] ?? refuse('not_json');
    const unit = this.#unit();
    if (unit >= 0xdc00 && unit <= 0xdfff) refuse('lone_surrogate');
    if (unit < 0xd800 || unit > 0xdfff) return String.fromCharCode(unit);
    if (this.#at === this.source.length) refuse('not_json');
    if (!this.#take('\\') || !this.#take('u')) refuse('lone_surrogate');
    const second = this.#unit();
    if (second < 0xdc00 || second > 0xdfff) refuse('lone_surrogate');
    return String.fromCharCode(unit, second);
  }

  #unit(): number {
    const digits = this.source.slice(this.#at, this.#at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) refuse('not_json');
    this.#at += 4;
    return Number.parseInt(digits, 16);
  }

  #number(): number {
    const digits = this.#match(NUMBER);
    if (digits === '') refuse('not_json');
    const value = Number(digits);
    if (!isSoundNumber(value)) refuse('number_range');
    // Minus zero and zero are one value.
    return value === 0 ? 0 : value;
  }

  #word<V extends Json>(word: string, value: V): V {
    if (!this.source.startsWith(word, this.#at)) refuse('not_json');
    this.#at += word.length;
    return value;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.source)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }

  #take(char: string): boolean {
    if (this.source[this.#at] !== char) return false;
    this.#at += 1;
    return true;
  }

  #space(): void {
    while (' \n\r\t'.includes(this.source[this.#at] ?? '-')) this.#at += 1;
  }
}
