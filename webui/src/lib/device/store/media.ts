/**
 * Media in the store: what is kept, which hub may lack what, and what may be freed. Each takes the transaction of its caller.
 *
 * It promises: bytes are kept as they came; nothing is freed but what `freeable` allows at that moment.
 */

import type { DeviceId, MediaHash, RevisionId } from '../record/ids';
import { isEqual } from '../record/fingerprint';
import type { Receipt, Unsent } from '../wire/types';
import type { KnownHub, MediaRow, WantedRow } from './schema';
import type { Tx } from './tx';

/** A file that was hashed, so that an edit can attach it. */
export interface NewMedia {
  hash: MediaHash;
  bytes: Blob;
  name: string;
  type: string;
}

const ALL = Number.POSITIVE_INFINITY;

/** Keeps a file. Hubs that were not offered it yet will be; one where it was refused, again. */
export async function keepMedia(tx: Tx, { hash, bytes, name, type }: NewMedia, now: number): Promise<void> {
  const before = await tx.table('media').get(hash);
  const isHere = before !== undefined && before.freedAt === null;
  // Written over what is here: those bytes may have rotted, and these were hashed just now.
  await tx.table('blobs').put(bytes, hash);
  const fresh: MediaRow = { hash, size: bytes.size, name, type, named: false, addedAt: now, said: {}, freedAt: null };
  await tx.table('media').put(before ? { ...before, freedAt: null } : fresh);
  for (const hub of await tx.hubs()) {
    const wanted = await tx.table('wanted').get([hub, hash]);
    if (!isHere || wanted?.refused) await tx.table('wanted').put({ hub, hash });
  }
}

/** Forgets files that neither a revision nor a draft names: a photo that was taken back before anybody was offered it. */
export async function forgetUnnamed(tx: Tx, hashes: MediaHash[]): Promise<void> {
  if (hashes.length === 0) return;
  const drafted = await mediaOfDrafts(tx);
  for (const hash of hashes) {
    const media = await tx.table('media').get(hash);
    if (!media || media.named || drafted.has(hash)) continue;
    await tx.table('media').delete(hash);
    await drop(tx, hash);
  }
}

async function mediaOfDrafts(tx: Tx): Promise<Set<MediaHash>> {
  const hashes = new Set<MediaHash>();
  for (const { doc } of await tx.table('drafts').getAll()) {
    for (const { hash } of (await tx.local(doc))?.draft?.attach ?? []) hashes.add(hash);
  }
  // A draft that was parked is out of the queue, but it is still there.
  for (const { doc } of await tx.parked(tx.me)) for (const { hash } of (await tx.local(doc))?.draft?.attach ?? []) hashes.add(hash);
  return hashes;
}

async function drop(tx: Tx, hash: MediaHash): Promise<void> {
  await tx.table('blobs').delete(hash);
  for (const hub of await tx.hubs()) await tx.table('wanted').delete([hub, hash]);
}

/** Media that a hub may lack, by hash, after one of them. */
export const mediaWaiting = (tx: Tx, hub: DeviceId, after: MediaHash | null, limit: number): Promise<WantedRow[]> =>
  tx.table('wanted').getAll(IDBKeyRange.bound([hub, after ?? ''], [hub, []], true), Number.isFinite(limit) ? limit : undefined);

/** Makes all media that are here wait for a hub. */
export async function wantAllMedia(tx: Tx, hub: DeviceId): Promise<void> {
  for (const { hash, freedAt } of await tx.table('media').getAll()) {
    if (freedAt === null) await tx.table('wanted').put({ hub, hash });
  }
}

/** The hub is not the one that it was, so what it said it holds counts no more. */
export async function forgetSaid(tx: Tx, hub: DeviceId): Promise<void> {
  for (const media of await tx.table('media').getAll()) {
    if (!media.said[hub]) continue;
    const { [hub]: _, ...said } = media.said;
    await tx.table('media').put({ ...media, said });
  }
}

