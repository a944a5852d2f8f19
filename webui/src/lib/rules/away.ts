import type { TurnedAway } from '$lib/api/types';
import type { Plain } from '$lib/i18n/messages';
import type { Said } from '$lib/i18n/speaker';

/** What to do for each reason; a hub that is newer may know others. */
const ADVICE: Partial<Record<string, Plain>> = {
  wrong_code: 'away.wrong_code',
  joining_closed: 'away.joining_closed',
  joining_rests: 'away.joining_rests',
  bad_proof: 'away.bad_proof',
};

/** A device that could not come in: what happened, and what to do about it. */
export function sayAway({ name, at, code }: TurnedAway): { what: Said; advice: Said } {
  const when = { ago: at };
  return {
    what: name ? { id: 'away.named', values: { name, when } } : { id: 'away.unnamed', values: { when } },
    advice: { id: ADVICE[code] ?? 'away.session_missing' },
  };
}
