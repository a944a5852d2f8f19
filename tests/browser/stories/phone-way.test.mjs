/** On the way to the hub: the page reloaded in mid-upload, the answer to a photo lost, a page given up for the app, the screen kept on. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { JOINING, PATIENCE, allThere, assertArrived, begin, bringIn, done, elsewhere, go, hubOf, joinHub, keeperOf, kept, open, slowly } from '../fixture/app.mjs';
import { startBrowser } from '../fixture/browser.mjs';
import { withoutHub } from '../fixture/hub.mjs';
import { savedFile } from '../fixture/phone.mjs';
import { jpeg } from '../fixture/photo.mjs';

test('the page is reloaded in mid-upload: it goes on where it was', { skip: withoutHub }, async (t) => {
  const hub = await hubOf(t);
  const browser = await startBrowser(t);
  const saved = await savedFile(t, { records: 1, photos: [6_000_000] });
  const app = await open(browser, hub);
  await bringIn(app, saved);
  await slowly(app, 1_500_000);
  const offsets = [];
  app.on('request', (request) => {
    if (request.method() === 'PATCH') offsets.push(Number(request.headers()['upload-offset']));
  });
  await joinHub(app, hub);
  await app.waitForRequest((request) => request.method() === 'PATCH' && Number(request.headers()['upload-offset']) >= 2_000_000, PATIENCE);
  const before = offsets.splice(0);
  await app.reload();
  await allThere(app);
  assert.equal(before[0], 0);
  assert.ok(offsets[0] >= before.at(-1), `${offsets} after ${before}: what the hub had was not sent again`);
  await assertArrived(browser, hub, saved);
});

test('the answer to the end of a photo is lost: it is there, and once', { skip: withoutHub }, async (t) => {
  const hub = await hubOf(t);
  const browser = await startBrowser(t);
  const saved = await savedFile(t, { records: 1, photos: [400_000, 2_500_000] });
  const app = await open(browser, hub);
  await bringIn(app, saved);
  let lost = 0;
  // Of the small photo the one request, of the large one the last piece.
  await app.route('**/api/v1/media/uploads**', async (route) => {
    const request = route.request();
    const [isWhole, isLast] = [request.postDataBuffer()?.length === 400_000, Number(request.headers()['upload-offset']) > 2_000_000];
    const isEnd = (request.method() === 'POST' && isWhole) || (request.method() === 'PATCH' && isLast);
    if (!isEnd || lost >= 2) return route.continue();
    lost += 1;
    await route.fetch();
    return route.abort();
  });
  await joinHub(app, hub);
  await allThere(app);
  assert.ok(lost >= 1);
  await assertArrived(browser, hub, saved);
});

test('five recorded on a plain page go on in the installed app by the saved file, and all arrive', { skip: withoutHub }, async (t) => {
  const origin = await elsewhere(t);
  const hub = await hubOf(t, { words: [...JOINING, '--allow-origin', origin] });
  const browser = await startBrowser(t, ['--host-resolver-rules=MAP maloca.local 127.0.0.1']);
  const page = await open(browser, { http: `http://maloca.local:${hub.port}` }, 'record');
  const drawn = await jpeg(page);
  const photos = [0, 1, 2, 3, 4].map((n) => Buffer.concat([drawn, Buffer.alloc(20_000, n)]));
  for (const [n, buffer] of photos.entries()) {
    await go(page, 'record');
    await begin(page, 'Water');
    await page.locator('input[multiple]').setInputFiles({ name: `IMG_${n}.jpg`, mimeType: 'image/jpeg', buffer });
    await page.getByRole('img', { name: `IMG_${n}.jpg` }).waitFor();
    await page.getByLabel('Note', { exact: true }).fill(`árbol ${n}`);
    await done(page);
    await page.getByRole('heading', { name: 'Where it is kept' }).waitFor();
  }
  await go(page, 'settings');
  await page.getByText('What is not handed over', { exact: true }).click();
  await page.getByLabel('With the key of this phone').check();
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save the file' }).click()]);
  const bytes = await readFile(await file.path());

  const app = await open(browser, { http: origin, at: '/some/where/' }, 'settings');
  await app.locator('input[type=file]').first().setInputFiles({ name: file.suggestedFilename(), mimeType: 'application/x-tar', buffer: bytes });
  await app.getByText('Read: 5 changes and 5 files that are new here.').waitFor(PATIENCE);
  await joinHub(app, hub);
  await allThere(app);
  const views = await kept(app);
  const keeper = await keeperOf(browser, hub);
  const there = await keeper.observations();
  assert.deepEqual(there.map(({ set }) => set.notes).sort(), [0, 1, 2, 3, 4].map((n) => `árbol ${n}`));
  for (const { set, attachments } of views) {
    assert.ok((await keeper.photo(attachments[0].hash)).equals(photos[Number(set.notes.at(-1))]), `the photo of ${set.notes} is as it was`);
  }
});

test('the screen is kept on while photos go over, and no longer', { skip: withoutHub }, async (t) => {
  const hub = await hubOf(t);
  const browser = await startBrowser(t);
  const saved = await savedFile(t, { records: 1, photos: [1_500_000] });
  const app = await open(browser, hub);
  await app.addInitScript(() => {
    globalThis.screenOn = [];
    const request = async (kind) => {
      globalThis.screenOn.push(kind);
      return { release: async () => void globalThis.screenOn.push('released') };
    };
    Object.defineProperty(navigator, 'wakeLock', { value: { request } });
  });
  await app.reload();
  await bringIn(app, saved);
  const fast = await slowly(app, 1_000_000);
  await joinHub(app, hub);
  await app.getByText(/photo 1 of 1/).waitFor(PATIENCE);
  const said = () => app.evaluate(() => globalThis.screenOn);
  assert.deepEqual(await said(), ['screen']);
  await fast();
  await allThere(app);
  assert.deepEqual(await said(), ['screen', 'released']);
  // With nothing to bring, no battery is spent on it.
  const asked = app.waitForResponse('**/api/v1/state');
  await app.getByRole('button', { name: 'Hand over now' }).click();
  await asked;
  await allThere(app);
  assert.deepEqual(await said(), ['screen', 'released']);
});
