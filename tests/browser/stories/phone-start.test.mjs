/** How the phone app begins: what it costs to fetch, and that it has everything when there is no network any more. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kept, PATIENCE, PHONE as ANY_PHONE, WITH_GPS } from '../fixture/app.mjs';
import { startBrowser, visitor } from '../fixture/browser.mjs';
import { startHub, withoutHub } from '../fixture/hub.mjs';
import { listen, packedSize } from '../fixture/packed.mjs';

const skip = withoutHub;
const PHONE = { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true };

/** Of what the app begins with, whatever language it speaks. */
const FIRST_BYTES = 80_000;

test('the first page is small, its icons drawn, in whatever language', { skip }, async (t) => {
  const hub = await startHub(t);
  const browser = await startBrowser(t);
  // French says things with the most letters.
  const { page, quiet } = await visitor(browser, hub, { ...PHONE, locale: 'fr-FR' });
  const asked = listen(page);
  await page.goto(`${hub.http}/phone/`);
  // The last of the set that a phone begins with.
  await page.getByRole('list', { name: 'Catégories' }).getByRole('listitem').nth(19).locator('svg path').first().waitFor({ state: 'attached' });
  const files = asked.files();
  const sizes = await Promise.all(files.map(async (url) => [url, await packedSize(url)]));
  const total = sizes.reduce((sum, [, size]) => sum + size, 0);
  assert.ok(files.length > 5 && total <= FIRST_BYTES, `${total} bytes: ${JSON.stringify(sizes)}`);
  quiet();
});

/** Holds the engine back on its way to the page; what it answers lets it come, or not. */
async function holdEngine(context) {
  let come;
  const coming = new Promise((resolve) => (come = resolve));
  await context.route(/assets\/device-[^/]*\.js/, async (route) => ((await coming) ? route.continue() : route.abort()));
  return come;
}

test('opened again, the first page stands before the engine, and who taps then has a record', { skip }, async (t) => {
  const hub = await startHub(t);
  const browser = await startBrowser(t);
  const context = await browser.newContext({ ...ANY_PHONE, ...WITH_GPS, serviceWorkers: 'block' });
  const app = await context.newPage();
  await app.goto(`${hub.http}/phone/`);
  const water = app.getByRole('list', { name: 'Categories' }).getByRole('button', { name: 'Water', exact: true });
  await water.click();
  await app.getByRole('button', { name: 'Done' }).click();
  await app.waitForURL(/observations/);
  await app.evaluate(() => (location.hash = '#/record'));
  await water.click();
  await app.waitForURL(/record\//);

  const come = await holdEngine(context);
  await app.goto('about:blank');
  await app.goto(`${hub.http}/phone/`);
  // What was begun is there as well, under which the categories stand.
  await app.getByRole('link', { name: /Water/ }).waitFor();
  const fire = app.getByRole('list', { name: 'Categories' }).getByRole('button', { name: 'Fire', exact: true });
  await fire.click();
  await fire.click();
  const tapped = Date.now();
  assert.match(await app.evaluate(() => location.hash), /^(#\/record)?$/);
  come(true);
  await app.waitForURL(/record\//, PATIENCE);
  await app.getByRole('heading', { level: 1, name: 'Fire' }).waitFor();
  const records = await kept(app);
  assert.deepEqual(records.map(({ set }) => set.category).sort(), ['fire', 'water', 'water']);
  const begun = Date.parse(records.find(({ set }) => set.category === 'fire').set.observed_at);
  assert.ok(begun <= tapped, 'it is of the moment of the tap');
});

test('what an earlier version remembered of the first page keeps nobody out', { skip }, async (t) => {
  const hub = await startHub(t);
  const browser = await startBrowser(t);
  const context = await browser.newContext({ ...ANY_PHONE, serviceWorkers: 'block' });
  const app = await context.newPage();
  await app.goto(`${hub.http}/phone/`);
  const water = app.getByRole('list', { name: 'Categories' }).getByRole('button', { name: 'Water', exact: true });
  await water.waitFor();
  const other = JSON.stringify({ by: 'another version', presets: [{ set: null }], open: [null] });
  for (const remembered of [other, '{"presets":7}', '[', '7', 'null']) {
    await app.evaluate((text) => localStorage.setItem('maloca.first_page', text), remembered);
    await app.reload();
    await water.waitFor();
    await app.waitForFunction(() => JSON.parse(localStorage.getItem('maloca.first_page') ?? 'null')?.open?.length === 0);
  }
});

test('a plain page whose hub left before the engine came says so', { skip }, async (t) => {
  const hub = await startHub(t);
  const browser = await startBrowser(t);
  const context = await browser.newContext({ ...ANY_PHONE, serviceWorkers: 'block' });
  const come = await holdEngine(context);
  come(false);
  const app = await context.newPage();
  await app.goto(`${hub.http}/phone/`);
  await app.getByText('This page could not be loaded.').waitFor();
});

test('kept once, every room of it opens without a network', { skip }, async (t) => {
  const hub = await startHub(t);
  const browser = await startBrowser(t);
  const { page, context, complaints } = await visitor(browser, hub, PHONE);
  await page.goto(`${hub.http}/phone/`);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await context.setOffline(true);
  await hub.stop();
  for (const [at, heading] of [
    ['', 'What did you see?'],
    ['#/observations', 'Observations'],
    ['#/handover', 'Hand over'],
    ['#/settings', 'Settings'],
    ['#/settings/install', 'This app on your phone'],
    ['#/record/track', 'Track'],
  ]) {
    await page.goto('about:blank');
    await page.goto(`${hub.http}/phone/${at}`);
    await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
  }
  await page.goto(`${hub.http}/phone/`);
  await page.getByRole('button', { name: 'Logging', exact: true }).click();
  await page.getByRole('button', { name: 'Set by hand' }).click();
  await page.getByText('Tap where you saw it').waitFor();
  await page.getByRole('button', { name: 'Done' }).waitFor();
  // That the hub does not answer is heard by the console, and nothing else.
  assert.deepEqual(complaints.filter((said) => !/ERR_|request to/.test(said)), []);
});
