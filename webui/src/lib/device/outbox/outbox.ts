/**
 * The outbox: the rules by which a phone's edits become revisions, wait, and are known to have arrived. No disk, no clock, no
 * network: `store` runs them over IndexedDB, the conformance vectors over memory. The twin of `protocol/src/client/outbox.rs`.
 *
 * What it promises:
 *
 * - Each document has a `version`, which grows at each local edit, and for each hub a `versionSynced`, which only `ack` and
 *   `settle`, the sync task's, write: an edit made during a sync is never taken for sent.
 * - What was never offered to any hub is one draft a document. It keeps its place in the queue where it creates the document, so
 *   that what refers to it comes after; otherwise each edit moves it to the end. It is dropped when nothing differs any more; a
 *   document that was made and deleted before anybody was offered it vanishes.
 * - Freezing (`outbox/freeze.ts`) makes the draft a signed revision, which is never altered; later edits name it as their parent.
 * - A draft's parents are the heads that its author had seen when the draft was begun, and of a form (`Edit.upon`) when it was
 *   opened. What is pulled meanwhile shows as a conflict afterwards; it neither overwrites the draft nor is silently overridden by it.
 * - A parked revision holds up nothing.
 */

import { PARENTS } from '../limits';
import { merge, type Document } from '../record/document';
import type { DeviceId, DocId, RevisionId } from '../record/ids';
import type { Revision } from '../record/revision';
import { applied, emptyDraft, saysNothing, saysTheSame } from './draft';
import type { Edit, Kept, Local, Own, Rows, Unfrozen, Waiting } from './rows';

/** What became of an edit: it said what is so already; the draft says it now; it took back all that was unsent; the document is gone. */
export type Edited = 'unchanged' | 'changed' | 'undone' | 'vanished';

/** What stands in the queue for a hub. */
export type Entry = { place: number; doc: DocId; id?: RevisionId };

const newLocal = (doc: DocId, kind: string): Local => ({ doc, kind, version: 0, versionSynced: {} });

export class Outbox {
  constructor(
    readonly rows: Rows,
    readonly me: DeviceId,
  ) {}

  /** Changes a document, or makes it. `kind` counts where it is made; `at` is the device's clock, milliseconds since 1970. */
  async edit(doc: DocId, kind: string, at: number, edit: Edit): Promise<Edited> {
    const history = await this.rows.history(doc);
    const local = (await this.rows.local(doc)) ?? newLocal(doc, kind);
    const before = local.draft;
    const parents = before?.parents ?? headsOf(edit.upon ? seenSince(doc, history, edit.upon) : shown(doc, history));
    const base = merge(doc, ancestry(history, parents).values());
    const draft = applied(before ?? emptyDraft(parents, base), edit, base);
    // A root that was deleted before any offer says nothing either, though others may have made the document meanwhile.
    const nothing = base ? saysNothing(draft, base) : draft.deleted;
    if (before ? saysTheSame(before, draft) : nothing) return 'unchanged';
    if (before) await this.#drop(before);
    const after: Local = { ...local, draft: undefined, version: local.version + 1 };
    if (history.length === 0 && draft.deleted) {
      await this.rows.removeLocal(doc);
      return 'vanished';
    }
    await this.rows.setUndone(doc, nothing);
    if (nothing) {
      await this.rows.putLocal(after);
      return 'undone';
    }
    const place = before && draft.parents.length === 0 ? before.place : await this.rows.nextPlace();
    await this.rows.putDraft(place, doc);
    await this.rows.putLocal({ ...after, draft: { ...draft, place, createdAt: at, refused: undefined } });
    return 'changed';
  }

