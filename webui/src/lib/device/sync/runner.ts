/**
 * The one task that syncs: finds the hubs that this phone knows, one after the other, has its contact with each, and tries again
 * for ever.
 *
 * `device.ts` starts it. It promises: one tab at a time; a hub that is away costs a second and a half and holds up no other; each
 * hub has its own pauses, which double up to a minute and end at once when somebody records something or asks for it.
 */

import type { DeviceId } from '../record/ids';
import type { KnownHub } from '../store/schema';
import type { Store } from '../store/store';
import { StoreError } from '../store/store-error';
import { CallError } from '../wire/call-error';
import { HubClient } from '../wire/client';
import type { Fetch } from '../wire/fetching';
import { find } from '../wire/meet';
import { reachedAt } from '../store/hubs';
import { pauseAfter } from './backoff';
import type { ContactOptions } from './contact';
import type { Progress, SyncReport } from './report';
import { inTurn, pause, type TurnOptions } from './turn';

/** How long after a good contact the next one comes by itself. */
const EVERY_MS = 30_000;

/** How long after losing its turn this tab asks for the next. */
const AGAIN_MS = 1_000;

/** How it stands with a hub, for the pages. */
export interface HubStatus {
  hub: DeviceId;
  phase: 'looking' | 'talking' | 'waiting';
  /** When it is tried next, by the phone's clock, in `waiting`. */
  nextAt: number | null;
  /** The last contact that came to its end. */
  report: SyncReport | null;
  /** Why the last one did not; `null` once one does. */
  trouble: CallError | null;
}

export interface RunnerOptions extends TurnOptions {
  app: string;
  fetch?: Fetch;
  random?: () => number;
  /** Where a hub may be besides its known addresses: where this page came from, `http://maloca.local:8733`. */
  addresses?: string[];
  pull?: ContactOptions['pull'];
  battery?: () => number | undefined;
}

type Listener = (status: HubStatus, progress: Progress | null) => void;

export class Runner {
  readonly #clients = new Map<DeviceId, HubClient>();
  readonly #statuses = new Map<DeviceId, HubStatus & { tries: number }>();
  /** The end of the last contact with each hub. */
  readonly #contacts = new Map<DeviceId, Promise<unknown>>();
  readonly #listeners = new Set<Listener>();
  readonly #fetch: Fetch;
  readonly #now: () => number;
  #stop: AbortController | null = null;

  constructor(
    private readonly store: Store,
    private readonly options: RunnerOptions,
  ) {
    this.#fetch = options.fetch ?? ((...args) => fetch(...args));
    this.#now = options.now ?? Date.now;
  }

