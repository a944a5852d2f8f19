/** The outbox's rows in memory, without any cleverness: what the conformance vectors run over. */

import type { DeviceId, DocId, RevisionId } from '../record/ids';
import type { Kept, Local, Parked, Rows, Waiting } from './rows';

/** Rows of one table by a text that sorts as the table does. */
class Table<V> {
  readonly #rows = new Map<string, V>();

  get = (key: string): V | undefined => this.#rows.get(key);
  put = (key: string, value: V): unknown => this.#rows.set(key, value);
  remove = (key: string): boolean => this.#rows.delete(key);
  /** In order of their keys, those that begin with `prefix`. */
  list = (prefix = ''): V[] => {
    const keys = [...this.#rows.keys()].filter((key) => key.startsWith(prefix)).sort();
    return keys.map((key) => this.#rows.get(key) as V);
  };
}

/** Numbers as texts that sort. */
const padded = (place: number): string => String(place).padStart(16, '0');

export class Memory implements Rows {
  readonly locals = new Table<Local>();
  readonly revisions = new Table<Kept>();
  readonly knownHubs = new Table<DeviceId>();
  readonly draftPlaces = new Table<{ place: number; doc: DocId }>();
  readonly waitingFor = new Table<Waiting>();
  readonly parkedBy = new Table<Parked & { by: DeviceId }>();
  readonly undoneDocs = new Table<DocId>();
  #place = 0;

  local = async (doc: DocId) => this.locals.get(doc);
  async putLocal(local: Local) {
    this.locals.put(local.doc, local);
  }
  async removeLocal(doc: DocId) {
    this.locals.remove(doc);
  }
  history = async (doc: DocId) => this.revisions.list(doc);
  revision = async (doc: DocId, id: RevisionId) => this.revisions.get(doc + id);
  ownOf = async (doc: DocId, id: RevisionId) => this.revisions.get(doc + id)?.own;
  async putRevision(kept: Kept) {
    this.revisions.put(kept.revision.content.doc + kept.revision.id, kept);
  }
  async own() {
    const waiting = ({ revision, own }: Kept) => (own ? [{ place: own.place, doc: revision.content.doc, id: revision.id }] : []);
    return this.revisions.list().flatMap(waiting);
  }
  hubs = async () => this.knownHubs.list();
  async nextPlace() {
    this.#place += 1;
    return this.#place;
  }
  async putDraft(place: number, doc: DocId) {
    this.draftPlaces.put(padded(place), { place, doc });
  }
  async removeDraft(place: number) {
    this.draftPlaces.remove(padded(place));
  }
  drafts = async (after: number, limit: number) => this.draftPlaces.list().filter(({ place }) => place > after).slice(0, limit);
  async putWaiting(hub: DeviceId, waiting: Waiting) {
    this.waitingFor.put(hub + padded(waiting.place), waiting);
  }
  removeWaiting = async (hub: DeviceId, place: number) => this.waitingFor.remove(hub + padded(place));
  waiting = async (hub: DeviceId, after: number, limit: number) =>
    this.waitingFor.list(hub).filter(({ place }) => place > after).slice(0, limit);
  async putParked(by: DeviceId, parked: Parked) {
    this.parkedBy.put(by + padded(parked.place), { ...parked, by });
  }
  removeParked = async (by: DeviceId, place: number) => this.parkedBy.remove(by + padded(place));
  parked = async (by: DeviceId) => this.parkedBy.list(by);
  async addAcked() {}
  async forgetAcked() {}
  async setUndone(doc: DocId, undone: boolean) {
    if (undone) this.undoneDocs.put(doc, doc);
    else this.undoneDocs.remove(doc);
  }
  undone = async () => this.undoneDocs.list();
}
