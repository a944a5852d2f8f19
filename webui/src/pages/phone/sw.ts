/**
 * The service worker: the app opens without a network, as it was when it was last fetched whole.
 *
 * `build/service-worker.ts` builds it and tells it the files. It promises: nothing of a hub's API passes through it; a new version
 * waits until a page says that it shall take over, so that no page loses its files in the middle of its work.
 */

/// <reference lib="webworker" />

import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute, type PrecacheEntry } from 'workbox-precaching';
import { NavigationRoute, registerRoute } from 'workbox-routing';
import { APPLY } from './install/words';

declare const self: ServiceWorkerGlobalScope;
declare const __PRECACHE__: PrecacheEntry[];

/** Large files that not everybody needs, kept from when they were first fetched. */
const LARGE = 'maloca-large';

cleanupOutdatedCaches();
precacheAndRoute(__PRECACHE__);
registerRoute(new NavigationRoute(createHandlerBoundToURL('index.html')));
registerRoute(
  ({ url }) => url.href.startsWith(new URL('assets/', self.registration.scope).href),
  async ({ request }) => {
    const cache = await caches.open(LARGE);
    const kept = await cache.match(request);
    if (kept) return kept;
    const answer = await fetch(request);
    if (answer.ok) await cache.put(request, answer.clone());
    return answer;
  },
);

self.addEventListener('message', ({ data }) => {
  if (data === APPLY) void self.skipWaiting();
});

// Their names change with each version; what the new one needs it fetches again.
self.addEventListener('activate', (event) => event.waitUntil(caches.delete(LARGE)));
