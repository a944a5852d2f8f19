import { explain, t } from '$lib/i18n/i18n.svelte';
import { wordsOf } from '$lib/rules/refused';

/** Why a record or a file is not taken and what to do about it, in the person's language. */
export function why(reason: { code: string; detail: string }): string {
  const id = wordsOf(reason.code);
  return id ? t(id) : explain(reason);
}
