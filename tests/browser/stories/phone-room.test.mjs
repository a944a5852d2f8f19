/** Room on the phone: what a hub has confirmed and a drive has verified may go, the oldest first, and only when space is short. */
import assert from 'node:assert/strict';
import { existsSync, statfsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { PATIENCE, WITH_GPS, allThere, go, hubOf, joinHub, keeperOf, kept, open, record } from '../fixture/app.mjs';
import { barriers, overflow, startBrowser } from '../fixture/browser.mjs';
import { withoutHub } from '../fixture/hub.mjs';
import { noise } from '../fixture/phone.mjs';
import { jpeg } from '../fixture/photo.mjs';

/** A copy counts on a filesystem that is not the hub's, and not in memory: so the hub's own is. */
const MEMORY = '/dev/shm';
const isMemory = (path) => existsSync(path) && statfsSync(path).type === 0x01021994;
const withoutDrive = isMemory(MEMORY) && !isMemory(tmpdir()) ? false : 'this machine has no second filesystem to copy to';

const MB = 1_000_000;

test('short of space, the oldest photos that are safe elsewhere go, and what is not never does', { skip: withoutHub || withoutDrive }, async (t) => {
  const hub = await hubOf(t, { under: MEMORY });
  // Else Chromium tells ten GiB above what is used, whatever is left.
  const browser = await startBrowser(t, ['--disable-features=StaticStorageQuota']);
  const app = await open(browser, hub, 'handover', WITH_GPS);
  const drawn = await jpeg(app);
  const photoOf = (n) => ({ name: `IMG_${n}.jpg`, bytes: Buffer.concat([drawn, noise(2 * MB, n + 1)]) });
  await joinHub(app, hub);
  await allThere(app);
  for (const n of [0, 1]) await record(app, { note: `árbol ${n}`, photo: photoOf(n) });
  await app.getByText(/On San Juan, confirmed/).waitFor(PATIENCE);
  await go(app, 'handover');
  await allThere(app);

  // On the hub alone, nothing may go, however short space is.
  const session = await app.context().newCDPSession(app);
  const { usage } = await app.evaluate(() => navigator.storage.estimate());
  const quota = (bytes) => session.send('Storage.overrideQuotaForOrigin', { origin: hub.http, quotaSize: bytes });
  await quota(Math.round(usage * 1.1));
  await go(app, 'settings');
  await app.getByText('No file can go yet').waitFor();
  assert.equal(await app.getByRole('button', { name: /^Free/ }).count(), 0);

  // It is on a drive now, of which the phone hears when space is short; one more is recorded when the hub is away.
  const drive = await mkdtemp(join(tmpdir(), 'maloca-drive-'));
  t.after(() => rm(drive, { recursive: true, force: true }));
  await hub.export(drive);
  await app.reload();
  const safe = app.getByText('2 files (4 MB) are confirmed on a hub and copied elsewhere: they can go from this phone.');
  await safe.waitFor(PATIENCE);
  await hub.stop();
  await app.context().setOffline(true);
  await quota(usage * 100);
  await record(app, { note: 'árbol 2', photo: photoOf(2) });
  await go(app, 'settings');
  await app.getByText('There is room: nothing needs to go.').waitFor();
  assert.equal(await app.getByRole('button', { name: /^Free/ }).count(), 0);
  const now = (await app.evaluate(() => navigator.storage.estimate())).usage;
  await quota(Math.round(now * 1.15));
  await go(app, 'record');
  await app.getByRole('list', { name: 'Categories' }).waitFor();
  await go(app, 'settings');
  await safe.waitFor();
  assert.deepEqual(await barriers(app), []);
  assert.equal(await overflow(app), 0);
  // Less than a fifth is left: one file is enough to have it again.
  await app.getByRole('button', { name: 'Free 1 file (2 MB)' }).click();
  await app.getByText('Freed: 2 MB. The records stay.').waitFor();
  const views = await kept(app);
  const has = (n) => views.find(({ set }) => set.notes === `árbol ${n}`).files[0] !== null;
  assert.deepEqual([has(0), has(1), has(2)], [false, true, true], 'the oldest went, what no hub has is here');
  assert.equal(views.length, 3);

  // The observation stays, and says where its photo is not.
  await go(app, 'observations');
  await app.getByText('3 observations', { exact: true }).waitFor();
  await app.getByRole('link', { name: /Water/ }).last().click();
  await app.getByText('The file is not on this phone: IMG_0.jpg').waitFor();
  await app.getByText('árbol 0').waitFor();
  assert.deepEqual(await barriers(app), []);

  const again = await hub.restart();
  await app.context().setOffline(false);
  await go(app, 'handover');
  await app.getByRole('button', { name: 'Hand over now' }).click();
  await allThere(app);
  const keeper = await keeperOf(browser, hub, again.open);
  for (const { set, attachments } of views) {
    const n = Number(set.notes.at(-1));
    assert.ok((await keeper.photo(attachments[0].hash)).equals(photoOf(n).bytes), 'the hub has what the phone let go of, and all else');
  }
});
