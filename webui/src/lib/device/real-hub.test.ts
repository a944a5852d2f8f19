/** The engine against the real binary: what two implementations of one wire must agree on. `MALOCA_BIN` says where it is. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Device } from './device';
import { hashFile } from './record/hash';
import { phone, photo } from './testing/phone';
import { CODE, startHub, withoutHub, type RealHub } from './testing/real-hub';

let hub: RealHub;
let device: Awaited<ReturnType<typeof phone>>;

beforeAll(async () => {
  if (withoutHub) return;
  hub = await startHub();
  device = await phone();
}, 30_000);
afterAll(async () => {
  device?.close();
  await hub?.stop();
});

const idOf = async (device: Device) => (await device.hubs())[0]?.id as string;

/** One story, told in order. */
test.skipIf(withoutHub)('a phone joins, brings records and photos, and is in sync by the hub\'s signed word', async () => {
  for (let n = 0; n < 45; n += 1) await device.save(device.newDoc(), 'observation', { set: { category: 'logging', notes: `ñ ${n} 🌿`, n: n / 3 } });
  const doc = device.newDoc();
  const files = [photo(400_000, 1), photo(2_600_000, 2)].map((bytes, at) => ({ bytes, name: `IMG_${at}.jpg` }));
  await device.save(doc, 'observation', { set: { notes: 'with photos' } }, files);
  const report = await device.join(hub.http, CODE, 'Ana');
  expect(report).toMatchObject({ stored: 46, mediaSent: 2, refused: [], inSync: true, unsent: { revisions: 0, media: 0 } });
  // The fingerprint is Rust's sum, the receipt's canonical form and signature are Rust's, and so is the cursor.
  expect(report.receipt).toMatchObject({ author: { count: 46 }, wanted: 0, quarantined: 0 });
  expect((await device.hubs())[0]).toMatchObject({ name: 'Test', forgotten: false });
  for (const { bytes } of files) expect((await device.mediaStatus(await hashFile(bytes)))?.said[await idOf(device)]).toMatchObject({ state: 'held' });
}, 60_000);

test.skipIf(withoutHub)('with nothing new nothing is sent; an edit goes as one revision', async () => {
  const id = await idOf(device);
  expect(await device.sync(id)).toMatchObject({ stored: 0, duplicate: 0, inSync: true });
  const [first] = await device.list('observation');
  await device.save(first?.doc as string, 'observation', { set: { notes: 'edited' } });
  expect(await device.sync(id)).toMatchObject({ stored: 1, inSync: true });
}, 60_000);

test.skipIf(withoutHub)('a second phone reads it all, edits it, and the first sees that', async () => {
  const second = await phone();
  const report = await second.join(hub.http, CODE, 'Berta');
  expect(report).toMatchObject({ inSync: true, pullRefused: 0 });
  const [mine, theirs] = [await device.list('observation'), await second.list('observation')];
  expect(theirs).toEqual(mine);
  await second.save(theirs[0]?.doc as string, 'observation', { set: { by: 'Berta' } });
  expect(await second.sync(await idOf(second))).toMatchObject({ stored: 1, inSync: true });
  // Her edit, and the hub's word that she is a member.
  expect(await device.sync(await idOf(device))).toMatchObject({ pulled: 2, inSync: true });
  expect((await device.document(mine[0]?.doc as string))?.set.by).toBe('Berta');
  second.close();
}, 60_000);

test.skipIf(withoutHub)('after a restart of the hub everything goes on', async () => {
  await hub.restart();
  await device.save(device.newDoc(), 'observation', { set: { notes: 'later' } });
  const id = await idOf(device);
  // The first try may meet the connection that ended with the hub.
  const report = await device.sync(id).catch(() => device.sync(id));
  expect(report).toMatchObject({ stored: 1, beganAgain: false, inSync: true });
}, 60_000);

test.skipIf(withoutHub)('a wrong code is refused', async () => {
  const other = await phone();
  await expect(other.join(hub.http, '111111', 'Eva')).rejects.toMatchObject({ code: 'wrong_code' });
  other.close();
});
