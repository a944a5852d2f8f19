import type { Component } from 'svelte';
import type { Plain } from '$lib/i18n/messages';
import type { IconName } from '$lib/ui/Icon.svelte';
import type { Phone } from './phone.svelte';
import * as RecordPage from './record/RecordPage.svelte';

/** What every page of the phone app is given. `rest` is what stands behind the page's name in the address. */
export interface PhonePageProps {
  phone: Phone;
  rest: string[];
}

/**
 * A page: its name in the address, behind `#/`, since the app may lie in any folder of any server; how the navigation calls it; and
 * what it is made of.
 */
export interface PhonePage {
  name: string;
  word: Plain;
  icon: IconName;
  load: () => Promise<{ default: Component<PhonePageProps> }>;
}

/** In the order of the navigation; the first is where the app opens, so it comes with it. */
export const PAGES: readonly PhonePage[] = [
  { name: 'record', word: 'phone.record', icon: 'plus', load: async () => RecordPage },
  { name: 'observations', word: 'phone.observations', icon: 'list', load: () => import('./observations/ObservationsPage.svelte') },
  { name: 'handover', word: 'phone.handover', icon: 'sync', load: () => import('./handover/HandoverPage.svelte') },
  { name: 'settings', word: 'phone.settings', icon: 'gear', load: () => import('./settings/SettingsPage.svelte') },
];

/** What an address leads to. */
export interface Place {
  page: PhonePage;
  rest: string[];
}

/** Where the app opens: the one page that needs nothing but what is shown on it. */
export const isFirst = ({ page, rest }: Place): boolean => page === PAGES[0] && rest.length === 0;

/** `#/observations/<doc>` → its page, and `[<doc>]`. */
export function read(hash: string): Place {
  const [name, ...rest] = hash.replace(/^#\/?/, '').split('/').map(decoded);
  const page = PAGES.find((one) => one.name === name) ?? (PAGES[0] as PhonePage);
  return { page, rest: page.name === name ? rest : [] };
}

/** Anybody may write an address. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
