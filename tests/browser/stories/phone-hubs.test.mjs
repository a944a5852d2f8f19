/** A phone and several hubs: two of one project in turn, and one that is not what it was. */
import assert from 'node:assert/strict';
import { cp, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { JOINING, PATIENCE, WITH_GPS, allThere, elsewhere, go, hubOf, joinHub, keeperOf, kept, open, record, rewrite } from '../fixture/app.mjs';
import { startBrowser } from '../fixture/browser.mjs';
import { withoutHub } from '../fixture/hub.mjs';
import { noise } from '../fixture/phone.mjs';
import { jpeg } from '../fixture/photo.mjs';

/** The card of a hub, and its button that has a contact now. */
const card = (app, name) => app.getByRole('article', { name, exact: true });
const handOver = async (app, name) => {
  await go(app, 'handover');
  await card(app, name).getByRole('button', { name: 'Hand over now' }).click();
};

async function withPhotos(app, count) {
  const drawn = await jpeg(app);
  return Array.from({ length: count }, (_, n) => ({ name: `IMG_${n}.jpg`, bytes: Buffer.concat([drawn, noise(200_000, n + 1)]) }));
}

test('two hubs of one project in turn: each gets everything once, and the phone says which has what', { skip: withoutHub }, async (t) => {
  const origin = await elsewhere(t);
  const words = [...JOINING, '--allow-origin', origin];
  const first = await hubOf(t, { words });
  await first.stop();
  const second = await hubOf(t, { name: 'Santa Rosa', from: first.data, words });
  assert.equal(second.project, first.project);
  assert.notEqual(second.hub, first.hub);
  await second.stop();
  await first.restart();

  const browser = await startBrowser(t);
  const app = await open(browser, { http: origin, at: '/some/where/' }, 'handover', WITH_GPS);
  const photos = await withPhotos(app, 2);
  for (const [n, photo] of photos.entries()) await record(app, { note: `árbol ${n}`, photo });
  await joinHub(app, first);
  await allThere(app);
  await first.stop();

  // Days later, at the other one.
  await second.restart();
  await joinHub(app, second);
  await allThere(app, 'Santa Rosa');
  await handOver(app, 'San Juan');
  await card(app, 'San Juan').getByText('San Juan is not on this Wi-Fi.').waitFor(PATIENCE);
  await record(app, { note: 'árbol 2' });
  await app.getByText(/On Santa Rosa, confirmed/).waitFor(PATIENCE);
  await app.getByText('Not on San Juan yet').waitFor();
  await second.stop();

  // Back at the first one; what was changed there goes to the second later.
  const again = await first.restart();
  await handOver(app, 'San Juan');
  await allThere(app);
  await go(app, 'observations');
  await app.getByRole('link', { name: /Water/ }).first().click();
  await app.getByText(/On San Juan, confirmed/).waitFor();
  await rewrite(app, 'árbol 2, cut');
  await app.getByText(/On San Juan, confirmed/).waitFor(PATIENCE);
  await app.getByText('On its way to Santa Rosa').waitFor();
  const at = await keeperOf(browser, first, again.open);
  const onFirst = await at.observations();
  const historyOf = async (keeper) => (await keeper.ask(`/observations/${doc}/history`)).changes.map(({ id }) => id).sort();
  const doc = new URL(app.url()).hash.split('/').at(-1);
  const changes = await historyOf(at);
  assert.ok(changes.length > 1);
  await at.context.close();
  await first.stop();
  const last = await second.restart();
  await handOver(app, 'Santa Rosa');
  await allThere(app, 'Santa Rosa');
  const keeper = await keeperOf(browser, second, last.open);
  const onSecond = await keeper.observations();

  const mine = await kept(app);
  const notes = (all) => all.map(({ doc, set }) => `${doc} ${set.notes}`).sort();
  assert.deepEqual(notes(mine).map((note) => note.slice(37)).sort(), ['árbol 0', 'árbol 1', 'árbol 2, cut']);
  assert.deepEqual([notes(onFirst), notes(onSecond)], [notes(mine), notes(mine)]);
  const { attachments } = mine.find(({ set }) => set.notes === 'árbol 1');
  assert.ok((await keeper.photo(attachments[0].hash)).equals(photos[1].bytes), 'the photo is as it was');
  assert.deepEqual(await historyOf(keeper), changes, 'the same changes, each once');
  const { devices } = await keeper.ask('/admin/devices');
  assert.deepEqual(devices.map(({ state, observations }) => [state, observations.here]), [['in_sync', 3]]);
});

for (const [what, joined] of [['an older one, which lacks what it had acknowledged', true], ['an empty one, which knows nobody', false]]) {
  test(`the hub's data are replaced by ${what}: everything is offered again`, { skip: withoutHub }, async (t) => {
    const hub = await hubOf(t);
    const [older, browser] = [join(hub.folder, 'older'), await startBrowser(t)];
    const keepOlder = async () => {
      await hub.stop();
      await cp(hub.data, older, { recursive: true });
      await hub.restart();
    };
    const app = await open(browser, hub, 'handover', WITH_GPS);
    if (!joined) await keepOlder();
    await joinHub(app, hub);
    await allThere(app);
    if (joined) await keepOlder();
    const photos = await withPhotos(app, 2);
    for (const [n, photo] of photos.entries()) await record(app, { note: `árbol ${n}`, photo });
    await app.getByText(/On San Juan, confirmed/).waitFor(PATIENCE);

    await hub.stop();
    // Written over in place, as a disk's image is: a hub whose folder was copied is another one, under a key of its own.
    for (const name of await readdir(hub.data)) if ((await stat(join(hub.data, name))).isDirectory()) await rm(join(hub.data, name), { recursive: true });
    await cp(older, hub.data, { recursive: true });
    const again = await hub.restart();
    const before = await keeperOf(browser, hub, again.open);
    assert.equal((await before.observations()).length, 0);
    await handOver(app, 'San Juan');
    if (!joined) {
      await app.getByText('San Juan does not know this phone any more. Nothing is lost.').waitFor(PATIENCE);
      await card(app, 'San Juan').getByRole('button', { name: 'Join a hub' }).click();
      await app.getByLabel('The hub’s address').fill(hub.http);
      await app.getByLabel('Code', { exact: true }).fill(JOINING[1]);
      await app.getByRole('button', { name: 'Join', exact: true }).click();
    }
    await allThere(app);
    const there = await before.observations();
    const mine = await kept(app);
    assert.deepEqual(there.map(({ doc }) => doc).sort(), mine.map(({ doc }) => doc).sort());
    for (const [n, { bytes }] of photos.entries()) {
      const { attachments } = mine.find(({ set }) => set.notes === `árbol ${n}`);
      assert.ok((await before.photo(attachments[0].hash)).equals(bytes), 'the photo is there again, as it was');
    }
  });
}
