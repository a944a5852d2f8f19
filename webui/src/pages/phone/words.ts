/**
 * Asks for the words before anything else of the page runs: an old phone runs the rest for as long as they are on their way.
 *
 * `i18n.start` asks for the same files, and finds them.
 */

import { BUILT_IN, CHOSEN, chooseLanguage, load } from '$lib/i18n/messages';
import { recall } from '$lib/remembered';

const language = chooseLanguage(Object.keys(BUILT_IN), recall(CHOSEN), navigator.languages);
// One that does not come is told of where it is waited for.
for (const part of ['common', 'phone'] as const) load(language, part).catch(() => {});
