/**
 * What a phone holds, in one file, and back: for a phone that is given away, a browser that will be cleared, an address that changes.
 *
 * `device.ts` calls this. It promises: every revision and file is checked as a stranger's when it is read; reading a file twice
 * changes nothing; what was cut off gives what is whole; drafts are frozen before they are written, so that a hub may import the file
 * without knowing any key.
 *
 * # The format `maloca-phone-backup-1`
 *
 * A tar archive (POSIX ustar, no folders, no links) of these files, in this order; a reader passes over names that it does not know:
 *
 * ```text
 * about.json          {"format":"maloca-phone-backup-1","device":id,"made_at":time,"app":…,"hubs":[{"id","project","name","addresses"}]}
 * key.json            {"device":id,"seed":64 hex digits}: the secret; absent from a file that is meant for other eyes
 * revisions.ndjson    envelopes, one a line, as in a batch and a bundle: all of this device's own, and what its documents hang on
 * media.ndjson        {"hash","name","type","size","here":bool} a line, for each media that the revisions attach
 * media/<hash>        its bytes, where they are here; the name is their BLAKE3
 * ```
 *
 * To import it, a hub takes `revisions.ndjson` as a batch and `media/*` as uploads; it needs neither of the other files.
 */

import { freeze } from '../outbox/freeze';
import { Outbox } from '../outbox/outbox';
import { fromHex, toHex, utf8 } from '../record/bytes';
import { canonical, isObject, parse, type Json } from '../record/canonical';
import { hashFile } from '../record/hash';
import { isId, isProjectId, type DocId } from '../record/ids';
import { DeviceKey } from '../record/keys';
import { Refusal } from '../record/refusal';
import { check, envelope, type Revision } from '../record/revision';
import { formatTime } from '../record/time';
import { joinHub } from '../store/hubs';
import { keepMedia, type NewMedia } from '../store/media';
import type { KnownHub } from '../store/schema';
import type { Store } from '../store/store';
import type { Tx } from '../store/tx';
import { BackupError } from './backup-error';
import { entriesOf, tarOf, type Entry } from './tar';

export const FORMAT = 'maloca-phone-backup-1';

export interface SaveOptions {
  app: string;
  now: number;
  /** Without it another phone cannot go on as this one; a hub can still import everything. Default: with it. */
  withKey?: boolean;
  /** Only what some hub has not acknowledged, or all of this phone's own. Default: all. */
  what?: 'unsent' | 'all';
}

/** The file. Its media stay on the disk until it is written. */
export async function save(store: Store, { app, now, withKey = true, what = 'all' }: SaveOptions): Promise<Blob> {
  await freezeAll(store);
  const { hubs, revisions, media, files } = await store.read((tx) => gathered(tx, what));
  const { id: device, seed } = store.key;
  const known = hubs.map(({ id, project, name, addresses }) => ({ id, project, name, addresses }));
  const here = new Set(files.map(({ name }) => name));
  const described = media.map(({ hash, name, type, size }) => canonical({ hash, name, type, size, here: here.has(PREFIX + hash) }));
  const text = (name: string, text: string): Entry => ({ name, bytes: new Blob([text]) });
  const entries = [
    text('about.json', canonical({ format: FORMAT, device, made_at: formatTime(now), app, hubs: known })),
    ...(withKey ? [text('key.json', canonical({ device, seed: toHex(seed) }))] : []),
    text('revisions.ndjson', lines(revisions.map(envelope))),
    text('media.ndjson', lines(described)),
    ...files,
  ];
  return tarOf(entries, now);
}

const PREFIX = 'media/';

/** What goes into the file, from one moment of the store. */
async function gathered(tx: Tx, what: 'unsent' | 'all') {
  const hubs = await tx.table('hubs').getAll();
  // Nobody has acknowledged anything where no hub was ever joined.
  const everything = what === 'all' || hubs.length === 0;
  const unsent: { doc: DocId }[] = [];
  for (const { id } of hubs) unsent.push(...(await tx.waiting(id, 0, Number.POSITIVE_INFINITY)), ...(await tx.parked(id)));
  const revisions: Revision[] = [];
  for (const doc of new Set((everything ? await tx.own() : unsent).map(({ doc }) => doc))) {
    revisions.push(...(await tx.history(doc)).map(({ revision }) => revision));
  }
  const attached = new Set(revisions.flatMap(({ content }) => content.attach.map(({ hash }) => hash)));
  const media = (await tx.table('media').getAll()).filter(({ hash }) => attached.has(hash));
  const wanted = new Set((await tx.table('wanted').getAll()).map(({ hash }) => hash));
  const files: Entry[] = [];
  for (const { hash } of media.filter(({ hash }) => everything || wanted.has(hash))) {
    const bytes = await tx.table('blobs').get(hash);
    if (bytes) files.push({ name: PREFIX + hash, bytes });
  }
  return { hubs, revisions, media, files };
}

const lines = (items: string[]): string => items.map((line) => `${line}\n`).join('');

