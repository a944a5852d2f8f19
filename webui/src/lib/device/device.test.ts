/** What a phone promises of its records, against a hub that follows the wire. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DeviceKey } from './record/keys';
import { merge } from './record/document';
import { sign } from './record/revision';
import { FakeHub } from './testing/fake-hub';
import { phone, photo } from './testing/phone';
import type { Device } from './device';

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

const join = (device: Device, to = hub) => device.join(to.address, to.code, 'Ana', to.key.id);
const note = (device: Device, doc: string, notes: string) => device.save(doc, 'observation', { set: { notes } });
const merged = (of: FakeHub, doc: string) => merge(doc, of.revisions.values());

describe('bringing records over', () => {
  test('what was recorded before any hub was known arrives at joining', async () => {
    const doc = device.newDoc();
    await note(device, doc, 'a');
    const report = await join(device);
    expect(report).toMatchObject({ stored: 1, inSync: true, unsent: { revisions: 0, media: 0 } });
    expect(merged(hub, doc)?.set).toEqual({ notes: 'a' });
    expect((await device.local(doc))?.versionSynced).toEqual({ [hub.key.id]: 1 });
  });

  test('with nothing new, a contact is one round trip', async () => {
    await join(device);
    await device.sync(hub.key.id);
    hub.calls = [];
    expect((await device.sync(hub.key.id)).inSync).toBe(true);
    expect(hub.calls).toEqual(['POST /state']);
  });

  test('an answer that is lost: the repeat doubles nothing', async () => {
    await join(device);
    const doc = device.newDoc();
    await note(device, doc, 'a');
    let lost = 1;
    hub.loseAnswer = ({ path }) => path.endsWith('/revisions') && lost-- > 0;
    await expect(device.sync(hub.key.id)).rejects.toMatchObject({ kind: 'unreachable' });
    expect(hub.feed).toHaveLength(1);
    const report = await device.sync(hub.key.id);
    expect(report).toMatchObject({ duplicate: 1, stored: 0, inSync: true });
    expect(hub.feed).toHaveLength(1);
  });

  test('an edit during a sync is never taken for sent, and goes with the next one', async () => {
    await join(device);
    const doc = device.newDoc();
    await note(device, doc, 'a');
    let edits = 1;
    hub.before = async ({ path }) => {
      if (path.includes('/changes') && edits-- > 0) await note(device, doc, 'b');
    };
    const report = await device.sync(hub.key.id);
    expect(report).toMatchObject({ stored: 1, inSync: false, unsent: { revisions: 1, documents: 0 } });
    expect(merged(hub, doc)?.set).toEqual({ notes: 'a' });
    expect(await device.local(doc)).toMatchObject({ version: 2, versionSynced: { [hub.key.id]: 1 } });
    expect(await device.sync(hub.key.id)).toMatchObject({ stored: 1, inSync: true });
    expect(merged(hub, doc)).toMatchObject({ set: { notes: 'b' }, state: 'whole' });
  });

  test('an edit while its document is on its way is a revision of its own, upon the one that was sent', async () => {
    await join(device);
    const doc = device.newDoc();
    await note(device, doc, 'a');
    let edits = 1;
    hub.before = async ({ path }) => {
      if (path.endsWith('/revisions') && edits-- > 0) await note(device, doc, 'b');
    };
    expect(await device.sync(hub.key.id)).toMatchObject({ stored: 2, inSync: true });
    expect(merged(hub, doc)).toMatchObject({ revisions: 2, state: 'whole', set: { notes: 'b' } });
  });

  test('a kill between freezing and sending: the same revision goes', async () => {
    await join(device);
    const doc = device.newDoc();
    await note(device, doc, 'a');
    const id = hub.key.id;
    hub.before = ({ path }) => {
      if (path.endsWith('/revisions')) throw new Error('nothing of it arrives');
    };
    await expect(device.sync(id)).rejects.toMatchObject({ kind: 'busy' });
    device.close();
    device = await phone({ store: device.storeName });
    // Frozen, so an edit is a revision of its own upon it.
    await note(device, doc, 'b');
    hub.before = () => {};
    expect(await device.sync(id)).toMatchObject({ stored: 2, inSync: true });
    expect(merged(hub, doc)).toMatchObject({ revisions: 2, state: 'whole', set: { notes: 'b' } });
  });

  test('a thousand records go in a few batches', async () => {
    await join(device);
    for (let n = 0; n < 520; n += 1) await note(device, device.newDoc(), `note ${n}`);
    const seen: number[] = [];
    const stop = device.runner.onStatus((_, progress) => progress?.type === 'revisions' && seen.push(progress.done));
    expect(await device.sync(hub.key.id)).toMatchObject({ stored: 520, inSync: true });
    expect(seen).toEqual([500, 520]);
    stop();
  }, 60_000);

  test('a refused revision is parked and shown, and blocks nothing', async () => {
    await join(device);
    const [bad, good] = [device.newDoc(), device.newDoc()];
    await note(device, bad, 'x');
    await note(device, good, 'y');
    hub.refusedDocs.add(bad);
    const report = await device.sync(hub.key.id);
    expect(report).toMatchObject({ stored: 1, refused: [{ doc: bad, code: 'not_here' }], inSync: false, unsent: { parked: 1, revisions: 0 } });
    expect(await device.parked()).toMatchObject([{ doc: bad, by: hub.key.id, code: 'not_here', detail: 'Not here.' }]);
    await note(device, good, 'z');
    expect(await device.sync(hub.key.id)).toMatchObject({ stored: 1 });
  });

  test('a draft that no hub would take is parked by the phone itself, until it is edited', async () => {
    const doc = device.newDoc();
    await device.save(doc, 'observation', { set: { n: 1e20 } });
    const other = device.newDoc();
    await note(device, other, 'y');
    await join(device);
    expect(hub.feed.map(({ content }) => content.doc)).toEqual([other]);
    expect(await device.parked()).toMatchObject([{ doc, by: device.id, code: 'number_range' }]);
    await device.save(doc, 'observation', { set: { n: 1 } });
    expect(await device.sync(hub.key.id)).toMatchObject({ stored: 1, inSync: true });
  });

  test('half a character, as a keyboard may leave it, holds nothing up', async () => {
    const doc = device.newDoc();
    await note(device, doc, 'x\ud83d');
    await join(device);
    expect(merged(hub, doc)?.set).toEqual({ notes: 'x\ufffd' });
  });
});

describe('reading what others wrote', () => {
  const other = DeviceKey.generate();
  const write = (doc: string, parents: string[], set: Record<string, string>) =>
    sign({ kind: 'observation', doc, parents, createdAt: 1_795_000_000_000, set, unset: [], attach: [], detach: [], deleted: false }, other);

  test('page by page, from where it was read last', async () => {
    const docs = [1, 2, 3, 4, 5].map(() => device.newDoc());
    for (const doc of docs) hub.admit(write(doc, [], { notes: 'o' }));
    expect(await join(device)).toMatchObject({ pulled: 5, inSync: true });
    expect((await device.list('observation')).map(({ doc }) => doc).sort()).toEqual(docs.sort());
    hub.calls = [];
    await device.sync(hub.key.id);
    expect(hub.calls).toEqual(['POST /state']);
  });

  test('a pull never overwrites an unsent edit: both stay visible', async () => {
    await join(device);
    const first = write(device.newDoc(), [], { notes: 'o', colour: 'red' });
    const { doc } = first.content;
    hub.admit(first);
    await device.sync(hub.key.id);
    await note(device, doc, 'mine');
    hub.admit(write(doc, [first.id], { notes: 'theirs' }));
    // Its edit is held back, so that the pull comes first.
    hub.refusedDocs.add(doc);
    await device.sync(hub.key.id);
    expect((await device.document(doc))?.conflicts.notes?.map(({ value }) => value).sort()).toEqual(['mine', 'theirs']);
  });

  describe('while a form is open', () => {
    async function edited(hows: { upon: boolean; again?: boolean }) {
      await join(device);
      const first = write(device.newDoc(), [], { notes: 'o', colour: 'red' });
      const { doc } = first.content;
      hub.admit(first);
      await device.sync(hub.key.id);
      const opened = await device.opened(doc);
      const upon = hows.upon ? { upon: opened?.upon } : {};
      if (hows.again) {
        await device.save(doc, 'observation', { set: { notes: 'begun' }, ...upon });
        await device.sync(hub.key.id);
      }
      hub.admit(write(doc, [first.id], { notes: 'theirs' }));
      await device.sync(hub.key.id);
      await device.save(doc, 'observation', { set: { notes: 'mine' }, ...upon });
      await device.sync(hub.key.id);
      return device.document(doc);
    }
    const values = (view: Awaited<ReturnType<typeof edited>>) => view?.conflicts.notes?.map(({ value }) => value).sort();

    test('what is pulled stays visible beside what is written in it', async () => {
      expect(values(await edited({ upon: true }))).toEqual(['mine', 'theirs']);
    });

    test('what was written in it before and was sent is what is written upon', async () => {
      expect(values(await edited({ upon: true, again: true }))).toEqual(['mine', 'theirs']);
    });

    test('whoever saw what was pulled writes over it', async () => {
      expect(await edited({ upon: false })).toMatchObject({ set: { notes: 'mine' }, state: 'whole' });
    });
  });

  test('an edit that waits as a draft stays the one that is shown', async () => {
    await join(device);
    const first = write(device.newDoc(), [], { notes: 'o' });
    const { doc } = first.content;
    hub.admit(first);
    await device.sync(hub.key.id);
    let edits = 1;
    hub.before = async ({ path }) => {
      if (path.includes('/changes') && edits-- > 0) await note(device, doc, 'mine');
    };
    hub.admit(write(doc, [first.id], { notes: 'theirs', more: 'x' }));
    await device.sync(hub.key.id);
    expect(await device.document(doc)).toMatchObject({ draft: true, set: { notes: 'mine', more: 'x' } });
    // A form that is opened now goes on with the draft, which had not seen theirs.
    expect((await device.opened(doc))?.upon).toEqual([first.id]);
  });

  test('what is not valid is passed over and counted', async () => {
    await join(device);
    const good = write(device.newDoc(), [], { notes: 'o' });
    hub.admit({ ...good, sig: `${good.sig.slice(0, 40)}${good.sig[40] === 'A' ? 'B' : 'A'}${good.sig.slice(41)}` });
    hub.admit(write(device.newDoc(), [], { notes: 'p' }));
    expect(await device.sync(hub.key.id)).toMatchObject({ pulled: 1, pullRefused: 1 });
  });
});

describe('hubs that come and go', () => {
  test('one that was replaced by an empty one is offered everything again, media too', async () => {
    const doc = device.newDoc();
    await device.save(doc, 'observation', { set: { notes: 'a' } }, [{ bytes: photo(2_500_000), name: 'IMG_1.jpg' }]);
    await join(device);
    expect([hub.feed.length, hub.media.size]).toEqual([1, 1]);
    hub.loseEverything();
    expect(await device.sync(hub.key.id)).toMatchObject({ beganAgain: true, stored: 1, mediaSent: 1, inSync: true });
    expect([hub.feed.length, hub.media.size]).toEqual([1, 1]);
  });

  test('one that lost a revision within the same life is offered everything again', async () => {
    await join(device);
    await note(device, device.newDoc(), 'a');
    await note(device, device.newDoc(), 'b');
    await device.sync(hub.key.id);
    hub.revisions.delete([...hub.revisions.keys()][0] as string);
    expect(await device.sync(hub.key.id)).toMatchObject({ beganAgain: true, stored: 1, inSync: true });
  });

  test('one whose disk spoilt a photo is sent it again', async () => {
    await device.save(device.newDoc(), 'observation', {}, [{ bytes: photo(1000), name: 'a.jpg' }]);
    await join(device);
    hub.media.clear();
    expect(await device.sync(hub.key.id)).toMatchObject({ beganAgain: false, mediaSent: 1, inSync: true });
  });

  test('two hubs in turn: each is brought everything, and version_synced is each one\'s own', async () => {
    const second = await FakeHub.start({ project: hub.project });
    try {
      const doc = device.newDoc();
      await note(device, doc, 'a');
      await join(device);
      await join(device, second);
      await note(device, doc, 'b');
      await device.sync(second.key.id);
      expect((await device.local(doc))?.versionSynced).toEqual({ [hub.key.id]: 1, [second.key.id]: 2 });
      expect(await device.unsent(hub.key.id)).toMatchObject({ revisions: 1, documents: 0 });
      expect((await device.sync(hub.key.id)).inSync).toBe(true);
      expect([...hub.revisions.keys()].sort()).toEqual([...second.revisions.keys()].sort());
    } finally {
      await second.stop();
    }
  });

  test('a stranger\'s hub, and another hub at a known place, get nothing', async () => {
    await join(device);
    const stranger = await FakeHub.start({ project: 'cd'.repeat(16) });
    await expect(join(device, stranger)).rejects.toMatchObject({ code: 'stranger' });
    hub.key = DeviceKey.generate();
    hub.devices.clear();
    hub.nonce = 'nonce-2';
    const known = (await device.hubs())[0]?.id as string;
    await note(device, device.newDoc(), 'a');
    hub.calls = [];
    // Signed for the known hub, a request is of no use to another; it refuses, and is asked who it is.
    await expect(device.sync(known)).rejects.toMatchObject({ code: 'another_hub' });
    hub.devices.add(device.id);
    await expect(device.sync(known)).rejects.toMatchObject({ code: 'another_hub' });
    expect(hub.calls.filter((call) => call.includes('revisions'))).toEqual([]);
    await stranger.stop();
  });

  test('another hub that came to the address between two contacts does not pass for one that forgot this phone', async () => {
    const other = await FakeHub.start();
    let at = hub.address;
    const get: typeof fetch = (url, init) => fetch(String(url).replace(hub.address, at), init);
    const moving = await phone({ fetch: get });
    await join(moving);
    at = other.address;
    await expect(moving.sync(hub.key.id)).rejects.toMatchObject({ kind: 'garbled' });
    expect((await moving.hubs())[0]?.forgotten).toBe(false);
    at = hub.address;
    expect(await moving.sync(hub.key.id)).toMatchObject({ inSync: true });
    moving.close();
    await other.stop();
  });

  test('a receipt that another key signed is not believed', async () => {
    await join(device);
    const id = hub.key.id;
    const forger = DeviceKey.generate();
    hub.key = Object.create(hub.key, { sign: { value: forger.sign.bind(forger) } }) as DeviceKey;
    await expect(device.sync(id)).rejects.toMatchObject({ code: 'bad_receipt' });
  });

  test('a hub that has restarted gives another nonce, and nobody notices', async () => {
    await join(device);
    hub.nonce = 'nonce-2';
    hub.calls = [];
    expect((await device.sync(hub.key.id)).inSync).toBe(true);
    expect(hub.calls).toEqual(['POST /state', 'POST /state']);
  });

  test('one that forgot this phone: nothing is lost, and joining again goes on where it was', async () => {
    await join(device);
    const doc = device.newDoc();
    await note(device, doc, 'a');
    hub.devices.clear();
    await expect(device.sync(hub.key.id)).rejects.toMatchObject({ kind: 'join_again' });
    expect((await device.hubs())[0]?.forgotten).toBe(true);
    expect(await join(device)).toMatchObject({ stored: 1, inSync: true });
    expect((await device.hubs())[0]?.forgotten).toBe(false);
  });

  test('one that was left is brought nothing, and joined again it is brought everything', async () => {
    await device.save(device.newDoc(), 'observation', { set: { notes: 'a' } }, [{ bytes: photo(3_000), name: 'a.jpg' }]);
    await join(device);
    await device.leave(hub.key.id);
    expect(await device.hubs()).toEqual([]);
    await expect(device.sync(hub.key.id)).rejects.toMatchObject({ code: 'not_joined' });
    // What was recorded for one project goes to no other.
    const other = await FakeHub.start();
    other.project = 'cd'.repeat(16);
    await expect(join(device, other)).rejects.toMatchObject({ code: 'stranger' });
    await other.stop();
    expect(await join(device)).toMatchObject({ duplicate: 1, mediaHad: 1, inSync: true });
  });

  test('another address is kept only where the hub is', async () => {
    await join(device);
    const other = await FakeHub.start();
    await expect(device.reachAt(hub.key.id, other.address)).rejects.toMatchObject({ kind: 'garbled' });
    const localhost = hub.address.replace('127.0.0.1', 'localhost');
    await device.reachAt(hub.key.id, localhost);
    expect((await device.hubs())[0]?.addresses).toEqual([localhost, hub.address]);
    await other.stop();
  });

  test('a hub that forgot this phone is not asked over and over', async () => {
    await join(device);
    hub.devices.clear();
    await expect(device.sync(hub.key.id)).rejects.toMatchObject({ kind: 'join_again' });
    const reads = vi.spyOn((device as unknown as { store: { read: () => unknown } }).store, 'read');
    device.start();
    await new Promise((done) => setTimeout(done, 400));
    expect(reads.mock.calls.length).toBeLessThan(4);
  });

  test('a wrong code is said', async () => {
    await expect(device.join(hub.address, '000000', 'Ana')).rejects.toMatchObject({ kind: 'denied', code: 'wrong_code' });
  });
});
