/** A monitor records on the phone, without any hub in reach of the app: what was seen, where, and the way between. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { barriers, manager, overflow, startBrowser, visitor } from '../fixture/browser.mjs';
import { startHub, withoutHub } from '../fixture/hub.mjs';
import { jpeg } from '../fixture/photo.mjs';

const skip = withoutHub;

/** Two places some 5 km apart. */
const HERE = { latitude: -6.48, longitude: -76.36, accuracy: 60 };
const THERE = { lat: -6.5215, lon: -76.3405 };

/** A microphone that beeps, and nobody who must be asked. */
const SWITCHES = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];

const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };

/** A phone with the app open. Without `gps` its browser may not use the place. */
async function phone(t, { gps = true, ...options } = {}) {
  const hub = await startHub(t);
  const browser = await startBrowser(t, SWITCHES);
  const allowed = gps ? { permissions: ['geolocation', 'microphone'], geolocation: HERE } : { permissions: ['microphone'] };
  const visit = await visitor(browser, hub, { ...PHONE, ...allowed, ...options });
  await open(visit.page, hub);
  return { hub, browser, ...visit };
}

const open = (page, hub, at = '') => page.goto(`${hub.http}/phone/${at}`);

const begin = (page, category) => page.getByRole('list', { name: 'Categories' }).getByRole('button', { name: category, exact: true }).click();
const saved = (page) => page.getByText('Saved on this phone').waitFor();
const done = (page) => page.getByRole('button', { name: 'Done' }).click();

/** What lies in the phone's store, read past the app: the documents of a kind, and a file's bytes. */
const kept = (page, kind = 'observation') =>
  page.evaluate(
    (kind) =>
      new Promise((done, failed) => {
        const opening = indexedDB.open('maloca-device');
        opening.onerror = () => failed(opening.error);
        opening.onsuccess = () => {
          const db = opening.result;
          const tx = db.transaction(['views', 'blobs']);
          const [views, keys, blobs] = [tx.objectStore('views').getAll(), tx.objectStore('blobs').getAllKeys(), tx.objectStore('blobs').getAll()];
          tx.oncomplete = async () => {
            db.close();
            const files = await Promise.all(blobs.result.map(async (blob) => [...new Uint8Array(await blob.arrayBuffer())]));
            const of = (hash) => files[keys.result.indexOf(hash)];
            done(views.result.filter((view) => view.kind === kind && !view.deleted).map((view) => ({
              ...view,
              files: view.attachments.map(({ hash }) => of(hash)),
            })));
          };
        };
      }),
    kind,
  );

/** Waits until the store says so. */
async function until(page, holds, kind) {
  for (let tries = 0; tries < 200; tries += 1) {
    const views = await kept(page, kind);
    if (holds(views)) return views;
    await page.waitForTimeout(100);
  }
  assert.fail(`not so: ${JSON.stringify(await kept(page, kind)).slice(0, 2000)}`);
}

test('three taps: a category, a photo, a place that gets better while one waits', { skip }, async (t) => {
  const { page, context, quiet } = await phone(t);
  await begin(page, 'Logging');
  // Kept before anything else is asked.
  const [begun] = await until(page, (views) => views.length === 1);
  assert.equal(begun.set.category, 'logging');
  assert.ok(Number.isFinite(Date.parse(begun.set.observed_at)));

  await page.getByText('± 60 m').waitFor();
  await context.setGeolocation({ ...HERE, accuracy: 8 });
  await page.getByText('Good enough').waitFor();

  const photo = await jpeg(page);
  await page.locator('input[capture=environment]').setInputFiles({ name: 'IMG_1.jpg', mimeType: 'image/jpeg', buffer: photo });
  await page.getByRole('img', { name: 'Photo 1: IMG_1.jpg' }).waitFor();
  await saved(page);
  await done(page);

  await page.getByRole('heading', { name: 'Logging' }).waitFor();
  await page.getByText('-6.48000, -76.36000').waitFor();
  const [view] = await kept(page);
  assert.deepEqual(view.set.location, { lat: -6.48, lon: -76.36, accuracy_m: 8, source: 'gps' });
  assert.deepEqual(Buffer.from(view.files[0]), photo, 'the photo is kept byte by byte');
  quiet();
});

