import { relative } from '$lib/rules/time';
import type { Counted, Messages, Plain } from './messages';

/**
 * Something to say, free of language: what the rules hand to the pages.
 *
 * With a `count` the plural form is chosen by it, and `{count}` stands in the text.
 */
export type Said =
  | { id: Plain; values?: Values }
  | { id: Counted; count: number; values?: Values };

export type Values = Record<string, Value>;
/** A value that is written the way the language writes it. */
export type Value = string | number | { bytes: number } | { ago: string } | { list: (string | Said)[] } | { said: Said };

const BYTE_UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

/** Texts, numbers and dates of one language. Pure: the pages keep the current one in `i18n.svelte.ts`. */
export class Speaker {
  readonly #plurals: () => Intl.PluralRules;
  readonly #numbers: () => Intl.NumberFormat;
  readonly #percent: () => Intl.NumberFormat;
  readonly #lists: () => Intl.ListFormat;
  readonly #relative: () => Intl.RelativeTimeFormat;
  readonly #moment: () => Intl.DateTimeFormat;
  readonly #exact: () => Intl.DateTimeFormat;

  /** @param tables the language's own messages first, then what stands in for a missing one */
  constructor(
    readonly language: string,
    private readonly tables: Messages[],
    timeZone?: string,
  ) {
    // What the browser does not know (a community's language) is written the Spanish way.
    const locales = [safeLocale(language), 'es'];
    this.#plurals = once(() => new Intl.PluralRules(locales));
    this.#numbers = once(() => new Intl.NumberFormat(locales));
    this.#percent = once(() => new Intl.NumberFormat(locales, { style: 'percent', maximumFractionDigits: 0 }));
    this.#lists = once(() => new Intl.ListFormat(locales, { type: 'conjunction' }));
    this.#relative = once(() => new Intl.RelativeTimeFormat(locales, { numeric: 'auto' }));
    this.#moment = once(() => new Intl.DateTimeFormat(locales, { dateStyle: 'medium', timeStyle: 'short', timeZone }));
    this.#exact = once(() => new Intl.DateTimeFormat(locales, { dateStyle: 'full', timeStyle: 'long', timeZone }));
  }

  get direction(): 'ltr' | 'rtl' {
    return ['ar', 'fa', 'he', 'ur'].includes(this.language.split('-')[0] ?? '') ? 'rtl' : 'ltr';
  }

  /** Says it; `now` is needed for what is told relative to now. */
  say(said: Said, now: number = Date.now()): string {
    const text = 'count' in said ? this.#counted(said.id, said.count) : (this.find(said.id) ?? said.id);
    const values: Values = 'count' in said ? { ...said.values, count: said.count } : (said.values ?? {});
    return text.replace(/\{(\w+)\}/g, (hole, name: string) => {
      const value = values[name];
      return value === undefined ? hole : this.#write(value, now);
    });
  }

  find(id: string): string | undefined {
    for (const table of this.tables) {
      const text = Object.hasOwn(table, id) ? table[id] : undefined;
      if (typeof text === 'string') return text;
    }
    return undefined;
  }

  number(value: number): string {
    return this.#numbers().format(value);
  }

  percent(share: number): string {
    return this.#percent().format(share);
  }

  bytes(value: number): string {
    let size = Math.max(0, value);
    let step = 0;
    while (size >= 1000 && step < BYTE_UNITS.length - 1) {
      size /= 1000;
      step += 1;
    }
    const maximumFractionDigits = step === 0 || size >= 10 ? 0 : 1;
    const unit = { style: 'unit', unit: BYTE_UNITS[step] ?? 'byte', unitDisplay: 'short' } as const;
    return new Intl.NumberFormat([safeLocale(this.language), 'es'], { ...unit, maximumFractionDigits }).format(size);
  }

  /** A length of time as people say it: seconds up to a minute and a half, then minutes, then hours. */
  span(seconds: number): string {
    const [value, unit] = seconds < 90 ? [seconds, 'second'] : seconds < 5400 ? [seconds / 60, 'minute'] : [seconds / 3600, 'hour'];
    const locales = [safeLocale(this.language), 'es'];
    return new Intl.NumberFormat(locales, { style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits: 0 }).format(Math.ceil(value));
  }

  list(items: string[]): string {
    return this.#lists().format(items);
  }

  /** "3 hours ago". */
  ago(time: string, now: number = Date.now()): string {
    const { value, unit } = relative(Date.parse(time), now);
    return Number.isFinite(value) ? this.#relative().format(value, unit) : time;
  }

  /** Day and time, short. What is no time is shown as it came. */
  moment(time: string): string {
    return this.#date(this.#moment, time);
  }

  /** Day and time with all there is, for a title. */
  exact(time: string): string {
    return this.#date(this.#exact, time);
  }

  #date(format: () => Intl.DateTimeFormat, time: string): string {
    const at = Date.parse(time);
    return Number.isFinite(at) ? format().format(at) : time;
  }

  #counted(id: string, count: number): string {
    return this.find(`${id}#${this.#plurals().select(count)}`) ?? this.find(`${id}#other`) ?? id;
  }

  #write(value: Value, now: number): string {
    if (typeof value === 'string') return value;
    if (typeof value === 'number') return this.number(value);
    if ('bytes' in value) return this.bytes(value.bytes);
    if ('ago' in value) return this.ago(value.ago, now);
    if ('said' in value) return this.say(value.said, now);
    return this.list(value.list.map((item) => (typeof item === 'string' ? item : this.say(item, now))));
  }
}

/** Made when it is first asked for: each of them takes an old phone some 30 ms, and the first page needs none. */
function once<Made>(make: () => Made): () => Made {
  let made: Made | undefined;
  return () => (made ??= make());
}

/** A file in the data folder may bear any name; `Intl` throws at what is no language tag. */
function safeLocale(code: string): string {
  try {
    return Intl.getCanonicalLocales(code)[0] ?? 'es';
  } catch {
    return 'es';
  }
}
