/** The land under what a phone has recorded: the hub's basemap while the hub is near, the net of degrees always. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { barriers, manager, startBrowser, visitor } from '../fixture/browser.mjs';
import { startHub, withoutHub } from '../fixture/hub.mjs';
import { COLOUR, makeMaps } from '../fixture/maps.mjs';
import { shareOf } from '../fixture/png.mjs';

const skip = withoutHub;
const GL = ['--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'];
const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
/** Within the map that the harness makes. */
const HERE = { latitude: -6.48, longitude: -76.36, accuracy: 8 };

/** A hub with a map of one colour, and a phone that has joined it and recorded one thing. */
async function joined(t, switches) {
  const hub = await startHub(t, { name: 'Aldea', home: true });
  const browser = await startBrowser(t, switches);
  const { page: dashboard } = await manager(browser, hub);
  const bytes = [...(await readFile(join(await makeMaps(hub.folder), 'Satélite.pmtiles')))];
  const status = await dashboard.evaluate(async (bytes) => {
    const headers = { 'content-type': 'application/octet-stream' };
    return (await fetch('/api/v1/admin/basemaps/upload?name=land.pmtiles', { method: 'POST', headers, body: new Uint8Array(bytes) })).status;
  }, bytes);
  assert.ok(status < 300, `the hub takes the map: ${status}`);
  await dashboard.getByRole('main').getByRole('button', { name: 'Let a phone join' }).click();
  const code = await dashboard.locator('[data-code]').getAttribute('data-code');

  const visit = await visitor(browser, hub, { ...PHONE, permissions: ['geolocation'], geolocation: HERE });
  const { page } = visit;
  await page.goto(`${hub.http}/phone/`);
  await page.getByRole('button', { name: 'Water', exact: true }).click();
  await page.getByText('± 8 m').waitFor();
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('link', { name: 'Hand over' }).click();
  await page.getByLabel('Code', { exact: true }).fill(code);
  await page.getByLabel('Your name').fill('Rosa');
  await page.getByRole('button', { name: 'Join', exact: true }).click();
  await page.getByText('Everything is on Aldea.').waitFor();
  return { hub, ...visit };
}

async function openMap(page) {
  await page.getByRole('link', { name: 'Observations' }).click();
  await page.getByText('Map', { exact: true }).click();
  await page.getByRole('link', { name: /^Water,/ }).waitFor();
}

/** How much of what is seen of the land has a colour. */
const share = (page, colour) => shareOf(page.locator('.ground'), colour);

async function until(isSo, what) {
  for (let tries = 0; tries < 60; tries += 1) {
    if (await isSo()) return;
    await new Promise((done) => setTimeout(done, 250));
  }
  assert.fail(what);
}

test("the hub's basemap lies under what was recorded, and moves with it; without the hub the land is drawn", { skip }, async (t) => {
  const { page, context, hub } = await joined(t, GL);
  await openMap(page);
  await until(async () => (await share(page, COLOUR)) > 0.6, 'the basemap is under the land');
  // The sign is over it, and still where it was seen.
  await page.getByRole('link', { name: /^Water,/ }).click({ trial: true });
  assert.deepEqual(await barriers(page), []);
  await page.getByRole('button', { name: 'Zoom in' }).click();
  await until(async () => (await share(page, COLOUR)) > 0.6, 'it follows');

  // Where a place is chosen, too.
  await page.goto(`${hub.http}/phone/#/record`);
  await page.getByRole('button', { name: 'Fire', exact: true }).click();
  await page.getByRole('button', { name: 'Set by hand' }).click();
  await until(async () => (await share(page, COLOUR)) > 0.6, 'the basemap is there for choosing a place');

  await context.setOffline(true);
  await hub.stop();
  await page.reload();
  await openMap(page);
  await page.locator('.ground line').first().waitFor({ state: 'attached' });
  assert.ok((await share(page, COLOUR)) < 0.01, 'no map, and no hole where it was');
});

test('a phone that cannot draw a basemap shows the land all the same', { skip }, async (t) => {
  const { page, complaints } = await joined(t, ['--disable-3d-apis']);
  const asked = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await openMap(page);
  await page.locator('.ground line').first().waitFor({ state: 'attached' });
  assert.deepEqual(asked.filter((path) => path.includes('basemaps')), []);
  assert.deepEqual(complaints.filter((said) => said.startsWith('exception')), []);
});
