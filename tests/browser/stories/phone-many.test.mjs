/** A long walk: fifty observations with photos, the phone switched off and on with no network, and then the hub. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CODE, PATIENCE, WITH_GPS, allThere, go, hubOf, joinHub, keeperOf, kept, openIn, phoneAt, record } from '../fixture/app.mjs';
import { startBrowser } from '../fixture/browser.mjs';
import { withoutHub } from '../fixture/hub.mjs';
import { noise } from '../fixture/phone.mjs';
import { jpeg } from '../fixture/photo.mjs';

const MANY = 50;
const PHOTO_BYTES = 60_000;

/** What the list says is there; of a long list only what is on the screen is drawn. */
const listed = async (app) => {
  await go(app, 'observations');
  await app.getByText(`${MANY} observations`, { exact: true }).waitFor();
};

test('fifty observations with photos, recorded and opened again with no network, all arrive as they were', { skip: withoutHub }, async (t) => {
  const hub = await hubOf(t);
  const phone = await phoneAt(t, WITH_GPS);
  let context = await phone.on();
  let app = await openIn(context, hub, 'settings/install');
  await app.getByText('It opens without a network.').waitFor(PATIENCE);
  const drawn = await jpeg(app);
  await hub.stop();
  await context.setOffline(true);

  // Behind the picture's end lies noise, so that each photo is another one and as long as photos are.
  const photos = Array.from({ length: MANY }, (_, n) => ({ name: `IMG_${n}.jpg`, bytes: Buffer.concat([drawn, noise(PHOTO_BYTES, n + 1)]) }));
  for (const [n, photo] of photos.entries()) await record(app, { note: `árbol ${n}`, photo });
  await listed(app);

  await phone.off();
  context = await phone.on({ offline: true });
  app = await openIn(context, hub, 'observations');
  await listed(app);
  const views = await kept(app);
  assert.equal(views.length, MANY);
  for (const [n, { name, bytes }] of photos.entries()) {
    const view = views.find(({ set }) => set.notes === `árbol ${n}`);
    assert.equal(view?.attachments[0]?.name, name);
    assert.ok(Buffer.from(view.files[0]).equals(bytes), `${name} is on the phone as it was taken`);
  }
  // Each says that it is nowhere else.
  await app.getByRole('link', { name: /Water/ }).first().getByText('Only here').waitFor();

  const again = await hub.restart();
  await context.setOffline(false);
  await joinHub(app, hub, 'Rosa', CODE);
  await allThere(app);
  await listed(app);
  await app.getByRole('link', { name: /Water/ }).filter({ hasText: 'On the hub' }).first().waitFor();
  assert.equal(await app.getByText('Only here').count() + (await app.getByText('On its way').count()), 0);
  await app.getByRole('link', { name: /Water/ }).first().click();
  await app.getByText(/On San Juan, confirmed/).waitFor();

  const keeper = await keeperOf(await startBrowser(t), hub, again.open);
  const there = await keeper.observations();
  assert.deepEqual(there.map(({ doc }) => doc).sort(), views.map(({ doc }) => doc).sort(), 'each is there once');
  for (const [n, { name, bytes }] of photos.entries()) {
    const { doc, attachments } = views.find(({ set }) => set.notes === `árbol ${n}`);
    const arrived = there.find((one) => one.doc === doc);
    assert.deepEqual([arrived.set.notes, arrived.attachments.map(({ hash }) => hash)], [`árbol ${n}`, [attachments[0].hash]]);
    assert.ok((await keeper.photo(attachments[0].hash)).equals(bytes), `${name} is on the hub as it was taken`);
  }
  // What the hub says of this phone: everything is there, and nothing is missing.
  const { devices } = await keeper.ask('/admin/devices');
  const [{ name, state, observations, media, receipt }] = devices;
  assert.deepEqual([devices.length, name, state], [1, 'Rosa', 'in_sync']);
  assert.deepEqual([observations, media], [{ here: MANY, told: MANY }, { here: MANY, told: MANY, wanted_bytes: 0 }]);
  assert.deepEqual([receipt.new, receipt.media, receipt.media_missing_count], [MANY, MANY, 0]);
});
