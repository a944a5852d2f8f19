import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { barriers, manager, overflow, sameManager, startBrowser } from '../fixture/browser.mjs';
import { recordings } from '../fixture/field.mjs';
import { startHub, withoutHub } from '../fixture/hub.mjs';
import { COLOUR, makeMaps } from '../fixture/maps.mjs';
import { shareOf } from '../fixture/png.mjs';

const GL = ['--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'];

/** A hub with observations around Tarapoto, its manager on the map, and maps in a folder beside. */
async function onTheMap(t, viewport = { width: 1280, height: 800 }) {
  const hub = await startHub(t, { home: true });
  const browser = await startBrowser(t, GL);
  const visit = await manager(browser, hub, { viewport });
  await visit.page.getByRole('main').getByRole('button', { name: 'Let a phone join' }).click();
  const code = await visit.page.locator('[data-code]').getAttribute('data-code');
  const seen = [{ category: 'felling' }, { category: 'nest' }, { category: 'burning' }];
  await hub.send({ device: 'rosa', code, source: await recordings(hub.folder, 'walk', seen) });
  await visit.page.keyboard.press('Escape');
  const tiles = [];
  visit.page.on('response', (response) => {
    const { pathname } = new URL(response.url());
    if (pathname.includes('basemaps/') && !pathname.includes('/admin/')) tiles.push({ pathname, status: response.status() });
  });
  await visit.page.goto(`${hub.http}/observations?view=map`);
  await visit.page.locator('.maplibregl-canvas').waitFor();
  return { hub, browser, tiles, maps: await makeMaps(hub.folder), ...visit };
}

/** How fast a machine without a graphics card draws is no complaint about the page. */
const aboutThePage = (complaints) => complaints.filter((one) => !one.includes('GL Driver Message'));

/** Sends a map through the dialog, and leaves it when the map is here. */
async function send(page, path) {
  await page.getByRole('button', { name: /Copy a map from a drive|^Maps$/ }).click();
  const dialog = page.getByRole('dialog');
  await dialog.locator('input[type=file]').setInputFiles(path);
  await dialog.getByText(/is here now/).waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
}

/** How much of the map has a colour. */
const share = (page, colour) => shareOf(page.locator('.maplibregl-canvas'), colour);

async function until(isSo, what) {
  for (let tries = 0; tries < 60; tries += 1) {
    if (await isSo()) return;
    await new Promise((done) => setTimeout(done, 500));
  }
  assert.fail(what);
}

