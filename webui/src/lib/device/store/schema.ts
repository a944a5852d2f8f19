/**
 * The tables of the phone's store in IndexedDB, and the steps by which they came to be.
 *
 * `store.ts` opens them. Each step leads from one version to the next and is never edited once it was released: a phone may come
 * back from the forest with any of them. `fixtures/` holds a store of each version as it was written then, which a test opens.
 *
 * ```text
 * meta       name                      the key (`seed`, `id`), the last place of the queue (`place`)
 * settings   name                      whatever the pages keep: the monitor's name, the language, …
 * hubs       id                        KnownHub
 * docs       doc                       outbox Local
 * views      doc                       what the pages show: the merge with the draft upon it; derived from docs and revisions
 * revisions  doc, id                   canonical form and signature; place and version where it is this phone's own
 * drafts     place                     doc
 * waiting    hub, place                doc, id: frozen, and not acknowledged by this hub
 * parked     by, place                 refused by a hub, or by this phone itself
 * undone     doc                       the last edit was taken back
 * media      hash                      what a file is and where it is held
 * blobs      hash                      its bytes as they came; absent once freed
 * wanted     hub, hash                 a hub may lack it; how far its upload has come
 * leases     name                      which tab works, where the browser has no Web Locks
 * ```
 */

import type { DBSchema, IDBPDatabase, IDBPTransaction } from 'idb';
import type { Local, Parked, Waiting } from '../outbox/rows';
import type { Document } from '../record/document';
import type { Fingerprint } from '../record/fingerprint';
import type { DeviceId, DocId, MediaHash, ProjectId, RevisionId } from '../record/ids';
import type { Attachment } from '../record/revision';
import type { SignedReceipt } from '../wire/types';

/** A hub that this phone has joined. */
export interface KnownHub {
  /** Its key, pinned. */
  id: DeviceId;
  project: ProjectId;
  name: string;
  /** Where it was reached, the latest first: `http://192.168.1.5:8733`. */
  addresses: string[];
  /** The own revisions that it is known to hold. */
  acked: Fingerprint;
  /** The last receipt; its epoch and head are what the next one is held against. */
  receipt: SignedReceipt | null;
  /** How far its feed was read. */
  cursor: string | null;
  /** Whether a page of its feed left something out since the cursor began. */
  filtered: boolean;
  /** It does not know this phone any more; nothing is sent until the person joins again. */
  forgotten: boolean;
}

/** An attachment that stands; without a revision while only the draft attaches it. */
export interface ShownAttachment extends Attachment {
  revision: RevisionId | null;
}

/** A document as the pages show it: the merge, with this phone's own draft upon it. */
export interface View extends Omit<Document, 'attachments'> {
  attachments: ShownAttachment[];
  /** Whether something of it was never offered to any hub. */
  draft: boolean;
}

export interface RevisionRow {
  doc: DocId;
  id: RevisionId;
  sig: string;
  canonical: string;
  /** Of an own revision; absent otherwise, so that the index `own` lists these alone. */
  place?: number;
  version?: number;
}

export interface MediaRow {
  hash: MediaHash;
  size: number;
  name: string;
  type: string;
  /** Whether a frozen revision attaches it; what none names is forgotten with the draft that brought it. */
  named: boolean;
  /** When it came into this store, by the phone's clock. */
  addedAt: number;
  /** What hubs said of it by name in a signed receipt: that they hold it, or freed it after a verified copy elsewhere. */
  said: Record<DeviceId, { state: 'held' | 'released'; copies: number; at: string; epoch: string }>;
  /** When its bytes were freed here; `null` while they are here. */
  freedAt: number | null;
}

/** How a media file stands with a hub that may lack it. */
export interface WantedRow {
  hub: DeviceId;
  hash: MediaHash;
  /** The upload that was begun, as an absolute path on the hub, and how far it has come. */
  upload?: string;
  offset?: number;
  /** Why it cannot be sent. Looked at again when the file is attached anew. */
  refused?: { code: string; detail: string };
}

export interface Lease {
  name: string;
  holder: string;
  until: number;
}

export interface Tables extends DBSchema {
  meta: { key: string; value: number | string | Uint8Array };
  settings: { key: string; value: unknown };
  hubs: { key: DeviceId; value: KnownHub };
  docs: { key: DocId; value: Local };
  views: { key: DocId; value: View; indexes: { kind: [string, string] } };
  revisions: { key: [DocId, RevisionId]; value: RevisionRow; indexes: { own: number } };
  drafts: { key: number; value: { place: number; doc: DocId } };
  waiting: { key: [DeviceId, number]; value: Waiting & { hub: DeviceId } };
  parked: { key: [DeviceId, number]; value: Parked & { by: DeviceId } };
  undone: { key: DocId; value: { doc: DocId } };
  media: { key: MediaHash; value: MediaRow };
  blobs: { key: MediaHash; value: Blob };
  wanted: { key: [DeviceId, MediaHash]; value: WantedRow };
  leases: { key: string; value: Lease };
}

export const TABLES = [
  'meta', 'settings', 'hubs', 'docs', 'views', 'revisions', 'drafts', 'waiting', 'parked', 'undone', 'media', 'blobs', 'wanted', 'leases',
] as const;

export type Table = (typeof TABLES)[number];

type Upgrade = IDBPTransaction<Tables, Table[], 'versionchange'>;
type Step = (db: IDBPDatabase<Tables>, tx: Upgrade) => Promise<void> | void;

/** Step n leads from version n to version n + 1. To change the tables: add a step, a fixture of the version before, a line above. */
export const STEPS: Step[] = [
  function first(db) {
    for (const name of ['meta', 'settings', 'blobs'] as const) db.createObjectStore(name);
    db.createObjectStore('hubs', { keyPath: 'id' });
    db.createObjectStore('docs', { keyPath: 'doc' });
    db.createObjectStore('views', { keyPath: 'doc' }).createIndex('kind', ['kind', 'changed_at']);
    db.createObjectStore('revisions', { keyPath: ['doc', 'id'] }).createIndex('own', 'place');
    db.createObjectStore('drafts', { keyPath: 'place' });
    db.createObjectStore('waiting', { keyPath: ['hub', 'place'] });
    db.createObjectStore('parked', { keyPath: ['by', 'place'] });
    db.createObjectStore('undone', { keyPath: 'doc' });
    db.createObjectStore('media', { keyPath: 'hash' });
    db.createObjectStore('wanted', { keyPath: ['hub', 'hash'] });
    db.createObjectStore('leases', { keyPath: 'name' });
  },
];

/** The version that this code writes. */
export const VERSION = STEPS.length;

/**
 * Takes all steps from `before`, in one transaction with the change of version: a kill, or a step that fails, leaves the store as
 * it was.
 */
export function migrate(db: IDBPDatabase<Tables>, tx: Upgrade, before: number, steps = STEPS): void {
  const taken = async () => {
    for (const step of steps.slice(before)) await step(db, tx);
  };
  // Whoever opens the store hears of it.
  tx.done.catch(() => {});
  taken().catch(() => tx.abort());
}