  async #drop(draft: Unfrozen): Promise<void> {
    await this.rows.removeDraft(draft.place);
    if (draft.refused) await this.rows.removeParked(this.me, draft.place);
  }

  /** What stands in the queue for a hub after a place, in order, drafts (which have no id) included. */
  async queue(hub: DeviceId, after: number, limit: number): Promise<Entry[]> {
    const drafts: Entry[] = await this.rows.drafts(after, limit);
    const entries = drafts.concat(await this.rows.waiting(hub, after, limit));
    return entries.sort((a, b) => a.place - b.place).slice(0, limit);
  }

  /** Notes that a hub holds a revision: stored, a duplicate or quarantined. A repeat changes nothing. */
  async ack(hub: DeviceId, { place, doc, id }: Waiting): Promise<void> {
    // One that was refused and is held after all was taken in by another way.
    if (!(await this.rows.removeWaiting(hub, place)) && !(await this.rows.removeParked(hub, place))) return;
    await this.rows.addAcked(hub, id);
    const version = (await this.rows.ownOf(doc, id))?.version ?? 0;
    const local = await this.rows.local(doc);
    if (local) await this.#noteSynced(local, hub, Math.max(version, local.versionSynced[hub] ?? 0));
  }

  async #noteSynced(local: Local, hub: DeviceId, version: number): Promise<void> {
    if (local.versionSynced[hub] === version) return;
    await this.rows.putLocal({ ...local, versionSynced: { ...local.versionSynced, [hub]: version } });
  }

  /** Sets a revision aside that a hub refused. */
  async refuse(hub: DeviceId, waiting: Waiting, code: string, detail: string): Promise<void> {
    if (await this.rows.removeWaiting(hub, waiting.place)) await this.rows.putParked(hub, { ...waiting, code, detail });
  }

  /** Takes in a revision that a hub has in its feed. Whether it is new here. */
  async pull(hub: DeviceId, revision: Revision): Promise<boolean> {
    const [doc, id] = [revision.content.doc, revision.id];
    const kept = await this.rows.revision(doc, id);
    if (kept) {
      // Its answer was lost, but here it is.
      if (kept.own) await this.ack(hub, { place: kept.own.place, doc, id });
      return false;
    }
    const waiting = await this.restore(revision);
    if (waiting) await this.ack(hub, waiting);
    return true;
  }

  /**
   * Takes in a revision that is unknown here. One of this device's own was made before it was restored: it is offered to all
   * hubs, as some may lack it.
   */
  async restore(revision: Revision): Promise<Waiting | null> {
    const { doc, author, kind } = revision.content;
    const local = (await this.rows.local(doc)) ?? newLocal(doc, kind);
    const own = author === this.me ? { place: await this.rows.nextPlace(), version: 0 } : undefined;
    await this.rows.putRevision({ revision, own });
    await this.rows.putLocal(local);
    if (!own) return null;
    const waiting = { place: own.place, doc, id: revision.id };
    for (const hub of await this.rows.hubs()) await this.rows.putWaiting(hub, waiting);
    return waiting;
  }

  /** Makes all own revisions wait for a hub: it is new, or it was restored or replaced and lacks what it once acknowledged. */
  async offerEverything(hub: DeviceId): Promise<void> {
    await this.rows.forgetAcked(hub);
    for (const { place } of await this.rows.parked(hub)) await this.rows.removeParked(hub, place);
    for (const waiting of await this.rows.own()) {
      await this.rows.putWaiting(hub, waiting);
      const local = await this.rows.local(waiting.doc);
      if (!local || local.versionSynced[hub] === undefined) continue;
      const { [hub]: _, ...versionSynced } = local.versionSynced;
      await this.rows.putLocal({ ...local, versionSynced });
    }
  }

  /** After a push: documents whose last edit was undone hold just what the hub acknowledged, so their version counts as synced. */
  async settle(hub: DeviceId): Promise<void> {
    const undone = await this.rows.undone();
    if (undone.length === 0) return;
    const heldUp = [...(await this.rows.waiting(hub, 0, Number.POSITIVE_INFINITY)), ...(await this.rows.parked(hub))];
    const docs = new Set(heldUp.map(({ doc }) => doc));
    for (const doc of undone.filter((doc) => !docs.has(doc))) {
      const local = await this.rows.local(doc);
      if (local) await this.#noteSynced(local, hub, local.version);
    }
  }
}

/** What the whole history shows. */
const shown = (doc: DocId, history: Kept[]): Document | null => merge(doc, history.map(({ revision }) => revision));

/** Its heads, as many as may be parents. */
const headsOf = (document: Document | null): RevisionId[] => document?.heads.slice(0, PARENTS) ?? [];

/** Those of `heads` that are kept, and what they stand on. */
function ancestry(history: Kept[], heads: RevisionId[]): Map<RevisionId, Revision> {
  const byId = new Map(history.map(({ revision }) => [revision.id, revision]));
  const known = new Map<RevisionId, Revision>();
  const open = [...heads];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const revision = byId.get(id);
    if (!revision || known.has(id)) continue;
    known.set(id, revision);
    open.push(...revision.content.parents);
  }
  return known;
}

/** The document as a person knows it who saw `heads` and has written upon them since: what they wrote upon anything else is not in it. */
function seenSince(doc: DocId, history: Kept[], heads: RevisionId[]): Document | null {
  const known = ancestry(history, heads);
  const here = new Set(history.map(({ revision }) => revision.id));
  // In the order in which they were written: each may stand on one before it.
  const own = history.filter(({ own }) => own).sort((a, b) => (a.own as Own).place - (b.own as Own).place);
  for (const { revision } of own) {
    if (revision.content.parents.every((parent) => known.has(parent) || !here.has(parent))) known.set(revision.id, revision);
  }
  return merge(doc, known.values());
}
