/**
 * One transaction over the phone's tables: the outbox's rows in IndexedDB, and the hubs.
 *
 * `store.ts` opens it and ends it; nothing but IndexedDB may be awaited within, or the browser ends it first. What each
 * acknowledgement touches, the hub's row and the last place, is written once, at the end; so are the views of changed documents.
 */

import type { IDBPTransaction } from 'idb';
import type { Kept, Local, Own, Parked, Rows, Waiting } from '../outbox/rows';
import { add, NOTHING } from '../record/fingerprint';
import type { DeviceId, DocId, RevisionId } from '../record/ids';
import { fromStored } from '../record/revision';
import type { KnownHub, RevisionRow, Table, Tables } from './schema';
import { viewOf } from './view';

export type Writing = IDBPTransaction<Tables, Table[], 'readwrite'>;

/** All keys that begin with `first`. Arrays sort behind numbers and texts. */
const beginningWith = (...first: string[]) => IDBKeyRange.bound(first, [...first, []]);
const after = (hub: DeviceId, place: number) => IDBKeyRange.bound([hub, place], [hub, Number.POSITIVE_INFINITY], true);
const atMost = (limit: number) => (Number.isFinite(limit) ? limit : undefined);

export class Tx implements Rows {
  readonly #hubs = new Map<DeviceId, KnownHub>();
  readonly #changedDocs = new Set<DocId>();
  #place: number | null = null;

  constructor(
    /** For the rooms of the store; whoever is outside has methods. */
    readonly tables: Writing,
    readonly me: DeviceId,
  ) {}

  table<T extends Table>(name: T) {
    return this.tables.objectStore(name);
  }

  /** Writes what was held back. */
  async close(): Promise<void> {
    for (const hub of this.#hubs.values()) await this.table('hubs').put(hub);
    if (this.#place !== null) await this.table('meta').put(this.#place, 'place');
    for (const doc of this.#changedDocs) {
      const local = await this.local(doc);
      const view = local && viewOf(local, await this.history(doc), this.me);
      if (view) await this.table('views').put(view);
      else await this.table('views').delete(doc);
    }
  }

  local = (doc: DocId) => this.table('docs').get(doc);
  async putLocal(local: Local) {
    await this.table('docs').put(local);
  }
  async removeLocal(doc: DocId) {
    this.#changedDocs.add(doc);
    await this.table('docs').delete(doc);
  }

  history = async (doc: DocId) => (await this.table('revisions').getAll(beginningWith(doc))).map(kept);
  async revision(doc: DocId, id: RevisionId) {
    const row = await this.table('revisions').get([doc, id]);
    return row && kept(row);
  }
  async ownOf(doc: DocId, id: RevisionId) {
    const row = await this.table('revisions').get([doc, id]);
    return row && own(row);
  }
  async putRevision({ revision: { id, sig, canonical, content }, own }: Kept) {
    this.#changedDocs.add(content.doc);
    await this.table('revisions').put({ doc: content.doc, id, sig, canonical, ...own });
    for (const { hash } of content.attach) {
      const media = await this.table('media').get(hash);
      if (media && !media.named) await this.table('media').put({ ...media, named: true });
    }
  }
  async own() {
    const own: Waiting[] = [];
    // Keys alone: the index says the place, the primary key the rest.
    for (let at = await this.table('revisions').index('own').openKeyCursor(); at; at = await at.continue()) {
      const [doc, id] = at.primaryKey;
      own.push({ place: at.key, doc, id });
    }
    return own;
  }

  hubs = () => this.table('hubs').getAllKeys();
  async nextPlace() {
    this.#place ??= ((await this.table('meta').get('place')) as number | undefined) ?? 0;
    this.#place += 1;
    return this.#place;
  }

  async putDraft(place: number, doc: DocId) {
    this.#changedDocs.add(doc);
    await this.table('drafts').put({ place, doc });
  }
  async removeDraft(place: number) {
    const draft = await this.table('drafts').get(place);
    if (draft) this.#changedDocs.add(draft.doc);
    await this.table('drafts').delete(place);
  }
  drafts = (place: number, limit: number) => this.table('drafts').getAll(IDBKeyRange.lowerBound(place, true), atMost(limit));

  async putWaiting(hub: DeviceId, { place, doc, id }: Waiting) {
    await this.table('waiting').put({ hub, place, doc, id });
  }
  async removeWaiting(hub: DeviceId, place: number) {
    const is = (await this.table('waiting').getKey([hub, place])) !== undefined;
    if (is) await this.table('waiting').delete([hub, place]);
    return is;
  }
  waiting = (hub: DeviceId, place: number, limit: number) => this.table('waiting').getAll(after(hub, place), atMost(limit));

  async putParked(by: DeviceId, { place, doc, id, code, detail }: Parked) {
    await this.table('parked').put({ by, place, doc, id, code, detail });
  }
  async removeParked(by: DeviceId, place: number) {
    const is = (await this.table('parked').getKey([by, place])) !== undefined;
    if (is) await this.table('parked').delete([by, place]);
    return is;
  }
  parked = (by: DeviceId) => this.table('parked').getAll(beginningWith(by));

  async addAcked(hub: DeviceId, id: RevisionId) {
    await this.changeHub(hub, (known) => ({ acked: add(known.acked, known.project, id) }));
  }
  async forgetAcked(hub: DeviceId) {
    await this.changeHub(hub, () => ({ acked: NOTHING }));
  }

  async setUndone(doc: DocId, undone: boolean) {
    if (undone) await this.table('undone').put({ doc });
    else await this.table('undone').delete(doc);
  }
  undone = () => this.table('undone').getAllKeys();

  /** A hub that this phone has joined. */
  hub = async (id: DeviceId) => this.#hubs.get(id) ?? (await this.table('hubs').get(id));
  async removeHub(id: DeviceId) {
    this.#hubs.delete(id);
    await this.table('hubs').delete(id);
  }
  async changeHub(id: DeviceId, change: (hub: KnownHub) => Partial<KnownHub>) {
    const hub = await this.hub(id);
    if (hub) this.#hubs.set(id, { ...hub, ...change(hub) });
  }
}

const kept = (row: RevisionRow): Kept => ({ revision: fromStored(row.id, row.canonical, row.sig), own: own(row) });

const own = ({ place, version }: RevisionRow): Own | undefined =>
  place === undefined || version === undefined ? undefined : { place, version };
