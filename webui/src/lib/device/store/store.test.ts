/** The store: what was written by any version opens today, and nothing is ever written by half. */

import 'fake-indexeddb/auto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openDB } from 'idb';
import { expect, test } from 'vitest';
import { Device } from '../device';
import { phone, photo } from '../testing/phone';
import { FakeHub } from '../testing/fake-hub';
import { dump, fill, type Dump } from '../testing/dump';
import { migrate, STEPS, VERSION } from './schema';
import { Store } from './store';
import { StoreError } from './store-error';

const FIXTURES = fileURLToPath(new URL('./fixtures/', import.meta.url));
const fixture = (version: number): Dump => JSON.parse(readFileSync(`${FIXTURES}store-${version}.json`, 'utf8')) as Dump;

test('there is a fixture of every version up to this one', () => {
  const expected = Array.from({ length: VERSION }, (_, at) => `store-${at + 1}.json`);
  expect(readdirSync(FIXTURES).sort()).toEqual(expected);
});

test.each(Array.from({ length: VERSION }, (_, at) => at + 1))('a store that version %i wrote opens and goes on', async (version) => {
  const written = fixture(version);
  await fill(`old-${version}`, written);
  const device = await Device.open({ app: 'test', store: `old-${version}`, addresses: [] });
  const hub = (await device.hubs())[0];
  expect(device.id).toBe('ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c');
  expect(hub).toMatchObject({ name: 'Tarapoto', acked: { count: 2 }, forgotten: false });
  const views = await device.list('observation');
  expect(views.map(({ set, draft }) => [set.notes, draft])).toEqual([['drafted', true], ['synced, then edited', true], ['frozen', false]]);
  expect(await device.unsent(hub?.id as string)).toEqual({ revisions: 4, documents: 2, media: 1, media_bytes: 2000, parked: 0 });
  const [hash] = views.flatMap(({ attachments }) => attachments.map(({ hash }) => hash));
  expect(Buffer.from(await ((await device.media(hash as string)) as Blob).arrayBuffer())).toEqual(Buffer.from(await photo(2000).arrayBuffer()));
  expect(await device.setting('name')).toBe('Ana');
  const doc = views[1]?.doc as string;
  expect(await device.save(doc, 'observation', { set: { notes: 'by today' } })).toBe('changed');
  expect((await device.local(doc))?.version).toBe(4);
  device.close();
});

/** `MALOCA_WRITE_FIXTURE=1` writes the fixture of this version; one that was released is never written again. */
test.runIf(process.env.MALOCA_WRITE_FIXTURE)('writes the fixture', async () => {
  const hub = await FakeHub.start();
  const name = 'fixture';
  const db = await openDB(name, VERSION, { upgrade: (db, before, _, tx) => migrate(db as never, tx as never, before) });
  await db.put('meta', new Uint8Array(32).fill(7), 'seed');
  db.close();
  let now = 1_795_000_000_000;
  const device = await Device.open({ app: 'test', store: name, addresses: [], now: () => (now += 1000) });
  const [synced, other] = [device.newDoc(), device.newDoc()];
  await device.save(synced, 'observation', { set: { notes: 'synced' } });
  await device.save(other, 'preset', { set: { key: 'x' } });
  await device.join(hub.address, hub.code, 'Ana');
  await device.save(synced, 'observation', { set: { notes: 'synced, then edited' } });
  await device.save(device.newDoc(), 'observation', { set: { notes: 'frozen' } }, [{ bytes: photo(2000), name: 'IMG_1.jpg' }]);
  hub.before = ({ path }) => {
    if (path.endsWith('/revisions')) throw new Error('nothing of it arrives');
  };
  // Freezes what is there, and is cut off; the first of them is edited again, the last is new.
  await device.sync(hub.key.id).catch(() => {});
  await device.save(synced, 'observation', { set: { weather: 'rain' } });
  await device.save(device.newDoc(), 'observation', { set: { notes: 'drafted' } });
  device.close();
  await hub.stop();
  writeFileSync(`${FIXTURES}store-${VERSION}.json`, `${JSON.stringify(await dump(name), null, 1)}\n`);
});

test('steps are taken in order, from wherever a store stands, and a step that fails leaves it there', async () => {
  const name = 'steps';
  const taken: number[] = [];
  const open = (version: number, steps: typeof STEPS) =>
    openDB(name, version, {
      upgrade: (db, before, _, tx) => migrate(db as never, tx as never, before, steps),
    });
  const later: typeof STEPS = [...STEPS, async (db) => void (taken.push(2), (db as unknown as IDBDatabase).createObjectStore('more')), () => void taken.push(3)];
  (await open(1, later.slice(0, 1))).close();
  const failing: typeof STEPS = [...STEPS, () => { throw new Error('no'); }];
  await expect(open(2, failing)).rejects.toThrow();
  const still = await openDB(name);
  expect(still.version).toBe(1);
  still.close();
  const db = await open(3, later);
  expect([taken, [...db.objectStoreNames].includes('more')]).toEqual([[2, 3], true]);
  db.close();
});

test('a store of a later version is not touched', async () => {
  (await openDB('later', VERSION + 1)).close();
  await expect(Store.open('later')).rejects.toMatchObject({ code: 'too_new' });
  await expect(Store.open('later')).rejects.toBeInstanceOf(StoreError);
});

test('an edit and its photos are kept together or not at all', async () => {
  const device = await phone();
  const store = await Store.open(device.storeName);
  const doc = device.newDoc();
  await expect(
    store.run(async (tx) => {
      await tx.table('blobs').put(photo(10), 'ab'.repeat(32));
      await tx.putLocal({ doc, kind: 'observation', version: 1, versionSynced: {} });
      throw new Error('the battery died');
    }),
  ).rejects.toThrow('the battery died');
  expect(await device.media('ab'.repeat(32))).toBeUndefined();
  expect(await device.local(doc)).toBeUndefined();
  store.close();
  device.close();
});

test('what is durable is asked for as such before anything is sent', async () => {
  const device = await phone();
  const asked: (string | undefined)[] = [];
  const before = IDBDatabase.prototype.transaction;
  IDBDatabase.prototype.transaction = function (this: IDBDatabase, ...args: Parameters<typeof before>) {
    if (args[1] === 'readwrite') asked.push(args[2]?.durability);
    return before.apply(this, args);
  };
  await device.save(device.newDoc(), 'observation', { set: { notes: 'a' } }, [{ bytes: photo(10), name: 'a.jpg' }]);
  const file = await device.saveFile();
  IDBDatabase.prototype.transaction = before;
  expect(file.size).toBeGreaterThan(0);
  expect(asked).toEqual(['strict', 'strict']);
  device.close();
});

test('two pages that open a new store at once have one key', async () => {
  const [one, two] = await Promise.all([Store.open('both'), Store.open('both')]);
  expect(one.key.id).toBe(two.key.id);
  one.close();
  two.close();
});
