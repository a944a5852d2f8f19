import type { Language } from '$lib/api/types';
import { recall, remember } from '$lib/remembered';
import { BUILT_IN, FALLBACKS, CHOSEN, chooseLanguage, load, type Counted, type Messages, type Part, type Plain } from './messages';
import { Speaker, type Said, type Values } from './speaker';

/** A page that speaks a language of its own asks the hub for nothing. */
const hub = () => import('$lib/api/client');

/** The page's language. A text read through it is written anew when the language changes. */
class I18n {
  speaker = $state.raw(new Speaker('es', []));
  /** Built in first, then those of the hub's data folder. */
  languages = $state.raw<Language[]>(Object.entries(BUILT_IN).map(([code, name]) => ({ code, name })));
  /** What is said so far. */
  #parts: Part[] = [];
  #rooms: Promise<void> | null = null;
  /** The files of the community's languages, each fetched once. */
  #files = new Map<string, Promise<Messages>>();

  /** Call before the first page is drawn, with whose page it is. */
  async start(page: 'first' | 'phone' = 'first'): Promise<void> {
    this.#parts = ['common', page];
    await this.#speak(this.#choose());
  }

  /** Adds the community's languages; the hub tells them to a page with a session only. */
  async addFromHub(): Promise<void> {
    const { api } = await hub();
    const { languages } = await api.languages();
    const own = languages.filter(({ code }) => !(code in BUILT_IN));
    this.languages = [...this.languages.filter(({ code }) => code in BUILT_IN), ...own];
    const code = this.#choose();
    if (code !== this.speaker.language) await this.#speak(code);
  }

  /** Fetches what rooms and dialogs say as well, before `showing` is shown. The phone app says all that it has to from the beginning. */
  async rooms<Shown>(showing: Promise<Shown>): Promise<Shown> {
    if (this.#parts.includes('phone')) return showing;
    const coming = (this.#rooms ??= this.#add('rooms'));
    // What failed is asked for again the next time.
    coming.catch(() => (this.#rooms = null));
    const [shown] = await Promise.all([showing, coming]);
    return shown;
  }

  async #add(part: Part): Promise<void> {
    if (!this.#parts.includes(part)) this.#parts.push(part);
    await this.#speak(this.speaker.language);
  }

  async use(code: string): Promise<void> {
    await this.#speak(code);
    remember(CHOSEN, code);
  }

  #choose(): string {
    const known = this.languages.map(({ code }) => code);
    return chooseLanguage(known, recall(CHOSEN), navigator.languages);
  }

  async #speak(code: string): Promise<void> {
    const built = (one: string) => this.#parts.map((part) => load(one, part));
    // The built-in languages are complete (a test holds them to it), so they need nothing to stand in.
    const tables = code in BUILT_IN ? built(code) : [this.#file(code), ...FALLBACKS.flatMap(built)];
    this.speaker = new Speaker(code, await Promise.all(tables));
    document.documentElement.lang = code;
    document.documentElement.dir = this.speaker.direction;
  }

  #file(code: string): Promise<Messages> {
    const coming = this.#files.get(code) ?? hub().then(({ api }) => api.language(code));
    this.#files.set(code, coming);
    coming.catch(() => this.#files.delete(code));
    return coming;
  }
}

export const i18n = new I18n();

/** A message by its id. */
export const t = (id: Plain, values?: Values): string => i18n.speaker.say({ id, values });

/** A message that depends on a number. */
export const tn = (id: Counted, count: number, values?: Values): string => i18n.speaker.say({ id, count, values });

/** What a rule wants said. */
export const say = (said: Said, now?: number): string => i18n.speaker.say(said, now);

/** A failure in words: in the reader's language where the page knows it, else as the hub put it. */
export function explain(trouble: { code: string; detail: string }): string {
  const { speaker } = i18n;
  const known = speaker.find(`problem.${trouble.code}`) ?? speaker.find(`trouble.${trouble.code}`);
  return known ?? (trouble.detail || t('problem.unknown', { code: trouble.code }));
}
