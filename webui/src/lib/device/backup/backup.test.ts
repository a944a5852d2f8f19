/** The file that a phone saves: complete, readable by others, and harmless to read twice. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Device, fileOfCard } from '../device';
import { hashFile, hashOf } from '../record/hash';
import { check } from '../record/revision';
import { utf8 } from '../record/bytes';
import { FakeHub } from '../testing/fake-hub';
import { phone, photo } from '../testing/phone';
import { entriesOf, tarOf } from './tar';

// A busy machine takes its time; a story that hangs is still ended.
vi.setConfig({ testTimeout: 60_000 });

let device: Awaited<ReturnType<typeof phone>>;
beforeEach(async () => {
  device = await phone();
});
afterEach(() => device.close());

let stores = 0;
const openFrom = (file: Blob) => Device.openFrom(file, { app: 'test', addresses: [], store: `restored-${(stores += 1)}` });

async function recorded() {
  const doc = device.newDoc();
  await device.save(doc, 'observation', { set: { notes: 'a' } }, [{ bytes: photo(1_500_000), name: 'IMG_1.jpg' }]);
  return { doc, hash: await hashFile(photo(1_500_000)) };
}

test('a new browser goes on as the same phone, with everything', async () => {
  const { doc, hash } = await recorded();
  const { device: again, restored } = await openFrom(await device.saveFile());
  expect(restored).toEqual({ revisions: 1, media: 1, damaged: 0 });
  expect(again.id).toBe(device.id);
  expect(await again.document(doc)).toMatchObject({ set: { notes: 'a' }, attachments: [{ hash, name: 'IMG_1.jpg', type: 'image/jpeg' }] });
  expect(await hashFile((await again.media(hash)) as Blob)).toBe(hash);
  const hub = await FakeHub.start();
  expect(await again.join(hub.address, hub.code, 'Ana')).toMatchObject({ stored: 1, mediaSent: 1, inSync: true });
  again.close();
  await hub.stop();
});

test('a card with the key alone: the records come back from the hub', async () => {
  const hub = await FakeHub.start();
  const { doc } = await recorded();
  await device.join(hub.address, hub.code, 'Ana');
  const card = await device.keyCard();
  expect(card.length).toBeLessThan(500);
  const { device: again } = await openFrom((await fileOfCard(card)) as Blob);
  expect(again.id).toBe(device.id);
  await again.sync(hub.key.id);
  expect(await again.document(doc)).toMatchObject({ set: { notes: 'a' } });
  expect(await fileOfCard('http://192.168.1.5:8733/j#123456.ab')).toBeNull();
  expect(await fileOfCard('maloca-key-1 {')).toBeNull();
  again.close();
  await hub.stop();
});

test('a page that was opened before, and used for nothing, takes the key over; one that was used does not', async () => {
  await recorded();
  const file = await device.saveFile();
  const unused = await phone();
  const { device: again } = await Device.openFrom(file, { app: 'test', addresses: [], store: unused.storeName });
  expect(again.id).toBe(device.id);
  await vi.waitFor(() => expect(unused.list('observation')).rejects.toMatchObject({ code: 'closed' }));
  again.close();
  const used = await phone();
  await used.save(used.newDoc(), 'observation', { set: { notes: 'mine' } });
  await expect(Device.openFrom(file, { app: 'test', addresses: [], store: used.storeName })).rejects.toMatchObject({ code: 'another_device' });
  expect(await used.list('observation')).toHaveLength(1);
  used.close();
});

test('it knows the hubs that it had joined, and doubles nothing there', async () => {
  const hub = await FakeHub.start();
  const { doc } = await recorded();
  await device.join(hub.address, hub.code, 'Ana');
  await device.save(doc, 'observation', { set: { notes: 'b' } });
  const { device: again } = await openFrom(await device.saveFile());
  expect(await again.sync(hub.key.id)).toMatchObject({ duplicate: 1, stored: 1, mediaHad: 1, mediaSent: 0, inSync: true });
  // The old browser is opened once more; nothing of it is lost either.
  await device.save(doc, 'observation', { set: { more: 'c' } });
  expect(await device.sync(hub.key.id)).toMatchObject({ stored: 1 });
  again.close();
  await hub.stop();
});

test('reading it twice, or into the phone that saved it, changes nothing', async () => {
  await recorded();
  const file = await device.saveFile();
  const before = await device.list('observation');
  expect(await device.readFile(file)).toEqual({ revisions: 0, media: 0, damaged: 0 });
  expect(await device.list('observation')).toEqual(before);
});

test('what is unsent alone, and without the key, for other hands', async () => {
  const hub = await FakeHub.start();
  await recorded();
  await device.join(hub.address, hub.code, 'Ana');
  await device.save(device.newDoc(), 'observation', { set: { notes: 'later' } }, [{ bytes: photo(100, 3), name: 'b.jpg' }]);
  const file = await device.saveFile({ what: 'unsent', withKey: false });
  const names: string[] = [];
  let lines: string[] = [];
  for await (const { name, bytes } of entriesOf(file)) {
    names.push(name);
    if (name === 'revisions.ndjson') lines = (await bytes.text()).trim().split('\n');
  }
  expect(names).toEqual(['about.json', 'revisions.ndjson', 'media.ndjson', `media/${await hashFile(photo(100, 3))}`]);
  expect(lines.map((line) => check(utf8(line)).content.set)).toEqual([{ notes: 'later' }]);
  await expect(openFrom(file)).rejects.toMatchObject({ code: 'another_device' });
  await hub.stop();
});

test('another phone\'s file is not mixed in, and what is no file of ours is said', async () => {
  await recorded();
  const other = await phone();
  await expect(other.readFile(await device.saveFile())).rejects.toMatchObject({ code: 'another_device' });
  await expect(other.readFile(new Blob(['holiday pictures']))).rejects.toMatchObject({ code: 'no_backup' });
  await expect(other.readFile(tarOf([{ name: 'about.json', bytes: new Blob(['{"format":"maloca-phone-backup-2"}']) }], 0))).rejects.toMatchObject({ code: 'no_backup' });
  other.close();
});

test('one that was cut off or damaged gives what is whole', async () => {
  const { doc } = await recorded();
  const file = await device.saveFile();
  const cut = await openFrom(file.slice(0, file.size - 700_000));
  expect(cut.restored).toEqual({ revisions: 1, media: 0, damaged: 0 });
  expect(await cut.device.document(doc)).toMatchObject({ set: { notes: 'a' } });
  cut.device.close();
  const bytes = new Uint8Array(await file.arrayBuffer());
  bytes[bytes.length - 100_000] = (bytes[bytes.length - 100_000] as number) ^ 1;
  const damaged = await openFrom(new Blob([bytes]));
  expect(damaged.restored).toEqual({ revisions: 1, media: 0, damaged: 1 });
  damaged.device.close();
});

test('any tar program reads it', async () => {
  const { hash } = await recorded();
  const folder = mkdtempSync(join(tmpdir(), 'maloca-backup-'));
  try {
    writeFileSync(join(folder, 'b.tar'), Buffer.from(await (await device.saveFile()).arrayBuffer()));
    execFileSync('tar', ['-xf', 'b.tar'], { cwd: folder });
    expect(hashOf(new Uint8Array(readFileSync(join(folder, 'media', hash))))).toBe(hash);
    expect(JSON.parse(readFileSync(join(folder, 'about.json'), 'utf8'))).toMatchObject({ format: 'maloca-phone-backup-1', device: device.id });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