/** Each in a transaction of its own, as a slow phone signs one in ten milliseconds. */
async function freezeAll(store: Store): Promise<void> {
  const drafts = await store.read((tx) => tx.drafts(0, Number.POSITIVE_INFINITY));
  for (const { doc } of drafts) await store.run((tx) => freeze(new Outbox(tx, tx.me), store.key, doc));
}

/** What a file says of itself. */
export interface About {
  device: string;
  /** Present where the file holds the key. */
  key: DeviceKey | null;
  hubs: Pick<KnownHub, 'id' | 'project' | 'name' | 'addresses'>[];
}

/** Reads who made a file, before anything is done with it. */
export async function about(file: Blob): Promise<About> {
  let [said, key]: [About | null, DeviceKey | null] = [null, null];
  for await (const { name, bytes } of entriesOf(file)) {
    if (name === 'about.json') said = readAbout(await jsonOf(bytes));
    else if (name === 'key.json') key = readKey(await jsonOf(bytes));
    else if (said) break;
  }
  if (!said || (key && key.id !== said.device)) throw new BackupError('no_backup');
  return { ...said, key };
}

const jsonOf = async (bytes: Blob): Promise<Json> => {
  try {
    return parse(new Uint8Array(await bytes.arrayBuffer()));
  } catch {
    return null;
  }
};

function readAbout(value: Json): About | null {
  if (!isObject(value) || value.format !== FORMAT || !isId(value.device)) return null;
  const hubs = Array.isArray(value.hubs) ? value.hubs.filter(isObject) : [];
  const known = hubs.flatMap(({ id, project, name, addresses }) => {
    const isSound = isId(id) && isProjectId(project) && typeof name === 'string' && Array.isArray(addresses);
    return isSound ? [{ id, project, name, addresses: addresses.filter((address) => typeof address === 'string') }] : [];
  });
  return { device: value.device, key: null, hubs: known };
}

function readKey(value: Json): DeviceKey | null {
  const seed = isObject(value) && typeof value.seed === 'string' ? fromHex(value.seed) : null;
  return seed?.length === 32 ? DeviceKey.fromSeed(seed) : null;
}

/** What reading a file back has brought. */
export interface Restored {
  revisions: number;
  media: number;
  /** Lines and files that are not what they say they are; passed over. */
  damaged: number;
}

/** Takes in a file of this same device. What is here already stays as it is. */
export async function restore(store: Store, file: Blob, now: number): Promise<Restored> {
  const { device, hubs } = await about(file);
  if (device !== store.key.id) throw new BackupError('another_device');
  for (const hub of hubs) await store.run(async (tx) => ((await tx.hub(hub.id)) ? undefined : joinHub(tx, hub)));
  const restored: Restored = { revisions: 0, media: 0, damaged: 0 };
  const described = new Map<string, { name: string; type: string }>();
  for await (const { name, bytes } of entriesOf(file)) {
    if (name === 'revisions.ndjson') await restoreRevisions(store, bytes, restored);
    if (name === 'media.ndjson') {
      for (const line of (await bytes.text()).split('\n').filter(Boolean)) {
        const said = await jsonOf(new Blob([line]));
        if (isObject(said) && isId(said.hash)) described.set(said.hash, { name: String(said.name), type: String(said.type) });
      }
    }
    const hash = /^media\/([0-9a-f]{64})$/.exec(name)?.[1];
    if (hash) await restoreMedia(store, { hash, bytes, ...(described.get(hash) ?? { name: hash, type: '' }) }, now, restored);
  }
  await store.run(markNamed);
  return restored;
}

async function restoreRevisions(store: Store, bytes: Blob, restored: Restored): Promise<void> {
  // Documents are small beside their media, and this one device's.
  for (const line of (await bytes.text()).split('\n').filter(Boolean)) {
    try {
      const revision = check(utf8(line));
      const isNew = await store.run(async (tx) => {
        if (await tx.revision(revision.content.doc, revision.id)) return false;
        await new Outbox(tx, tx.me).restore(revision);
        return true;
      }, 'relaxed');
      if (isNew) restored.revisions += 1;
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause;
      restored.damaged += 1;
    }
  }
}

async function restoreMedia(store: Store, media: NewMedia, now: number, restored: Restored): Promise<void> {
  if ((await hashFile(media.bytes)) !== media.hash) {
    restored.damaged += 1;
    return;
  }
  const before = await store.read((tx) => tx.table('media').get(media.hash));
  if (before && before.freedAt === null) return;
  // A slice of the file; the store copies its bytes.
  const bytes = media.bytes.slice(0, media.bytes.size, media.type);
  await store.run((tx) => keepMedia(tx, { ...media, bytes }, now));
  restored.media += 1;
}

/** Media came after the revisions that attach them. */
async function markNamed(tx: Tx): Promise<void> {
  for (const { doc, id } of await tx.own()) {
    for (const { hash } of (await tx.revision(doc, id))?.revision.content.attach ?? []) {
      const media = await tx.table('media').get(hash);
      if (media && !media.named) await tx.table('media').put({ ...media, named: true });
    }
  }
}