test('a photo tells its place and time where there is no GPS, and stays as it is', { skip }, async (t) => {
  const { page, quiet } = await phone(t, { gps: false, timezoneId: 'America/Lima' });
  await begin(page, 'Fire');
  const photo = await jpeg(page, { ...THERE, taken: '2026:11:20 10:05:42' });
  await page.locator('input[multiple]').setInputFiles({ name: 'fuego.jpg', mimeType: 'image/jpeg', buffer: photo });
  await page.getByText('from the photo').waitFor();
  await page.getByRole('button', { name: 'Use its time' }).click();
  const [view] = await until(page, ([one]) => one?.set.observed_at === '2026-11-20T15:05:42.000Z');
  assert.deepEqual(view.set.location, { lat: THERE.lat, lon: THERE.lon, source: 'photo' });
  assert.equal(view.attachments[0].taken_at, '2026-11-20T15:05:42.000Z');
  assert.deepEqual(Buffer.from(view.files[0]), photo);

  await page.getByRole('button', { name: 'Remove photo 1' }).click();
  await until(page, ([one]) => one.attachments.length === 0);
  await page.getByRole('button', { name: 'Undo' }).click();
  const [again] = await until(page, ([one]) => one.attachments.length === 1);
  assert.deepEqual(Buffer.from(again.files[0]), photo);
  quiet();
});

test('a place by hand: typed, or pressed on the land', { skip }, async (t) => {
  const { page, quiet } = await phone(t, { gps: false });
  await begin(page, 'Road or trail');
  await page.getByRole('button', { name: 'Set by hand' }).click();
  await page.getByLabel('Latitude').fill('-6,5');
  await page.getByLabel('Longitude').fill('far');
  await page.getByRole('button', { name: 'Use what I typed' }).click();
  await page.getByRole('alert').filter({ hasText: 'Write latitude' }).waitFor();
  await page.getByLabel('Longitude').fill('-76,3');
  await page.getByRole('button', { name: 'Use what I typed' }).click();
  await until(page, ([one]) => one.set.location?.source === 'manual' && one.set.location.lat === -6.5 && one.set.location.lon === -76.3);

  await page.getByRole('button', { name: 'Set by hand' }).click();
  const land = page.getByRole('application');
  await land.tap({ position: { x: 100, y: 100 } });
  const [{ set }] = await until(page, ([one]) => one.set.location.lat !== -6.5);
  assert.ok(set.location.lat > -6.5 && set.location.lon < -76.3, 'up is north, left is west');
  quiet();
});

test('a closed app loses nothing: questions, notes and a voice note are there again', { skip }, async (t) => {
  const { hub, page, quiet } = await phone(t);
  await begin(page, 'Strangers');
  await page.getByLabel('Note', { exact: true }).fill('<b>Two boats</b> & five men');
  await page.getByRole('button', { name: 'Record a voice note' }).click();
  await page.getByRole('button', { name: /Stop and save/ }).waitFor();
  await page.waitForTimeout(1500);
  await page.getByRole('button', { name: /Stop and save/ }).click();
  await page.getByLabel('Voice note 1', { exact: true }).waitFor();
  await until(page, ([one]) => one.set.notes && one.files.length === 1 && one.files[0].length > 500);

  await page.reload();
  await page.getByLabel('Voice note 1', { exact: true }).waitFor();
  assert.equal(await page.getByLabel('Note', { exact: true }).inputValue(), '<b>Two boats</b> & five men');

  // Among those that are not finished it is gone on with.
  await open(page, hub, '#/record');
  await page.getByRole('link', { name: 'Strangers' }).click();
  await done(page);
  // The question that must be answered is asked again, and does not stand in the way.
  await page.getByText('Still missing: How many?').waitFor();
  const [{ attachments }] = await kept(page);
  assert.match(attachments[0].name, /^voice-.*\.webm$/);
  await page.getByLabel(/How many/).fill('a few');
  await page.getByText('This must be a number.').waitFor();
  await page.getByLabel(/How many/).fill('5');
  await done(page);
  await page.getByRole('heading', { name: 'Where it is kept' }).waitFor();
  await page.getByText('<b>Two boats</b> & five men').waitFor();
  assert.equal((await kept(page))[0].set.count, 5);
  await page.getByText('Only here').first().waitFor();
  quiet();
});

