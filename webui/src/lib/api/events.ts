import { EVENTS_URL } from './client';
import type { HubEvents } from './types';

export type Listeners = { [Name in keyof HubEvents]: (data: HubEvents[Name]) => void };

const NAMES: (keyof HubEvents)[] = [
  'hello', 'device', 'device_removed', 'observations', 'media', 'overview', 'export', 'pairing',
];

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/** Doubling pauses with jitter, so that many tabs do not return to a waking hub in one moment. */
export function pauseBefore(attempt: number, random: number = Math.random()): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt) * (0.5 + random / 2);
}

/**
 * The hub's event stream, kept open for as long as the page lives.
 *
 * A browser gives up on an `EventSource` that was answered with an error; here every break leads to another
 * attempt. `hello` comes at each connection, and whoever listens fetches anew what it shows: nothing is replayed.
 */
export class EventStream {
  #source: EventSource | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempt = 0;

  constructor(
    private readonly listeners: Listeners,
    private readonly lost: () => void,
  ) {
    addEventListener('online', this.#now);
    document.addEventListener('visibilitychange', this.#now);
    this.#open();
  }

  close(): void {
    removeEventListener('online', this.#now);
    document.removeEventListener('visibilitychange', this.#now);
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #open(): void {
    clearTimeout(this.#timer);
    const source = new EventSource(EVENTS_URL);
    this.#source = source;
    for (const name of NAMES) this.#listen(source, name);
    source.onerror = () => this.#failed(source);
  }

  #listen<Name extends keyof HubEvents>(source: EventSource, name: Name): void {
    source.addEventListener(name, (event) => {
      if (name === 'hello') this.#attempt = 0;
      this.listeners[name](JSON.parse(event.data) as HubEvents[Name]);
    });
  }

  #failed(source: EventSource): void {
    source.close();
    if (this.#source !== source) return;
    this.#source = null;
    this.lost();
    this.#timer = setTimeout(() => this.#open(), pauseBefore(this.#attempt++));
  }

  /** Somebody looks at the page again, or a network came: no reason to wait out the pause. */
  #now = (): void => {
    if (this.#source || document.visibilityState === 'hidden') return;
    this.#open();
  };
}
