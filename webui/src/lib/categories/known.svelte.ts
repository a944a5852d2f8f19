import type { Observation, Preset, PresetSet } from '$lib/api/types';
import { i18n } from '$lib/i18n/i18n.svelte';
import { category } from '$lib/rules/observation';
import { nameOf, offered, presetOf } from './preset';

/**
 * The categories that the hub has, for whoever shows an observation. Filled by the dashboard and by the phone app. What a phone wrote by the set
 * that it begins with, before anybody made categories on the hub, is shown by that set; anything else goes by its key.
 */
class Known {
  presets = $state.raw<Preset[]>([]);
  /** The set to begin with; fetched once, after the page stands. */
  #defaults = $state.raw<PresetSet[]>([]);

  async fetchDefaults(): Promise<void> {
    if (!this.#defaults.length) this.beginWith((await import('./defaults')).DEFAULTS);
  }

  /** The set to begin with, from whoever has it at hand. */
  beginWith(defaults: PresetSet[]): void {
    this.#defaults = defaults;
  }

  /** What a new observation may be of: the hub's categories, or the set to begin with where it has said none. */
  get offered(): PresetSet[] {
    return this.presets.length ? offered(this.presets).map(({ set }) => set) : this.#defaults;
  }

  /** The category of an observation; `undefined` where it has none that is known. */
  of(observation: Pick<Observation, 'set'>): PresetSet | undefined {
    const { category } = observation.set;
    return typeof category === 'string' ? this.#ofKey(category) : undefined;
  }

  /** Its name in the reader's language, else what was written; empty where nothing was. */
  word(observation: Pick<Observation, 'set'>): string {
    const preset = this.of(observation);
    return preset ? nameOf(preset, i18n.speaker.language) : category(observation);
  }

  /** The same of a key. */
  wordOf(key: string): string {
    const preset = this.#ofKey(key);
    return preset ? nameOf(preset, i18n.speaker.language) : key;
  }

  #ofKey(key: string): PresetSet | undefined {
    return presetOf(this.presets, key)?.set ?? this.#defaults.find((one) => one.key === key);
  }
}

export const known = new Known();