test('a full phone is told of, and nothing is lost', { skip }, async (t) => {
  const { page, complaints } = await phone(t, { gps: false });
  /** From now on the browser keeps nothing more, as on a full disk; or does again. */
  const full = (is) =>
    page.evaluate((is) => {
      globalThis.keeps ??= IDBObjectStore.prototype.put;
      IDBObjectStore.prototype.put = is
        ? () => {
            throw new DOMException('full', 'QuotaExceededError');
          }
        : globalThis.keeps;
    }, is);
  await begin(page, 'Fire');
  await page.getByLabel('Note', { exact: true }).fill('smoke behind the hill');
  await until(page, ([one]) => one.set.notes !== undefined);
  await full(true);
  const buffer = Buffer.alloc(30_000, 7);
  await page.locator('input[multiple]').setInputFiles({ name: 'big.jpg', mimeType: 'image/jpeg', buffer });
  await page.getByText('This phone is full.').waitFor();
  await page.getByLabel('Note', { exact: true }).fill('smoke behind the hill, and ash');
  await page.getByText('Not saved yet').first().waitFor();
  // Room is made elsewhere in the app; what found none waits meanwhile.
  await page.getByRole('navigation').getByRole('link', { name: 'Hand over' }).click();
  await page.getByRole('heading', { name: 'Hand over' }).waitFor();
  await page.goBack();
  await page.getByText('Not saved yet').first().waitFor();
  assert.equal(await page.getByLabel('Note', { exact: true }).inputValue(), 'smoke behind the hill, and ash');

  await full(false);
  await page.getByRole('button', { name: 'Try again' }).click();
  await saved(page);
  const [view] = await until(page, ([one]) => one.set.notes === 'smoke behind the hill, and ash' && one.attachments.length === 1);
  assert.deepEqual(Buffer.from(view.files[0]), buffer);
  // The browser itself says why it could not be kept; nothing else is complained of.
  assert.deepEqual(complaints.filter((one) => !/full|quota/i.test(one)), []);
});

test('what was recorded is changed, deleted and brought back', { skip }, async (t) => {
  const { hub, page, quiet } = await phone(t);
  await begin(page, 'Animal');
  const photo = await jpeg(page);
  await page.locator('input[multiple]').setInputFiles({ name: 'a.jpg', mimeType: 'image/jpeg', buffer: photo });
  await page.getByLabel('Which one?').fill('Sachavaca');
  await page.getByLabel('A track').check();
  await done(page);
  await page.getByText('Sachavaca').waitFor();

  await page.getByRole('link', { name: 'Edit' }).click();
  await page.getByLabel('Which one?').fill('Otorongo');
  await done(page);
  await page.getByText('Otorongo').waitFor();
  assert.equal((await kept(page))[0].set.sign, 'track');

  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('Nothing yet').waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('link', { name: /Animal/ }).waitFor();
  const [back] = await kept(page);
  assert.equal(back.set.species, 'Otorongo');
  assert.deepEqual(Buffer.from(back.files[0]), photo);

  // One that is not finished, too.
  await open(page, hub, '#/record');
  await begin(page, 'Water');
  await page.getByRole('button', { name: 'Delete this observation' }).click();
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('link', { name: 'Water' }).waitFor();
  quiet();
});

test('a track is noted while walking, and survives a closed app', { skip }, async (t) => {
  const { hub, page, context, quiet } = await phone(t);
  await context.setGeolocation({ ...HERE, accuracy: 6 });
  await open(page, hub, '#/record/track');
  await page.getByRole('button', { name: 'Start the track' }).click();
  for (let step = 0; step < 5; step += 1) {
    await context.setGeolocation({ ...HERE, latitude: HERE.latitude + step * 0.001, accuracy: 6 });
    await page.waitForTimeout(1100);
  }
  await page.getByText('445 m').waitFor();
  await page.getByRole('link', { name: 'Record' }).click();
  await page.getByRole('link', { name: 'Track is under way' }).waitFor();
  await page.getByRole('link', { name: 'Track is under way' }).click();
  await until(page, ([track]) => track?.set.points.length === 5, 'track');

  await page.reload();
  await page.getByRole('button', { name: 'Go on with the track' }).click();
  await context.setGeolocation({ ...HERE, latitude: HERE.latitude + 0.006, accuracy: 6 });
  await page.getByRole('button', { name: 'End the track' }).waitFor();
  await page.getByText('667 m').waitFor();
  await page.getByRole('button', { name: 'End the track' }).click();
  const [{ set }] = await until(page, ([track]) => track?.set.ended_at, 'track');
  assert.deepEqual(set.points[0].slice(0, 3), [-76.36, -6.48, 6]);
  assert.ok(set.points.length >= 6);
  await page.getByRole('button', { name: 'Start the track' }).waitFor();
  quiet();
});

