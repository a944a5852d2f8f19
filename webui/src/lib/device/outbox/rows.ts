/**
 * What the outbox's rules need of whoever keeps their rows: IndexedDB (`store/tx.ts`) or memory (`outbox/memory.ts`).
 *
 * The twin of `protocol/src/client/outbox/rows.rs`. All changes of one call are kept together or not at all.
 */

import type { DeviceId, DocId, MediaHash, RevisionId } from '../record/ids';
import type { JsonObject } from '../record/canonical';
import type { Attachment, Revision } from '../record/revision';

/** A change that a person makes to a document. What it does not name stays as it is. */
export interface Edit {
  /** Properties to write. */
  set?: JsonObject;
  /** Properties to remove; applied after `set`. */
  unset?: string[];
  attach?: Attachment[];
  /** Media to detach; applied after `attach`. */
  detach?: MediaHash[];
  /** Whether the document shall be deleted, or brought back. */
  deleted?: boolean;
  /**
   * The heads that the person saw when they began; without it, those of this moment. Where there is no draft yet, the new revision
   * stands on these and on what was written here upon them: what others brought meanwhile shows as a conflict.
   */
  upon?: RevisionId[];
}

/** A draft, not frozen yet: always the difference from what its author had seen. */
export interface Unfrozen {
  /** Its place in the queue. */
  place: number;
  /** The heads that its author had seen when it was begun. */
  parents: RevisionId[];
  /** When it was edited last, by this device's clock, milliseconds since 1970. */
  createdAt: number;
  set: JsonObject;
  /** Sorted by UTF-8. */
  unset: string[];
  /** In the order in which they came. */
  attach: Attachment[];
  /** Sorted. */
  detach: MediaHash[];
  deleted: boolean;
  /** The refusal with which freezing it failed; until it is edited it is out of the queue. */
  refused?: string;
}

/** A document as this device holds it, besides its revisions. */
export interface Local {
  doc: DocId;
  kind: string;
  /** How often it was edited here. */
  version: number;
  /** For each hub, the version that it last acknowledged. Only the sync task writes it. */
  versionSynced: Record<DeviceId, number>;
  /** What was changed here and never offered to any hub. */
  draft?: Unfrozen;
}

/** The bookkeeping of an own revision: its place in the queue, and the document's version that it froze. */
export interface Own {
  place: number;
  version: number;
}

/** A revision that is kept here. */
export interface Kept {
  revision: Revision;
  own?: Own;
}

/** A frozen revision that waits for a hub. */
export interface Waiting {
  place: number;
  doc: DocId;
  id: RevisionId;
}

/** A revision that a hub refused, or a draft that this device could not freeze. Kept, shown, and in nobody's way. */
export interface Parked {
  place: number;
  doc: DocId;
  /** None for a draft. */
  id?: RevisionId;
  code: string;
  detail: string;
}

export interface Rows {
  local(doc: DocId): Promise<Local | undefined>;
  putLocal(local: Local): Promise<void>;
  removeLocal(doc: DocId): Promise<void>;
  /** All revisions of a document. */
  history(doc: DocId): Promise<Kept[]>;
  revision(doc: DocId, id: RevisionId): Promise<Kept | undefined>;
  /** The bookkeeping of a kept revision that is this device's own. */
  ownOf(doc: DocId, id: RevisionId): Promise<Own | undefined>;
  putRevision(kept: Kept): Promise<void>;
  /** All own revisions. */
  own(): Promise<Waiting[]>;
  hubs(): Promise<DeviceId[]>;
  /** A place that was never given before; each is greater than the last. */
  nextPlace(): Promise<number>;
  putDraft(place: number, doc: DocId): Promise<void>;
  removeDraft(place: number): Promise<void>;
  /** Drafts after a place, in order. */
  drafts(after: number, limit: number): Promise<{ place: number; doc: DocId }[]>;
  putWaiting(hub: DeviceId, waiting: Waiting): Promise<void>;
  /** Whether there was one. */
  removeWaiting(hub: DeviceId, place: number): Promise<boolean>;
  /** Frozen revisions that wait for a hub after a place, in order. */
  waiting(hub: DeviceId, after: number, limit: number): Promise<Waiting[]>;
  putParked(by: DeviceId, parked: Parked): Promise<void>;
  /** Whether there was one. */
  removeParked(by: DeviceId, place: number): Promise<boolean>;
  parked(by: DeviceId): Promise<Parked[]>;
  /** Notes that a hub holds an own revision: adds to the fingerprint that is told to it. */
  addAcked(hub: DeviceId, id: RevisionId): Promise<void>;
  forgetAcked(hub: DeviceId): Promise<void>;
  /** Documents whose last edit was undone, so that their version is ahead of every revision's. */
  setUndone(doc: DocId, undone: boolean): Promise<void>;
  undone(): Promise<DocId[]>;
}