  statuses = (): HubStatus[] => [...this.#statuses.values()];

  /** The person has left this hub. */
  forget(id: DeviceId): void {
    this.#statuses.delete(id);
    this.#clients.delete(id);
  }

  onStatus(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Syncs from now on, whenever it is this tab's turn. */
  start(): void {
    if (this.#stop) return;
    const stop = new AbortController();
    this.#stop = stop;
    inTurn(this.store, (lost) => this.#rounds(either(stop.signal, lost)), stop.signal, this.options).catch((cause: unknown) => {
      if (this.#stop !== stop || stop.signal.aborted) return;
      this.#stop = null;
      // Another page has taken over for good.
      if (cause instanceof StoreError && cause.code === 'closed') return;
      // Another tab took over, or the store failed: wait for the next turn.
      setTimeout(() => this.start(), AGAIN_MS);
    });
  }

  stop(): void {
    this.#stop?.abort();
    this.#stop = null;
  }

  async #rounds(stop: AbortSignal): Promise<void> {
    let nudged = true;
    const unhear = this.store.onNudge(() => {
      nudged = true;
    });
    try {
      for (;;) {
        stop.throwIfAborted();
        const all = nudged;
        nudged = false;
        const hubs = await this.#hubs();
        for (const hub of hubs) {
          if (all || (this.#statusOf(hub.id).nextAt ?? 0) <= this.#now()) await this.#turnOf(hub, stop);
        }
        // One that was left, or has forgotten this phone, is not waited for.
        const nexts = hubs.map(({ id }) => this.#statusOf(id).nextAt ?? 0);
        const wait = nexts.length > 0 ? Math.min(...nexts) - this.#now() : EVERY_MS;
        // Something was recorded while the hubs were talked to: the next round is now.
        if (!nudged) await pause(Math.max(wait, 50), stop, (wake) => this.store.onNudge(wake));
      }
    } finally {
      unhear();
    }
  }

  #hubs = async (): Promise<KnownHub[]> => (await this.store.read((tx) => tx.table('hubs').getAll())).filter((hub) => !hub.forgotten);

  /** A contact whose end, good or bad, only its status tells. */
  async #turnOf(hub: KnownHub, stop: AbortSignal): Promise<void> {
    await this.once(hub.id, { stop }).catch((cause: unknown) => {
      if (!(cause instanceof CallError)) throw cause;
    });
  }

  /** What a hub answers at a path, besides all contacts. Fails with a `CallError`. */
  async read(id: DeviceId, path: string, stop?: AbortSignal): Promise<ArrayBuffer> {
    return (await this.#client(id)).bytes(path, stop);
  }

  /** One contact, as soon as the one that is under way has ended. Fails with a `CallError`, or with what failed on this phone. */
  once(id: DeviceId, options: Partial<ContactOptions> = {}): Promise<SyncReport> {
    const before = this.#contacts.get(id) ?? Promise.resolve();
    const contact = before.then(() => this.#contact(id, options));
    this.#contacts.set(id, contact.catch(() => {}));
    return contact;
  }

  async #contact(id: DeviceId, options: Partial<ContactOptions>): Promise<SyncReport> {
    const status = this.#statusOf(id);
    try {
      this.#note(id, { phase: 'looking', nextAt: null });
      const client = await this.#client(id);
      this.#note(id, { phase: 'talking' });
      const { app, pull, battery } = this.options;
      // A phone that has joined no hub needs none of it.
      const { contact } = await import('./contact');
      const watch = (progress: Progress) => this.#tell(this.#statusOf(id), progress);
      const report = await contact(this.store, client, id, { app, pull, battery: battery?.(), watch, ...options });
      // What the hub takes another day is no reason to hurry.
      this.#note(id, { phase: 'waiting', nextAt: this.#now() + EVERY_MS, report, trouble: null, tries: 0 });
      return report;
    } catch (cause) {
      const own = cause instanceof StoreError || options.stop?.aborted;
      const trouble = own ? null : await this.#heard(id, cause instanceof CallError ? cause : CallError.garbled('garbled', String(cause)));
      if (trouble) await this.#failed(id, trouble, status.tries);
      else this.#note(id, { phase: 'waiting', nextAt: this.#now() + EVERY_MS });
      throw trouble ?? cause;
    }
  }

  /** What is to be believed of a refusal: another hub may have come to the address since this one was met there, and knows nobody. */
  async #heard(id: DeviceId, trouble: CallError): Promise<CallError> {
    if (!['join_again', 'denied', 'refused', 'gone'].includes(trouble.kind) || !this.#clients.has(id)) return trouble;
    this.#clients.delete(id);
    return this.#client(id).then(
      () => trouble,
      (cause: unknown) => (cause instanceof CallError ? cause : trouble),
    );
  }

  async #failed(id: DeviceId, trouble: CallError, tries: number): Promise<void> {
    // It may have another address by now.
    if (trouble.kind !== 'busy') this.#clients.delete(id);
    if (trouble.kind === 'join_again') await this.store.run((tx) => tx.changeHub(id, () => ({ forgotten: true })));
    const random = (this.options.random ?? Math.random)();
    const nextAt = this.#now() + pauseAfter(tries, random, trouble.againInMs);
    this.#note(id, { phase: 'waiting', nextAt, trouble, tries: tries + 1 });
  }

  /** A hub at whichever of its addresses answers first. */
  async #client(id: DeviceId): Promise<HubClient> {
    const known = this.#clients.get(id);
    if (known) return known;
    const hub = await this.store.read((tx) => tx.hub(id));
    if (!hub) throw new CallError('join_again', { code: 'not_joined', status: 0, detail: 'This phone has not joined that hub.', retry: false });
    const { address, info } = await find(this.#fetch, hub.addresses, { hub: id, project: hub.project }, this.options.addresses);
    if (address !== hub.addresses[0] || info.name !== hub.name) {
      await this.store.run((tx) => tx.changeHub(id, (hub) => ({ addresses: reachedAt(hub.addresses, address), name: info.name })));
    }
    const client = new HubClient(address, id, this.store.key, { fetch: this.#fetch, now: this.#now });
    this.#clients.set(id, client);
    return client;
  }

  #statusOf(hub: DeviceId) {
    return this.#statuses.get(hub) ?? { hub, phase: 'waiting' as const, nextAt: null, report: null, trouble: null, tries: 0 };
  }

  #note(hub: DeviceId, change: Partial<HubStatus & { tries: number }>): void {
    const status = { ...this.#statusOf(hub), ...change };
    this.#statuses.set(hub, status);
    this.#tell(status, null);
  }

  #tell(status: HubStatus, progress: Progress | null): void {
    for (const listener of this.#listeners) listener(status, progress);
  }
}

/** Fires when either does. `AbortSignal.any` is younger than many phones. */
function either(...signals: AbortSignal[]): AbortSignal {
  const both = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) both.abort(signal.reason);
    signal.addEventListener('abort', () => both.abort(signal.reason), { once: true });
  }
  return both.signal;
}
