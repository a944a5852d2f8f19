/** What the page says to its service worker: the new version shall take over. */
export const APPLY = 'apply';
