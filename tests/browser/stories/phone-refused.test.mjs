/** What is not taken is shown, with the reason and what to do, in the person's language; and then it goes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE, WITH_GPS, allThere, go, hubOf, joinHub, keeperOf, kept, open, record } from '../fixture/app.mjs';
import { barriers, overflow, startBrowser } from '../fixture/browser.mjs';
import { withoutHub } from '../fixture/hub.mjs';
import { noise } from '../fixture/phone.mjs';
import { jpeg } from '../fixture/photo.mjs';

const fits = async (app) => {
  assert.deepEqual(await barriers(app), []);
  assert.equal(await overflow(app), 0);
};

/** The language that this phone speaks from its next page on. */
const speak = async (app, language) => {
  await app.addInitScript((language) => Object.defineProperty(navigator, 'languages', { get: () => [language] }), language);
  await app.reload();
};

test('a note too long for a record holds up no other; shortened, it goes', { skip: withoutHub }, async (t) => {
  const hub = await hubOf(t);
  const browser = await startBrowser(t);
  const app = await open(browser, hub, 'handover', WITH_GPS);
  await joinHub(app, hub);
  await allThere(app);
  await record(app, { note: 'ceibo '.repeat(50_000) });
  await app.getByText('This phone cannot hand it over: It is too long for one record. Shorten the note').waitFor(PATIENCE);
  await record(app, { category: 'Fire', note: 'smoke' });
  await app.getByText(/On San Juan, confirmed/).waitFor(PATIENCE);
  await go(app, 'handover');
  await app.getByText('San Juan has the rest, but something could not come in.').waitFor(PATIENCE);
  await app.getByRole('heading', { name: '1 record could not come in' }).waitFor();
  await fits(app);
  await speak(app, 'es');
  await app.getByText('Es demasiado largo para un solo registro. Acorte la nota').waitFor();
  await app.getByRole('link', { name: 'Abrir el registro' }).click();
  await app.getByText('Este teléfono no la puede entregar: Es demasiado largo').waitFor();
  await app.getByText('Rechazada').waitFor();
  await app.getByRole('link', { name: 'Cambiar' }).click();
  await app.getByLabel('Nota', { exact: true }).fill('ceibo');
  await app.getByRole('button', { name: 'Listo' }).click();
  await app.getByText(/En San Juan, confirmad/).waitFor(PATIENCE);
  const keeper = await keeperOf(browser, hub);
  assert.deepEqual((await keeper.observations()).map(({ set }) => set.notes).sort(), ['ceibo', 'smoke']);
});

/** The phone's storage has rotted: of each file, one byte is another one. */
const rot = (app) =>
  app.evaluate(
    () =>
      new Promise((done) => {
        const opening = indexedDB.open('maloca-device');
        opening.onsuccess = async () => {
          const db = opening.result;
          const read = db.transaction('blobs').objectStore('blobs');
          const [keys, blobs] = [read.getAllKeys(), read.getAll()];
          await new Promise((all) => (read.transaction.oncomplete = all));
          const rotten = await Promise.all(blobs.result.map(async (blob) => {
            const bytes = new Uint8Array(await blob.arrayBuffer());
            bytes[bytes.length - 1] ^= 1;
            return new Blob([bytes], { type: blob.type });
          }));
          const write = db.transaction('blobs', 'readwrite');
          keys.result.forEach((key, at) => write.objectStore('blobs').put(rotten[at], key));
          write.oncomplete = () => done(db.close());
        };
      }),
  );

test('a photo that rotted on the phone is not passed off as what was taken, and the person is told', { skip: withoutHub }, async (t) => {
  const hub = await hubOf(t);
  const browser = await startBrowser(t);
  const app = await open(browser, hub, 'handover', WITH_GPS);
  const photo = { name: 'IMG_1.jpg', bytes: Buffer.concat([await jpeg(app), noise(1_500_000, 1)]) };
  await record(app, { note: 'one tree', photo });
  await rot(app);
  await joinHub(app, hub);
  await app.getByText('Files that San Juan does not take').waitFor(PATIENCE);
  await app.getByText('IMG_1.jpg: The file has changed or was damaged on this phone.').waitFor();
  assert.equal(await app.getByText('Everything is on').count(), 0);
  await fits(app);
  await go(app, 'observations');
  await app.getByRole('link', { name: /Water/ }).click();
  await app.getByText('San Juan did not take it: The file has changed or was damaged on this phone.').waitFor();
  await fits(app);

  // It is still in the gallery.
  await app.getByRole('link', { name: 'Edit' }).click();
  await app.getByRole('button', { name: 'Remove photo 1' }).click();
  await app.getByText('Photo removed.').waitFor();
  await app.locator('input[multiple]').setInputFiles({ name: 'IMG_1.jpg', mimeType: 'image/jpeg', buffer: photo.bytes });
  await app.getByRole('img', { name: 'IMG_1.jpg' }).waitFor();
  await app.getByRole('button', { name: 'Done' }).click();
  await app.getByText(/On San Juan, confirmed/).waitFor(PATIENCE);
  const [{ attachments }] = await kept(app);
  const keeper = await keeperOf(browser, hub);
  assert.ok((await keeper.photo(attachments[0].hash)).equals(photo.bytes));
});

test('a phone that was put out is told so, and keeps what it has', { skip: withoutHub }, async (t) => {
  const hub = await hubOf(t);
  const browser = await startBrowser(t);
  const app = await open(browser, hub, 'handover', { ...WITH_GPS, locale: 'fr-FR' });
  // In the words of its own language it joins like any other.
  await app.getByLabel('Code', { exact: true }).fill('204060');
  await app.getByRole('textbox').last().fill('Ana');
  await app.locator('form.join button[type=submit]').click();
  await app.getByText('Tout est sur San Juan.').waitFor(PATIENCE);
  const keeper = await keeperOf(browser, hub);
  const { devices } = await keeper.ask('/admin/devices');
  const status = await keeper.page.evaluate(async (id) => (await fetch(`/api/v1/admin/devices/${id}/revoke`, { method: 'POST' })).status, devices[0].id);
  assert.equal(status, 200);
  await go(app, 'record');
  await app.getByRole('list').first().getByRole('button', { name: 'Eau', exact: true }).click();
  await app.getByRole('button', { name: 'Terminé' }).click();
  await go(app, 'handover');
  await app.getByText('San Juan ne connaît plus ce téléphone. Rien n’est perdu.').waitFor(PATIENCE);
  assert.equal((await kept(app)).length, 1);
  assert.equal((await keeper.observations()).length, 0);
  await fits(app);
});
