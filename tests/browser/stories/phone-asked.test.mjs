/** What the manager asks and what a day's walk brings: a question that came with the last contact, and a track of several documents. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE, WITH_GPS, allThere, begin, done, go, hubOf, joinHub, keeperOf, open, until } from '../fixture/app.mjs';
import { barriers, overflow, startBrowser } from '../fixture/browser.mjs';
import { addHarpyEagle } from '../fixture/categories.mjs';
import { withoutHub } from '../fixture/hub.mjs';

test('a category added on the hub is asked on the phone after the next contact, and without a network', { skip: withoutHub }, async (t) => {
  const hub = await hubOf(t);
  const browser = await startBrowser(t);
  const app = await open(browser, hub, 'handover', WITH_GPS);
  await joinHub(app, hub);
  await allThere(app);
  const keeper = await keeperOf(browser, hub);
  const { page } = keeper;
  await page.getByRole('navigation').getByRole('link', { name: 'Categories' }).click();
  await addHarpyEagle(page, 'Luis');
  await page.getByRole('listitem').filter({ hasText: 'Harpy eagle' }).waitFor();

  const heard = app.waitForResponse((answer) => answer.url().includes('/api/v1/changes'));
  await app.getByRole('button', { name: 'Hand over now' }).click();
  await heard;
  await allThere(app);
  await go(app, 'settings/install');
  await app.getByText('It opens without a network.').waitFor(PATIENCE);
  await app.context().setOffline(true);
  await go(app, 'record');
  await begin(app, 'Harpy eagle');
  await done(app);
  await app.getByText('Still missing: What was it doing?').waitFor();
  assert.deepEqual(await barriers(app), []);
  assert.equal(await overflow(app), 0);
  await app.getByRole('radio', { name: 'Nesting' }).check();
  await done(app);
  await app.getByRole('heading', { name: 'Where it is kept' }).waitFor();
  await app.getByText('Nesting').waitFor();
  await app.context().setOffline(false);
  await app.getByText(/On San Juan, confirmed/).waitFor(PATIENCE);
  const [{ set }] = await keeper.observations();
  assert.deepEqual([set.category, set['what-was-it-doing']], ['harpy-eagle', 'nesting']);
});

/** More than one document holds, some thirty bytes each. */
const POINTS = 6_000;
const STEP = 0.0001;

/** A walk to the north, a fix a second, as fast as the page takes them. */
const walk = () => {
  let heard = null;
  navigator.geolocation.watchPosition = (listener) => {
    heard = listener;
    return 1;
  };
  navigator.geolocation.clearWatch = () => {};
  globalThis.walkOn = async (from, to, step) => {
    globalThis.beganAt ??= Date.now();
    for (let n = from; n < to; n += 1) {
      heard({ coords: { latitude: -6.000013 + n * step, longitude: -76.362451, accuracy: 6, altitude: null }, timestamp: globalThis.beganAt + n * 1000 });
      // The app keeps what was walked every fifty points.
      if (n % 50 === 0) await new Promise((next) => setTimeout(next, 20));
    }
  };
};

test('a walk longer than one document arrives with every point, and is one track', { skip: withoutHub }, async (t) => {
  const hub = await hubOf(t);
  const browser = await startBrowser(t);
  const app = await open(browser, hub, 'handover', WITH_GPS);
  await joinHub(app, hub);
  await allThere(app);
  await go(app, 'settings/install');
  await app.getByText('It opens without a network.').waitFor(PATIENCE);
  await app.context().setOffline(true);
  await app.evaluate(walk);
  await go(app, 'record/track');
  await app.getByRole('button', { name: 'Start the track' }).click();
  await app.getByRole('button', { name: 'End the track' }).waitFor();
  // It goes on whichever page is shown, and this one draws nothing of it.
  await go(app, 'settings');
  for (let at = 0; at < POINTS; at += 1000) {
    await app.evaluate(([from, to, step]) => globalThis.walkOn(from, to, step), [at, at + 1000, STEP]);
    // Nobody walks a thousand points in half a second: what is kept keeps up.
    await until(app, (all) => all.reduce((sum, { set }) => sum + set.points.length, 0) > at + 900, 'track');
  }
  await go(app, 'record/track');
  await app.getByRole('button', { name: 'End the track' }).click();
  const parts = await until(app, (all) => all.length > 1 && all.every(({ set }) => set.ended_at), 'track');
  assert.equal(parts.length, 2);
  const [first, second] = parts.toSorted((a, b) => (a.set.continues ? 1 : 0) - (b.set.continues ? 1 : 0)).map(({ doc, set }) => ({ doc, ...set }));
  assert.deepEqual([first.continues, second.continues], [undefined, first.doc]);
  assert.deepEqual(second.points[0].slice(0, 2), first.points.at(-1).slice(0, 2), 'no piece of the way is missing between the two');
  const lats = [...first.points, ...second.points.slice(1)].map(([, lat]) => Math.round((lat + 6.000013) / STEP));
  assert.deepEqual(lats, Array.from({ length: POINTS }, (_, n) => n));

  // To people it is one.
  const tracks = app.getByRole('listitem').filter({ has: app.getByRole('button', { name: /^Delete the track of/ }) });
  await tracks.getByText('66.7 km').waitFor();
  assert.equal(await tracks.count(), 1);
  await tracks.getByText('Only here').waitFor();
  assert.deepEqual(await barriers(app), []);
  await app.context().setOffline(false);
  await go(app, 'handover');
  await app.getByRole('button', { name: 'Hand over now' }).click();
  await allThere(app);
  await go(app, 'record/track');
  await tracks.getByText('On the hub').waitFor();
  await tracks.getByRole('button').click();
  await until(app, (all) => all.length === 0, 'track');
  await app.getByRole('button', { name: 'Undo' }).click();
  await until(app, (all) => all.length === 2, 'track');
  await tracks.getByText('66.7 km').waitFor();
});
