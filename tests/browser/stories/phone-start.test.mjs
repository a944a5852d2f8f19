/** How the phone app begins: what it costs to fetch, and that it has everything when there is no network any more. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
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