/** Notes what a hub said by name in a receipt whose signature was checked. */
export async function noteReceipt(tx: Tx, { hub, epoch, at, media: told = [] }: Receipt): Promise<void> {
  for (const { hash, state, copies } of told) {
    const media = await tx.table('media').get(hash);
    if (!media) continue;
    const { [hub]: _, ...others } = media.said;
    // Any other word, one of a newer hub included, is as good as none.
    const isKnown = state === 'held' || state === 'released';
    const said: MediaRow['said'] = isKnown ? { ...others, [hub]: { state, copies, at, epoch } } : others;
    await tx.table('media').put({ ...media, said });
    const isWanted = state === 'wanted' && media.freedAt === null && !(await tx.table('wanted').get([hub, hash]));
    if (isWanted) await tx.table('wanted').put({ hub, hash });
  }
}

/** What a hub has not acknowledged yet. */
export async function unsentFor(tx: Tx, hub: DeviceId): Promise<Unsent> {
  const [drafts, waiting] = [await tx.drafts(0, ALL), await tx.waiting(hub, 0, ALL)];
  let documents = 0;
  for (const doc of new Set([...drafts, ...waiting].map(({ doc }) => doc))) {
    if ((await tx.local(doc))?.versionSynced[hub] === undefined) documents += 1;
  }
  const media = await mediaWaiting(tx, hub, null, ALL);
  let bytes = 0;
  for (const { hash } of media) bytes += (await tx.table('media').get(hash))?.size ?? 0;
  const parked = (await tx.parked(hub)).length + (await tx.parked(tx.me)).length;
  return { revisions: drafts.length + waiting.length, documents, media: media.length, media_bytes: bytes, parked };
}

/** A file that may be freed. */
export type Freeable = Pick<MediaRow, 'hash' | 'size' | 'name' | 'addedAt'>;

/**
 * The media whose bytes may be freed here, the oldest first: one and the same hub said by name that it holds the file and, by the
 * fingerprint in its last receipt, the revisions that attach it; and one verified copy is elsewhere, which a manager may waive.
 */
export async function freeable(tx: Tx, waived = false): Promise<Freeable[]> {
  const attaching = await attachingRevisions(tx);
  const drafted = await mediaOfDrafts(tx);
  const standings = await Promise.all((await tx.table('hubs').getAll()).map((hub) => standing(tx, hub)));
  const media = (await tx.table('media').getAll()).filter(({ hash, freedAt }) => freedAt === null && !drafted.has(hash));
  const isSafe = ({ hash, said: words }: MediaRow) => {
    const revisions = attaching.get(hash) ?? [];
    return standings.some(({ id, epoch, lacks }) => {
      const said = words[id];
      const isHeld = said?.state === 'held' && said.epoch === epoch && (waived || said.copies >= 1);
      return isHeld && revisions.length > 0 && !revisions.some((revision) => lacks.has(revision));
    });
  };
  const free = media.filter(isSafe).map(({ hash, size, name, addedAt }) => ({ hash, size, name, addedAt }));
  return free.sort((a, b) => a.addedAt - b.addedAt);
}

/** This phone's own revisions by the media that they attach. */
async function attachingRevisions(tx: Tx): Promise<Map<MediaHash, RevisionId[]>> {
  const attaching = new Map<MediaHash, RevisionId[]>();
  for (const { doc, id } of await tx.own()) {
    for (const { hash } of (await tx.revision(doc, id))?.revision.content.attach ?? []) {
      attaching.set(hash, [...(attaching.get(hash) ?? []), id]);
    }
  }
  return attaching;
}

/** The life of the hub whose word counts, and what of ours it lacks. One whose word is doubtful has none. */
async function standing(tx: Tx, { id, receipt, acked }: KnownHub): Promise<{ id: DeviceId; epoch: string | null; lacks: Set<RevisionId> }> {
  const isWhole = receipt !== null && isEqual(receipt.receipt.author, acked);
  const lacking = [...(await tx.waiting(id, 0, ALL)), ...(await tx.parked(id))].flatMap(({ id }) => (id ? [id] : []));
  return { id, epoch: isWhole ? receipt.receipt.epoch : null, lacks: new Set(lacking) };
}

/** Frees the bytes of files that may be freed, and of no other. How many bytes that were. */
export async function free(tx: Tx, hashes: MediaHash[], now: number, waived = false): Promise<number> {
  const asked = new Set(hashes);
  let bytes = 0;
  for (const { hash, size } of (await freeable(tx, waived)).filter(({ hash }) => asked.has(hash))) {
    const media = (await tx.table('media').get(hash)) as MediaRow;
    await tx.table('media').put({ ...media, freedAt: now });
    await drop(tx, hash);
    bytes += size;
  }
  return bytes;
}