test('two who changed the same thing see both, and choose', { skip }, async (t) => {
  const hub = await startHub(t, { name: 'Aldea' });
  const browser = await startBrowser(t);
  const { page: dashboard } = await manager(browser, hub);
  const settings = { method: 'PATCH', headers: { 'content-type': 'application/json' }, body: '{"devices_read_all":true}' };
  await dashboard.evaluate((settings) => fetch('/api/v1/admin/hub', settings), settings);
  await dashboard.getByRole('main').getByRole('button', { name: 'Let a phone join' }).click();

  async function joined(name) {
    const { page, context } = await visitor(browser, hub, PHONE);
    await open(page, hub);
    await page.getByRole('button', { name: 'Water', exact: true }).waitFor();
    const code = await dashboard.locator('[data-code]').getAttribute('data-code');
    await join(page, code, name);
    await dashboard.locator(`[data-code]:not([data-code="${code}"])`).waitFor();
    await page.getByRole('link', { name: 'Record' }).click();
    return { page, context };
  }
  const [rosa, luz] = [await joined('Rosa'), await joined('Luz')];

  await begin(rosa.page, 'Water');
  await rosa.page.getByLabel('Note', { exact: true }).fill('clear');
  await done(rosa.page);
  await rosa.page.getByText(/On Aldea, confirmed/).waitFor();

  await open(luz.page, hub, '#/observations');
  await luz.page.getByText('All', { exact: true }).click();
  const there = luz.page.getByRole('link', { name: /Water/ });
  await there.filter({ hasText: 'From others' }).waitFor({ timeout: 60_000 });
  await there.click();

  // Both write before either hears of the other.
  for (const { page } of [rosa, luz]) {
    await page.getByRole('link', { name: 'Edit' }).click();
    await page.getByRole('button', { name: 'Done' }).waitFor();
  }
  for (const [{ page, context }, note] of [[rosa, 'muddy'], [luz, 'green']]) {
    await context.setOffline(true);
    await page.getByLabel('Note', { exact: true }).fill(note);
    await done(page);
    await page.getByText(note).first().waitFor();
  }
  await rosa.context.setOffline(false);
  await rosa.page.reload();
  await rosa.page.getByText(/On Aldea, confirmed/).waitFor({ timeout: 60_000 });
  await luz.context.setOffline(false);
  await luz.page.reload();

  await luz.page.getByRole('button', { name: /Choose this one.*green/ }).waitFor({ timeout: 60_000 });
  assert.deepEqual(await barriers(luz.page), []);
  await luz.page.getByRole('button', { name: /Choose this one.*muddy/ }).click();
  await luz.page.getByText('Value chosen.').waitFor();
  const [view] = await kept(luz.page);
  assert.deepEqual([view.set.notes, Object.keys(view.conflicts)], ['muddy', []]);
});

/** Joins the hub that the page came from, as a person does. */
async function join(page, code, name) {
  await page.getByRole('link', { name: 'Hand over' }).click();
  await page.getByLabel('Code', { exact: true }).fill(code);
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Join', exact: true }).click();
  await page.getByRole('heading', { name: 'Aldea' }).waitFor();
}

for (const colorScheme of ['light', 'dark']) {
  test(`the pages of recording fit a small phone and everybody, ${colorScheme}`, { skip }, async (t) => {
    const { hub, page, quiet } = await phone(t, { colorScheme });
    const fits = async (what) => {
      assert.deepEqual(await barriers(page), [], what);
      assert.equal(await overflow(page), 0, what);
    };
    await page.getByRole('list', { name: 'Categories' }).waitFor();
    await fits('the categories');
    await begin(page, 'Strangers');
    await page.getByRole('button', { name: 'Set by hand' }).click();
    await page.getByRole('application').waitFor();
    await fits('the form');
    await done(page);
    await page.getByRole('button', { name: 'Finish without it' }).click();
    await page.getByRole('heading', { name: 'Where it is kept' }).waitFor();
    await fits('an observation');
    await open(page, hub, '#/observations');
    await page.getByRole('link', { name: /Strangers/ }).waitFor();
    await fits('the list');
    await page.getByText('Map', { exact: true }).click();
    await page.getByRole('application').waitFor();
    await fits('the land');
    await open(page, hub, '#/record/track');
    await page.getByRole('button', { name: 'Start the track' }).click();
    await page.getByRole('button', { name: 'End the track' }).waitFor();
    await fits('a track');
    quiet();
  });
}

for (const [locale, title, category] of [['es-PE', '¿Qué viste?', 'Tala'], ['pt-BR', 'O que você viu?', 'Corte de madeira'], ['fr-FR', 'Qu’avez-vous vu ?', 'Coupe de bois']]) {
  test(`recording speaks ${locale}`, { skip }, async (t) => {
    const { page, quiet } = await phone(t, { locale });
    await page.getByRole('heading', { name: title }).waitFor();
    await page.getByRole('button', { name: category, exact: true }).click();
    await page.getByRole('heading', { name: category }).waitFor();
    assert.equal(await overflow(page), 0);
    quiet();
  });
}
