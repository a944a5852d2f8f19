import { EVENTS_URL } from './client';
import { connect } from './line';
import { Tabs } from './tabs';
import type { HubEvents } from './types';

export type Listeners = { [Name in keyof HubEvents]: (data: HubEvents[Name]) => void };

/** With a number, as a tab that was opened before the hub was renewed speaks as it did then. */
const CHANNEL = 'maloca-events-1';

/**
 * The hub's event stream, kept for as long as the page lives; one for all tabs of the browser.
 *
 * Every break leads to another attempt. `hello` comes at each connection, and whenever something may have been missed:
 * whoever listens fetches anew what it shows, and nothing is replayed.
 */
export class EventStream {
  #tabs: Tabs;
  #closing = new AbortController();

  constructor(listeners: Listeners, lost: () => void) {
    this.#tabs = new Tabs(
      () => ('BroadcastChannel' in globalThis ? new BroadcastChannel(CHANNEL) : null),
      (take, ended) => connect(EVENTS_URL, take, ended),
      // A hub that is newer than this page may say more.
      (name, data) => (listeners as Partial<Record<string, (data: unknown) => void>>)[name]?.(data),
      lost,
    );
    this.#tabs.join();
    // A page that is put aside does not run, so it must not lead; what it hears meanwhile is lost.
    this.#on(window, 'pagehide', () => this.#tabs.leave());
    this.#on(document, 'freeze', () => this.#tabs.leave());
    this.#on(window, 'pageshow', () => this.#tabs.join());
    this.#on(document, 'resume', () => this.#tabs.join());
    // Somebody looks at the page again, or a network came.
    this.#on(window, 'online', () => this.#tabs.look(true));
    this.#on(document, 'visibilitychange', () => document.visibilityState === 'visible' && this.#tabs.look(true));
  }

  close(): void {
    this.#closing.abort();
    this.#tabs.leave();
  }

  #on(target: EventTarget, name: string, act: () => void): void {
    target.addEventListener(name, act, { signal: this.#closing.signal });
  }
}
