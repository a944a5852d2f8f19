/**
 * How a draft becomes a signed revision; the twin of `protocol/src/client/outbox/freeze.rs`.
 *
 * The sync task takes what it sends next with `take`, and commits it before the first byte leaves. It promises that what does not
 * fit stays a draft, since nobody was offered it, and that one draft that breaks a rule holds up nothing behind it.
 */

import { ENVELOPE_BYTES } from '../limits';
import type { DeviceId, DocId } from '../record/ids';
import type { DeviceKey } from '../record/keys';
import { Refusal } from '../record/refusal';
import { sign, sizeOf, type Revision } from '../record/revision';
import type { Entry, Outbox } from './outbox';
import type { Local, Unfrozen, Waiting } from './rows';

export interface Taken {
  waiting: Waiting;
  revision: Revision;
}

/** A draft on its way to being a revision, and what signing it came to. */
interface Signed {
  local: Local;
  draft: Unfrozen;
  outcome: Revision | Refusal;
}

/** Makes a document's draft a signed revision that waits for every hub. `null` where there is none, or where it breaks a rule. */
export async function freeze(outbox: Outbox, key: DeviceKey, doc: DocId): Promise<Taken | null> {
  const signed = await signDraft(outbox, key, doc);
  return signed && note(outbox, signed);
}

/**
 * The next of the queue for a hub, frozen where they were drafts: at most `limit`, and so many that their envelopes with line ends fit
 * into `bytes`, but always one. To be committed before any of it is sent.
 */
export async function take(
  outbox: Outbox,
  key: DeviceKey,
  hub: DeviceId,
  { after = 0, limit, bytes }: { after?: number; limit: number; bytes: number },
): Promise<Taken[]> {
  const taken: Taken[] = [];
  let [room, from] = [bytes, after];
  // Drafts that cannot be frozen leave gaps, so one listing may not be enough.
  while (taken.length < limit) {
    const entries = await outbox.queue(hub, from, limit - taken.length);
    if (entries.length === 0) break;
    for (const entry of entries) {
      from = entry.place;
      const next = await takeOne(outbox, key, entry, taken.length === 0 ? Number.POSITIVE_INFINITY : room);
      if (next === 'no room') return taken;
      if (!next) continue;
      room = Math.max(0, room - sizeOf(next.revision) - ENVELOPE_BYTES);
      taken.push(next);
    }
  }
  return taken;
}

async function takeOne(outbox: Outbox, key: DeviceKey, entry: Entry, room: number): Promise<Taken | null | 'no room'> {
  const fits = (revision: Revision) => sizeOf(revision) + ENVELOPE_BYTES <= room;
  if (entry.id !== undefined) {
    const { place, doc, id } = entry;
    const revision = (await outbox.rows.revision(doc, id))?.revision;
    if (!revision) return null;
    return fits(revision) ? { waiting: { place, doc, id }, revision } : 'no room';
  }
  const signed = await signDraft(outbox, key, entry.doc);
  if (!signed) return null;
  // What does not fit stays a draft: nobody was offered it.
  if (!(signed.outcome instanceof Refusal) && !fits(signed.outcome)) return 'no room';
  return note(outbox, signed);
}

/** What a document's draft is as a revision. Changes nothing yet. */
async function signDraft(outbox: Outbox, key: DeviceKey, doc: DocId): Promise<Signed | null> {
  const local = await outbox.rows.local(doc);
  const draft = local?.draft;
  if (!local || !draft || draft.refused) return null;
  try {
    return { local, draft, outcome: sign({ ...draft, kind: local.kind, doc }, key) };
  } catch (cause) {
    if (cause instanceof Refusal) return { local, draft, outcome: cause };
    throw cause;
  }
}

/** Notes what became of it. */
async function note({ rows, me }: Outbox, { local, draft, outcome }: Signed): Promise<Taken | null> {
  const { doc } = local;
  const { place } = draft;
  await rows.removeDraft(place);
  if (outcome instanceof Refusal) {
    await rows.putLocal({ ...local, draft: { ...draft, refused: outcome.code } });
    await rows.putParked(me, { place, doc, code: outcome.code, detail: outcome.message });
    return null;
  }
  const waiting = { place, doc, id: outcome.id };
  await rows.putRevision({ revision: outcome, own: { place, version: local.version } });
  for (const hub of await rows.hubs()) await rows.putWaiting(hub, waiting);
  await rows.putLocal({ ...local, draft: undefined });
  return { waiting, revision: outcome };
}