test('a map is copied into the hub through the page, and lies under the observations', { skip: withoutHub }, async (t) => {
  const { hub, page, complaints, tiles, browser, context } = await onTheMap(t);
  await page.getByText('only the outline of the world').first().waitFor();
  assert.equal(await share(page, COLOUR), 0);
  // A second tab of the same browser, which nobody touches.
  const tab = await context.newPage();
  await tab.goto(`${hub.http}/observations?view=map`);
  await tab.getByText('only the outline of the world').first().waitFor();

  // The maps lie in the home folder, which is looked at as a drive is.
  await page.getByRole('button', { name: 'Copy a map from a drive' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('openmaptiles.mbtiles').first().waitFor();
  await dialog.getByRole('button', { name: 'Copy Satélite.pmtiles' }).click();
  await dialog.getByText('Satélite.pmtiles is here now').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('combobox', { name: 'Map under the observations' }).waitFor();
  await until(async () => (await share(page, COLOUR)) > 0.5, 'the picture never came');
  assert.ok(tiles.length > 0 && tiles.every(({ status }) => [200, 204].includes(status)), JSON.stringify(tiles));
  await tab.getByRole('combobox', { name: 'Map under the observations' }).waitFor();
  await until(async () => (await share(tab, COLOUR)) > 0.5, 'the other tab never learnt of the map');
  // Whom it is from, as text.
  await page.getByText('© Example & alert(1)contributors').waitFor();
  // Its colour covers the land; what people saw stays above.
  await page.getByText('3 observations in view').waitFor();

  // None is a choice too, and is remembered.
  await page.getByRole('combobox', { name: 'Map under the observations' }).selectOption({ label: 'None: only the outline of the world' });
  await until(async () => (await share(page, COLOUR)) === 0, 'the picture stayed');
  await page.reload();
  await page.getByRole('combobox', { name: 'Map under the observations' }).waitFor();
  assert.equal(await page.getByRole('combobox', { name: 'Map under the observations' }).inputValue(), 'none');
  await page.getByRole('combobox', { name: 'Map under the observations' }).selectOption({ label: 'satelite' });
  await until(async () => (await share(page, COLOUR)) > 0.5, 'the picture came back');

  // Another window of another browser sees it at once.
  const { page: other } = await sameManager(browser, hub, { context: await withoutMemory(context) });
  await other.goto(`${hub.http}/observations?view=map`);
  await until(async () => (await share(other, COLOUR)) > 0.5, 'the other window has no map');
  await other.close();

  // And it can be removed.
  await page.getByRole('button', { name: 'Maps', exact: true }).click();
  await dialog.getByRole('button', { name: 'Remove satelite' }).click();
  await dialog.getByRole('button', { name: 'Remove the map' }).click();
  await dialog.getByRole('button', { name: 'Remove satelite' }).waitFor({ state: 'detached' });
  await page.keyboard.press('Escape');
  await page.getByText('only the outline of the world').first().waitFor();
  await until(async () => (await share(page, COLOUR)) === 0, 'the removed map stayed');
  await until(async () => (await share(tab, COLOUR)) === 0, 'the removed map stayed in the other tab');
  assert.deepEqual(aboutThePage(complaints), []);
});

/** The cookies of a browser without what it remembers. */
const withoutMemory = async (context) => ({ storageState: async () => ({ cookies: await context.cookies(), origins: [] }) });

test('each form of map is drawn: of Protomaps, of OpenMapTiles, and with its own style', { skip: withoutHub }, async (t) => {
  const { page, complaints, tiles, maps } = await onTheMap(t);
  const shots = process.env.MALOCA_SHOTS;
  for (const [file, label] of [['protomaps.pmtiles', 'protomaps'], ['openmaptiles.mbtiles', 'openmaptiles'], ['comapeo.smp', 'comapeo']]) {
    const before = tiles.length;
    await send(page, join(maps, file));
    await page.getByRole('button', { name: 'Go to the base map' }).click();
    await until(async () => (await page.getByRole('combobox', { name: 'Map under the observations' }).locator('option:checked').textContent()) === label, label);
    await until(() => tiles.slice(before).some(({ status }) => status === 200), `no tile of ${label} came`);
    if (label === 'comapeo') await until(async () => (await share(page, COLOUR)) > 0.3, 'the package is not drawn in its own style');
    await page.waitForTimeout(1500);
    if (shots) await page.locator('.maplibregl-canvas').screenshot({ path: join(shots, `${label}.png`) });
  }
  assert.ok(tiles.every(({ status }) => [200, 204].includes(status)), JSON.stringify(tiles));
  assert.deepEqual(aboutThePage(complaints), []);
});

test('what is no map is refused with a reason, and nothing is left of it', { skip: withoutHub }, async (t) => {
  const { hub, page } = await onTheMap(t);
  const path = join(hub.folder, 'photo.pmtiles');
  await writeFile(path, 'not a map at all');
  await page.getByRole('button', { name: 'Copy a map from a drive' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.locator('input[type=file]').setInputFiles(path);
  await dialog.getByRole('alert').getByText(/no map that the hub can read/).waitFor();
  await page.keyboard.press('Escape');
  await page.getByText('only the outline of the world').first().waitFor();
});

test('maps are open to everyone, in each size and colour scheme', { skip: withoutHub }, async (t) => {
  const { hub, browser, page, context, maps } = await onTheMap(t);
  await send(page, join(maps, 'protomaps.pmtiles'));
  const shots = process.env.MALOCA_SHOTS;
  if (shots) await mkdir(shots, { recursive: true });
  for (const width of [360, 1280]) {
    for (const colorScheme of ['light', 'dark']) {
      const { page } = await sameManager(browser, hub, { context }, { viewport: { width, height: 800 }, colorScheme });
      await page.goto(`${hub.http}/observations?view=map`);
      await page.getByRole('combobox', { name: 'Map under the observations' }).waitFor();
      await page.getByText('3 observations in view').waitFor();
      await page.waitForTimeout(1000);
      if (shots) await page.screenshot({ path: join(shots, `map-${width}-${colorScheme}.png`), fullPage: true });
      assert.deepEqual(await barriers(page), [], `the map at ${width} in ${colorScheme}`);
      await page.getByRole('button', { name: 'Maps', exact: true }).click();
      await page.getByRole('dialog').getByText('protomaps', { exact: true }).waitFor();
      await page.getByRole('dialog').getByRole('button', { name: 'Look again' }).waitFor();
      await page.getByRole('dialog').getByRole('button', { name: 'Remove protomaps' }).click();
      if (shots) await page.screenshot({ path: join(shots, `dialog-${width}-${colorScheme}.png`) });
      assert.deepEqual(await barriers(page), [], `the dialog at ${width} in ${colorScheme}`);
      assert.ok((await overflow(page)) <= 0, `too wide at ${width}`);
      await page.close();
    }
  }
});
