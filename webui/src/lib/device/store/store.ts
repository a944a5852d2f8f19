/**
 * The phone's store: IndexedDB, opened, with its key; one transaction at a time.
 *
 * `device.ts` opens it; every room of the engine works through `run`. It promises: what a call has written is durable when it
 * returns (`strict`: the browser waits for the disk, since a phone's battery dies), all of it or nothing; tabs take turns.
 */

import { openDB, type IDBPDatabase } from 'idb';
import { DeviceKey } from '../record/keys';
import { isId } from '../record/ids';
import { migrate, TABLES, VERSION, type Tables } from './schema';
import { StoreError } from './store-error';
import { Tx, type Writing } from './tx';

export const STORE = 'maloca-device';

const NUDGE = 'nudge';

export class Store {
  readonly #listeners = new Set<() => void>();
  readonly #waiting = new Set<() => void>();
  readonly #others: BroadcastChannel | null;

  private constructor(
    private readonly db: IDBPDatabase<Tables>,
    readonly key: DeviceKey,
  ) {
    this.#others = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(db.name);
    if (this.#others) this.#others.onmessage = ({ data }) => this.#hear(data);
  }

  /**
   * Opens the store, or makes it, with a new key. `key` is that of a saved file: taken where nothing was recorded or joined here yet;
   * tabs that have the unused one are closed out.
   */
  static async open(name = STORE, key?: DeviceKey): Promise<Store> {
    if (typeof indexedDB === 'undefined') throw new StoreError('no_storage', null);
    try {
      const db = await openDB<Tables>(name, VERSION, {
        upgrade: (db, before, _, tx) => migrate(db, tx as unknown as Parameters<typeof migrate>[1], before),
        // A newer page in another tab wants to change the tables: let it, this one asks to be reloaded.
        blocking: (_before, _after, event) => (event.target as IDBDatabase).close(),
      });
      const kept = await keyOf(db, key);
      const store = new Store(db, kept);
      if (key?.id === kept.id) store.#others?.postMessage(kept.id);
      return store;
    } catch (cause) {
      throw StoreError.of(cause);
    }
  }

  /**
   * Runs `work` in one transaction; where it fails, nothing of it is. What may be lost with a power cut is `relaxed`, and what
   * besides no page shows is `quiet`.
   */
  async run<V>(work: (tx: Tx) => Promise<V>, how: 'strict' | 'relaxed' | 'quiet' = 'strict'): Promise<V> {
    const durability = how === 'strict' ? 'strict' : 'relaxed';
    const value = await this.#within(() => this.db.transaction([...TABLES], 'readwrite', { durability }), async (tx) => {
      const value = await work(tx);
      await tx.close();
      return value;
    });
    if (how !== 'quiet') {
      this.#tell();
      this.#others?.postMessage(null);
    }
    return value;
  }

  /** Reads from one moment of the store. */
  async read<V>(work: (tx: Tx) => Promise<V>): Promise<V> {
    return this.#within(() => this.db.transaction([...TABLES], 'readonly') as unknown as Writing, work);
  }

  async #within<V>(begin: () => Writing, work: (tx: Tx) => Promise<V>): Promise<V> {
    let tables: Writing | null = null;
    try {
      tables = begin();
      // Heard below, or not at all.
      tables.done.catch(() => {});
      const value = await work(new Tx(tables, this.key.id));
      await tables.done;
      return value;
    } catch (cause) {
      try {
        tables?.abort();
      } catch {
        // It has ended already.
      }
      throw StoreError.of(cause);
    }
  }

  /** Hears of each change, made here or in another tab. Returns what ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Somebody recorded something: whoever syncs, in whichever tab, need not wait for its next turn. */
  nudge(): void {
    this.#wake();
    this.#others?.postMessage(NUDGE);
  }

  onNudge(listener: () => void): () => void {
    this.#waiting.add(listener);
    return () => this.#waiting.delete(listener);
  }

  /** Another tab has nudged, has changed something, or works with another key than this one. */
  #hear(said: unknown): void {
    if (said === NUDGE) this.#wake();
    else if (typeof said === 'string' && said !== this.key.id) this.db.close();
    else this.#tell();
  }

  #wake(): void {
    for (const listener of this.#waiting) listener();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  close(): void {
    this.#others?.close();
    this.db.close();
  }
}

/** The key, made at the first opening. It is durable before anything is signed with it; one that is there already costs no writing. */
async function keyOf(db: IDBPDatabase<Tables>, given?: DeviceKey): Promise<DeviceKey> {
  const meta = db.transaction('meta').store;
  const [seed, id] = await Promise.all([meta.get('seed'), meta.get('id')]);
  return !given && seed instanceof Uint8Array && isId(id) ? DeviceKey.kept(seed, id) : settledKey(db, given);
}

/** The same in a transaction of its own, as another tab may be about to make one too. */
async function settledKey(db: IDBPDatabase<Tables>, given?: DeviceKey): Promise<DeviceKey> {
  const tx = db.transaction(['meta', 'docs', 'hubs'], 'readwrite', { durability: 'strict' });
  const meta = tx.objectStore('meta');
  const [seed, id] = [await meta.get('seed'), await meta.get('id')];
  const used = (await tx.objectStore('docs').count()) + (await tx.objectStore('hubs').count()) > 0;
  const known = seed instanceof Uint8Array && (isId(id) ? DeviceKey.kept(seed, id) : DeviceKey.fromSeed(seed));
  const kept = known && (used || !given) ? known : (given ?? DeviceKey.generate());
  await meta.put(kept.seed, 'seed');
  await meta.put(kept.id, 'id');
  await tx.done;
  return kept;
}
