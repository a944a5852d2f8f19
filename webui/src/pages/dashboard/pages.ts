import type { Component } from 'svelte';
import type { ObservationFilter } from '$lib/api/client';
import type { Plain } from '$lib/i18n/messages';
import type { Route } from '$lib/router/routes';
import type { IconName } from '$lib/ui/Icon.svelte';
import type { Hub } from './hub.svelte';
import { i18n } from '$lib/i18n/i18n.svelte';
import Sync from './Sync.svelte';

type Load = Page['load'];
const room = (load: Load): Load => () => i18n.rooms(load());

/** What every page is given. */
export interface PageProps {
  hub: Hub;
  /** Opens the dialog by which phones join. */
  join: () => void;
  /** Opens the dialog that copies just these to a drive; `count`: how many they are, where that is known. */
  exportThese: (filter: ObservationFilter, count: number | null) => void;
}

/** A page of the dashboard: where it lives, how the navigation calls it, and what it is made of. */
export interface Page extends Route {
  word: Plain;
  icon: IconName;
  /** Fetched when somebody goes there; only the first page comes at once. */
  load: () => Promise<{ default: Component<PageProps> }>;
}

/** All pages, in the order of the navigation. The first path of each is where its link leads. */
export const PAGES: readonly Page[] = [
  { paths: ['/'], word: 'nav.sync', icon: 'sync', load: async () => ({ default: Sync }) },
  {
    paths: ['/observations', '/observations/:doc'],
    word: 'nav.observations',
    icon: 'list',
    load: room(() => import('./observations/ObservationsPage.svelte')),
  },
  { paths: ['/analysis'], word: 'analysis.title', icon: 'chart', load: room(() => import('./analysis/AnalysisPage.svelte')) },
  { paths: ['/categories'], word: 'nav.categories', icon: 'grid', load: room(() => import('./categories/CategoriesPage.svelte')) },
  { paths: ['/settings'], word: 'nav.settings', icon: 'gear', load: room(() => import('./settings/SettingsPage.svelte')) },
];
