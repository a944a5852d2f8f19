/**
 * The phone's engine: what the pages call to record, to sync, to save. Everything else in this room is behind it.
 *
 * It promises: what a call has been given is durable before it returns, an edit and its files together or not at all; a kill at any
 * moment loses nothing and doubles nothing; what it calls in sync is, by the hub's own signed word.
 *
 * Room by room: `record` what a revision is and how documents merge; `outbox` how edits become revisions and wait; `store` where it
 * is all kept; `wire` calls to a hub; `sync` the one task that brings everything over; `backup` the file.
 */

import type { About, Restored, SaveOptions } from './backup/backup';
import { MEDIA_BYTES, NAME_BYTES } from './limits';
import { Outbox, type Edited } from './outbox/outbox';
import type { Edit, Local, Parked } from './outbox/rows';
import { LONE_SURROGATE, utf8Length } from './record/bytes';
import { isObject, type Json } from './record/canonical';
import { hashFile, prepareHashing } from './record/hash';
import { newDocId, shortId, type DeviceId, type DocId, type MediaHash, type ProjectId, type RevisionId } from './record/ids';
import type { Attachment } from './record/revision';
import { formatTime } from './record/time';
import { joinHub, leaveHub, PROJECT, reachedAt } from './store/hubs';
import { forgetUnnamed, free, freeable, keepMedia, unsentFor, type Freeable, type NewMedia } from './store/media';
import type { KnownHub, MediaRow, View, WantedRow } from './store/schema';
import { Store, STORE } from './store/store';
import { categories, type Category } from './store/trusted';
import type { ContactOptions } from './sync/contact';
import type { SyncReport } from './sync/report';
import { Runner, type RunnerOptions } from './sync/runner';
import { meet, pair } from './wire/meet';
import type { HubInfo, Unsent } from './wire/types';

export { BackupError, StoreError } from './errors';
export { CallError } from './wire/call-error';
export { addressOf } from './wire/meet';
export type { HubStatus } from './sync/runner';
export type { Progress, SyncReport } from './sync/report';
export type { About, Category, Edit, Edited, Freeable, HubInfo, KnownHub, Local, Parked, Restored, Unsent, View, WantedRow };

export interface DeviceOptions extends RunnerOptions {
  /** The name of the store in the browser; another one only in tests. */
  store?: string;
}

/** A file to be attached, as the camera or the picker gave it. */
export interface NewFile {
  bytes: Blob;
  name: string;
  /** When it was taken, by the phone's clock, milliseconds since 1970. */
  takenAt?: number;
}

/** Where a media file is. */
export interface MediaStatus extends Omit<MediaRow, 'named'> {
  /** For each hub that may lack it: how far its upload has come, or why it cannot be sent. */
  wanted: WantedRow[];
}

/** A document as a person begins to change it. */
export interface Opened {
  view: View;
  upon: RevisionId[];
}

/** All that says where the documents of a kind are, read from one moment of the store. */
export interface Whereabouts {
  /** What was changed last first. */
  views: View[];
  locals: Map<DocId, Local>;
  hubs: KnownHub[];
  parked: (Parked & { by: DeviceId })[];
  wanted: WantedRow[];
}

/** The file is asked for once in a while, so its code comes when it is. */
const backup = () => import('./backup/backup');

/** What the person is called, among the settings. */
const NAME = 'name';

export class Device {
  readonly runner: Runner;

  private constructor(
    private readonly store: Store,
    private readonly options: DeviceOptions,
  ) {
    this.runner = new Runner(store, options);
  }

  /** Opens the phone's store, or makes it. Fails with a `StoreError`. */
  static async open(options: DeviceOptions): Promise<Device> {
    return new Device(await Store.open(options.store ?? STORE), options);
  }

  /**
   * Opens the store with the key and the records of a saved file, in a browser where nothing was recorded or joined yet. Fails with a
   * `BackupError` where the file is none, holds no key, or this browser is another device already. Close the page's own first.
   */
  static async openFrom(file: Blob, options: DeviceOptions): Promise<{ device: Device; restored: Restored }> {
    const { about, restore } = await backup();
    const { key } = await about(file);
    const store = await Store.open(options.store ?? STORE, key ?? undefined);
    try {
      return { device: new Device(store, options), restored: await restore(store, file, (options.now ?? Date.now)()) };
    } catch (cause) {
      store.close();
      throw cause;
    }
  }

  get id(): DeviceId {
    return this.store.key.id;
  }

  /** For people to compare with what the hub's page shows. */
  get shortId(): string {
    return shortId(this.id);
  }

  #now = (): number => (this.options.now ?? Date.now)();

  // Recording.

  /** Fetches what keeping files needs; without it the first one takes a moment longer. */
  prepare = (): void => void prepareHashing().catch(() => {});

