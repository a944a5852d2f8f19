/** What a phone promises of photos: sent once, resumed where they stood, kept as they came, freed only when that is safe. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { hashFile } from './record/hash';
import { FakeHub } from './testing/fake-hub';
import { phone, photo } from './testing/phone';
import type { Progress } from './sync/report';

// A busy machine takes its time; a story that hangs is still ended.
vi.setConfig({ testTimeout: 60_000 });

let hub: FakeHub;
let device: Awaited<ReturnType<typeof phone>>;

beforeEach(async () => {
  hub = await FakeHub.start();
  device = await phone();
});
afterEach(async () => {
  device.close();
  await hub.stop();
});

const join = (to = hub) => device.join(to.address, to.code, 'Ana', to.key.id);
const bytesOf = async (blob: Blob | undefined) => Buffer.from(await (blob as Blob).arrayBuffer());

async function take(bytes: Blob, name = 'IMG_1.jpg', doc = device.newDoc()) {
  await device.save(doc, 'observation', {}, [{ bytes, name, takenAt: 1_795_000_000_000 }]);
  return { doc, hash: await hashFile(bytes) };
}

describe('sending', () => {
  test('small ones in one request, large ones in pieces; the bytes arrive as they were', async () => {
    const [small, large] = [photo(300_000), photo(3_500_000, 2)];
    const [one, two] = [await take(small), await take(large)];
    hub.calls = [];
    expect(await join()).toMatchObject({ mediaSent: 2, mediaBytes: 3_800_000, inSync: true });
    expect(hub.media.get(one.hash)?.equals(await bytesOf(small))).toBe(true);
    expect(hub.media.get(two.hash)?.equals(await bytesOf(large))).toBe(true);
    expect(hub.calls.filter((call) => call === 'POST /media/uploads')).toHaveLength(2);
    expect(hub.calls.filter((call) => call.startsWith('PATCH'))).toHaveLength(4);
    expect((await device.document(one.doc))?.attachments).toMatchObject([{ name: 'IMG_1.jpg', type: 'image/jpeg', size: 300_000, taken_at: '2026-11-18T11:06:40.000Z' }]);
  });

  test('the same photo attached twice is kept once and sent once', async () => {
    await take(photo(2000));
    await take(photo(2000), 'again.jpg');
    expect(await join()).toMatchObject({ mediaSent: 1, inSync: true });
  });

  test('what the hub has from elsewhere is not sent', async () => {
    const { hash } = await take(photo(2000));
    hub.media.set(hash, await bytesOf(photo(2000)));
    expect(await join()).toMatchObject({ mediaSent: 0, mediaHad: 1, inSync: true });
  });

  test('cut off in mid-file, after a restart of the phone, less than one piece is sent again', async () => {
    await join();
    const bytes = photo(4_000_000);
    const { hash } = await take(bytes);
    let pieces = 0;
    hub.before = ({ method }) => {
      if (method !== 'PATCH' || (pieces += 1) < 3) return;
      return hub.stop().then(() => Promise.reject(new Error('of the third piece nothing arrives')));
    };
    const address = hub.address;
    await expect(device.sync(hub.key.id)).rejects.toMatchObject({ kind: 'unreachable' });
    expect(await device.mediaStatus(hash)).toMatchObject({ freedAt: null, said: {}, wanted: [{ offset: 2 * 1024 * 1024 }] });
    device.close();
    // The same hub, at another address, and the phone's page opened anew.
    const { key, uploads, revisions, feed, chains, devices, epoch, project } = hub;
    hub = await FakeHub.start({ key, uploads, revisions, feed, chains, devices, epoch, project });
    expect(hub.address).not.toBe(address);
    device = await phone({ store: device.storeName, addresses: [hub.address] });
    let sent = 0;
    hub.before = ({ method, body }) => {
      if (method === 'PATCH') sent += body.length;
    };
    expect(await device.sync(hub.key.id)).toMatchObject({ mediaSent: 1, inSync: true });
    expect(sent).toBe(4_000_000 - 2 * 1024 * 1024);
    expect(hub.media.get(hash)?.equals(await bytesOf(bytes))).toBe(true);
    expect((await device.hubs())[0]?.addresses).toEqual([hub.address, address]);
  });

  test('an upload that the hub lost is begun anew', async () => {
    await join();
    await take(photo(2_500_000));
    let lost = false;
    hub.before = ({ method }) => {
      if (method === 'PATCH' && !lost) {
        lost = true;
        hub.uploads.clear();
      }
    };
    expect(await device.sync(hub.key.id)).toMatchObject({ mediaSent: 1, inSync: true });
  });

  test('the answer to a piece is lost: the hub is asked where it stands', async () => {
    await join();
    await take(photo(2_500_000));
    let lost = 1;
    hub.loseAnswer = ({ method }) => method === 'PATCH' && lost-- > 0;
    await expect(device.sync(hub.key.id)).rejects.toMatchObject({ kind: 'unreachable' });
    let sent = 0;
    hub.before = ({ method, body }) => {
      if (method === 'PATCH') sent += body.length;
    };
    expect(await device.sync(hub.key.id)).toMatchObject({ mediaSent: 1, inSync: true });
    expect(sent).toBe(2_500_000 - 1024 * 1024);
  });

  test('each photo tells how far it is', async () => {
    const { hash } = await take(photo(2_500_000));
    const heard: Progress[] = [];
    device.runner.onStatus((_, progress) => progress?.type === 'media' && heard.push(progress));
    await join();
    const steps = heard.map((progress) => (progress.type === 'media' && progress.hash === hash ? progress.sent : -1));
    expect(steps).toEqual([0, 1_048_576, 2_097_152, 2_500_000]);
  });

  test('a photo whose bytes have rotted is said, and holds up no other', async () => {
    const [{ hash }] = [await take(photo(2000)), await take(photo(3000, 5))];
    const raw = await rawStore(device.storeName);
    const tx = raw.transaction('blobs', 'readwrite');
    tx.objectStore('blobs').put(photo(2000, 9), hash);
    await new Promise((done) => (tx.oncomplete = done));
    raw.close();
    expect(await join()).toMatchObject({ mediaSent: 1, mediaRefused: [{ hash, code: 'file_changed' }], inSync: false });
    expect((await device.mediaStatus(hash))?.wanted).toMatchObject([{ refused: { code: 'file_changed' } }]);
    // Attached anew it is whole again, and goes.
    await take(photo(2000));
    expect(await device.sync(hub.key.id)).toMatchObject({ mediaSent: 1, mediaRefused: [], inSync: true });
  });

  test('a photo that was taken back before any offer is gone, and never sent', async () => {
    const { doc, hash } = await take(photo(2000));
    await device.save(doc, 'observation', { detach: [hash], set: { notes: 'x' } });
    expect(await device.media(hash)).toBeUndefined();
    expect(await join()).toMatchObject({ stored: 1, mediaSent: 0, inSync: true });
  });
});

describe('freeing', () => {
  async function recorded() {
    const first = await take(photo(1000, 1), '1.jpg');
    const second = await take(photo(2000, 2), '2.jpg');
    return { first, second };
  }

  test('only what the hub holds by name, with its revision, and with a verified copy elsewhere; the oldest first', async () => {
    const { first, second } = await recorded();
    expect(await device.freeable()).toEqual([]);
    await join();
    // Held, but nowhere else.
    expect(await device.freeable()).toEqual([]);
    expect((await device.freeable(true)).map(({ hash }) => hash)).toEqual([first.hash, second.hash]);
    hub.copies.set(first.hash, 1);
    await device.sync(hub.key.id, { confirm: true });
    expect((await device.freeable()).map(({ hash }) => hash)).toEqual([first.hash]);
    expect(await device.free([first.hash, second.hash])).toBe(1000);
    expect(await device.media(first.hash)).toBeUndefined();
    expect(await device.media(second.hash)).toBeDefined();
    expect((await device.mediaStatus(first.hash))?.freedAt).not.toBeNull();
    expect((await device.sync(hub.key.id)).inSync).toBe(true);
  });

  test('not while an edit attaches it that the hub has not got', async () => {
    const { first } = await recorded();
    await join();
    hub.copies.set(first.hash, 1);
    await device.sync(hub.key.id, { confirm: true });
    await device.save(device.newDoc(), 'observation', { attach: [{ hash: first.hash, name: 'x', type: 'image/jpeg', size: 1000 }] });
    expect(await device.freeable()).toEqual([]);
    hub.refusedDocs = new Set((await device.list('observation')).filter(({ draft }) => draft).map(({ doc }) => doc));
    await device.sync(hub.key.id);
    expect(await device.freeable()).toEqual([]);
  });

  test('not on the word of a hub that is not the one it was', async () => {
    const { first } = await recorded();
    await join();
    hub.copies.set(first.hash, 1);
    await device.sync(hub.key.id, { confirm: true });
    expect(await device.freeable()).toHaveLength(1);
    hub.loseEverything();
    hub.before = ({ path }) => {
      if (path.endsWith('/revisions')) throw new Error('the disk is away');
    };
    await expect(device.sync(hub.key.id)).rejects.toMatchObject({ kind: 'busy' });
    expect(await device.freeable()).toEqual([]);
  });
});

/** The database behind the store's back. */
const rawStore = (name: string): Promise<IDBDatabase> =>
  new Promise((done, failed) => {
    const request = indexedDB.open(name);
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });
