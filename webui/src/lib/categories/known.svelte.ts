import type { Observation, Preset } from '$lib/api/types';
import { i18n } from '$lib/i18n/i18n.svelte';
import { category } from '$lib/rules/observation';
import { nameOf, presetOf } from './preset';

/** The categories that the hub has, for whoever shows an observation. Filled by the dashboard; empty, each goes by its key. */
class Known {
  presets = $state.raw<Preset[]>([]);

  /** The category of an observation; `undefined` where it has none that is known. */
  of(observation: Observation): Preset | undefined {
    const { category } = observation.set;
    return typeof category === 'string' ? presetOf(this.presets, category) : undefined;
  }

  /** Its name in the reader's language, else what was written; empty where nothing was. */
  word(observation: Observation): string {
    const preset = this.of(observation);
    return preset ? nameOf(preset.set, i18n.speaker.language) : category(observation);
  }

  /** The same of a key. */
  wordOf(key: string): string {
    const preset = presetOf(this.presets, key);
    return preset ? nameOf(preset.set, i18n.speaker.language) : key;
  }
}

export const known = new Known();