  newDoc = (): DocId => newDocId(this.#now());

  /** Changes a document, or makes it, and attaches files to it: all of it in one transaction, durable when this returns. */
  async save(doc: DocId, kind: string, edit: Edit, files: NewFile[] = []): Promise<Edited> {
    const media: NewMedia[] = [];
    const attach: Attachment[] = [...(edit.attach ?? [])];
    for (const file of files) {
      const kept = await hashed(file);
      const { hash, name, type, bytes } = kept;
      media.push(kept);
      attach.push({ hash, name, type, size: bytes.size, ...(file.takenAt !== undefined && { taken_at: formatTime(file.takenAt) }) });
    }
    const now = this.#now();
    const whole: Edit = { ...edit, set: edit.set && (wellFormed(edit.set) as Edit['set']), attach };
    const edited = await this.store.run(async (tx) => {
      const before = (await tx.local(doc))?.draft?.attach ?? [];
      for (const file of media) await keepMedia(tx, file, now);
      const edited = await new Outbox(tx, tx.me).edit(doc, kind, now, whole);
      const isLess = edited !== 'changed' || (edit.detach ?? []).length > 0;
      if (isLess) await forgetUnnamed(tx, [...before, ...media].map(({ hash }) => hash));
      return edited;
    });
    this.store.nudge();
    return edited;
  }

  // Reading.

  document = (doc: DocId): Promise<View | undefined> => this.store.read((tx) => tx.table('views').get(doc));

  /** A document for a form to begin with, and what an edit of that form is `upon`. What waits here was begun upon something itself. */
  opened = (doc: DocId): Promise<Opened | undefined> =>
    this.store.read(async (tx) => {
      const [view, local] = await Promise.all([tx.table('views').get(doc), tx.local(doc)]);
      return view && { view, upon: local?.draft?.parents ?? view.heads };
    });

  /** Documents of a kind, what was changed last first. */
  list = async (kind: string): Promise<View[]> => {
    const range = IDBKeyRange.bound([kind], [kind, []]);
    return (await this.store.read((tx) => tx.table('views').index('kind').getAll(range))).reverse();
  };

  /** The same, with all that says where each of them is. */
  whereabouts = (kind: string): Promise<Whereabouts> =>
    this.store.read(async (tx) => {
      const range = IDBKeyRange.bound([kind], [kind, []]);
      const [views, locals, hubs, parked, wanted] = await Promise.all([
        tx.table('views').index('kind').getAll(range),
        tx.table('docs').getAll(),
        tx.table('hubs').getAll(),
        tx.table('parked').getAll(),
        tx.table('wanted').getAll(),
      ]);
      return { views: views.reverse(), locals: new Map(locals.map((local) => [local.doc, local])), hubs, parked, wanted };
    });

  /** How often it was edited here, and which of that each hub has acknowledged. */
  local = (doc: DocId): Promise<Local | undefined> => this.store.read((tx) => tx.local(doc));

  /** The categories as the project's hubs say them. */
  categories = (): Promise<Category[]> => this.store.read(categories);

  /** A file's bytes as they came; nothing once they were freed. */
  media = (hash: MediaHash): Promise<Blob | undefined> => this.store.read((tx) => tx.table('blobs').get(hash));

  mediaStatus = (hash: MediaHash): Promise<MediaStatus | undefined> =>
    this.store.read(async (tx) => {
      const row = await tx.table('media').get(hash);
      if (!row) return undefined;
      const { named: _, ...media } = row;
      const wanted = await Promise.all((await tx.hubs()).map((hub) => tx.table('wanted').get([hub, hash])));
      return { ...media, wanted: wanted.filter((row) => row !== undefined) };
    });

  /** What this phone itself, or a hub, has set aside, with the reason; `by` says who. */
  parked = (): Promise<(Parked & { by: DeviceId })[]> => this.store.read((tx) => tx.table('parked').getAll());

  unsent = (hub: DeviceId): Promise<Unsent> => this.store.read((tx) => unsentFor(tx, hub));

  /** Hears of each change of the store, in any tab. Returns what ends it. */
  onChange = (listener: () => void): (() => void) => this.store.onChange(listener);

  setting = <V>(name: string): Promise<V | undefined> =>
    this.store.read(async (tx) => (await tx.table('settings').get(name)) as V | undefined);
  setSetting = async (name: string, value: unknown): Promise<void> => {
    await this.store.run((tx) => tx.table('settings').put(value, name));
  };

  // Hubs.

  hubs = (): Promise<KnownHub[]> => this.store.read((tx) => tx.table('hubs').getAll());

  /** Who is at an address; `expected` is the hub's id where an invitation told it. Fails with a `CallError`. */
  meet = async (address: string, expected?: DeviceId): Promise<HubInfo> =>
    meet(this.#fetch, address, { hub: expected, project: (await this.hubs())[0]?.project ?? (await this.setting<ProjectId>(PROJECT)) });

  /** Joins the hub at an address with the code from the manager's screen, and has the first contact with it. */
  async join(address: string, code: string, name: string, expected?: DeviceId): Promise<SyncReport> {
    const info = await this.meet(address, expected);
    await pair(this.#fetch, address, info, this.store.key, { name, code, app: this.options.app });
    const { id, project } = info;
    await this.store.run(async (tx) => {
      await joinHub(tx, { id, project, name: info.name, addresses: [address] });
      await tx.table('settings').put(name, NAME);
    });
    // The signed receipt of this contact is what proves that the hub is the one that it says it is.
    return this.sync(id).catch((cause: unknown) => {
      // The one that syncs by itself has not heard of this hub yet.
      this.store.nudge();
      throw cause;
    });
  }

  /** Another address of a hub that is known, for when it does not answer where it did. Fails with a `CallError` where it is not there. */
  async reachAt(hub: DeviceId, address: string): Promise<void> {
    await this.meet(address, hub);
    await this.store.run((tx) => tx.changeHub(hub, ({ addresses }) => ({ addresses: reachedAt(addresses, address) })));
    this.store.nudge();
  }

  /** Brings nothing to this hub any more. What is recorded stays here. */
  async leave(hub: DeviceId): Promise<void> {
    await this.store.run((tx) => leaveHub(tx, hub));
    this.runner.forget(hub);
  }

  get #fetch(): typeof fetch {
    return this.options.fetch ?? ((...args) => fetch(...args));
  }

  /** One contact with a hub, now. Fails with a `CallError` or a `StoreError`. */
  sync = (hub: DeviceId, options?: Partial<ContactOptions>): Promise<SyncReport> => this.runner.once(hub, options);

  /** What a hub has at a path of its API that is no record: a map's tile. Fails with a `CallError`. */
  readFrom = (hub: DeviceId, path: string, stop?: AbortSignal): Promise<ArrayBuffer> => this.runner.read(hub, path, stop);

  /** Syncs from now on by itself, in one tab at a time. `runner.onStatus` tells how it goes. */
  start = (): void => this.runner.start();
  stop = (): void => this.runner.stop();

  /** Somebody pressed "now". */
  nudge = (): void => this.store.nudge();

  // Room on the phone, and the file.

  /** Files whose bytes may be freed, the oldest first. A manager may waive the copy elsewhere. */
  freeable = (waived = false): Promise<Freeable[]> => this.store.read((tx) => freeable(tx, waived));

  /** Frees those of them that may be freed. How many bytes that were. */
  free = (hashes: MediaHash[], waived = false): Promise<number> => this.store.run((tx) => free(tx, hashes, this.#now(), waived));

  /** All that this phone holds, or what is unsent, in one file. */
  saveFile = async (options: Pick<SaveOptions, 'withKey' | 'what'> = {}): Promise<Blob> =>
    (await backup()).save(this.store, { app: this.options.app, now: this.#now(), ...options });

  /** The key and the hubs, short enough for a picture of a code. `fileOfCard` makes of it what `openFrom` takes. */
  keyCard = async (): Promise<string> => (await import('./backup/card')).cardOf(this.store.key, await this.hubs());

  /** Takes in a file that this same device saved. */
  readFile = async (file: Blob): Promise<Restored> => (await backup()).restore(this.store, file, this.#now());

  close(): void {
    this.stop();
    this.store.close();
  }
}

/** What a card says as a file that `openFrom` takes; `null` where it is none. */
export const fileOfCard = async (text: string): Promise<Blob | null> => (await import('./backup/card')).fileOfCard(text);

/** Files up to this size are read once, so that what is kept is what was hashed. */
const IN_MEMORY = 32 * 1024 * 1024;

async function hashed({ bytes, name }: NewFile): Promise<NewMedia> {
  if (bytes.size > MEDIA_BYTES) throw new RangeError('A file is at most 4 GiB less one byte.');
  const kept = bytes.size <= IN_MEMORY ? new Blob([await bytes.arrayBuffer()], { type: bytes.type }) : bytes;
  return { hash: await hashFile(kept), bytes: kept, name: cut(name), type: cut(bytes.type) || 'application/octet-stream' };
}

/** As much of a name as an attachment may have. */
function cut(name: string): string {
  let [text, length] = ['', 0];
  for (const char of String(wellFormed(name))) {
    length += utf8Length(char);
    if (length > NAME_BYTES) break;
    text += char;
  }
  return text;
}

const HALVES = new RegExp(LONE_SURROGATE, 'g');

/** Halves of characters, which a keyboard or a cut may leave, become the sign for an unknown one: nobody could be sent them. */
function wellFormed(value: Json): Json {
  if (typeof value === 'string') return value.replaceAll(HALVES, '\ufffd');
  if (Array.isArray(value)) return value.map(wellFormed);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [wellFormed(name) as string, wellFormed(inner)]));
}
