import { explain, i18n } from '$lib/i18n/i18n.svelte';

/** Why a map could not be had, in the reader's language where the page knows the reason. */
export const explainMap = (trouble: { code: string; detail: string }): string =>
  i18n.speaker.find(`basemap.trouble.${trouble.code}`) ?? explain(trouble);
