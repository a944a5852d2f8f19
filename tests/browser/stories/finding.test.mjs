import assert from 'node:assert/strict';
import test from 'node:test';
import { arrived } from '../fixture/arrival.mjs';
import { barriers, overflow, sameManager } from '../fixture/browser.mjs';
import { recordings } from '../fixture/field.mjs';
import { withoutHub } from '../fixture/hub.mjs';

const SEEN = [
  { category: 'felling', notes: 'Fresh stumps by the creek', photo: true },
  { category: 'felling', notes: 'A chainsaw in the distance' },
  { category: 'nest', notes: 'Two eggs', photo: true },
  { category: '<script>alert(1)</script>', notes: 'A stranger’s idea of a category' },
];

/** A hub with Rosa's walk, and its manager on the page. */
const walked = (t, args) => arrived(t, SEEN, { args });

test('a filter is in the address, and its link opened again shows the same', { skip: withoutHub }, async (t) => {
  const { hub, browser, context, page, quiet } = await walked(t);
  await page.getByRole('navigation').getByRole('link', { name: 'Observations' }).click();
  const rows = page.getByRole('main').getByRole('button', { name: /felling|nest|script/ });
  await rows.nth(3).waitFor();

  await page.getByLabel('Category').selectOption({ label: 'felling (2)' });
  await page.getByText('2 of 4 observations').waitFor();
  await page.getByRole('searchbox').fill('stumps');
  await page.getByText('1 of 4 observations').waitFor();
  const address = new URL(page.url());
  assert.equal(address.pathname, '/observations');
  assert.deepEqual([address.searchParams.get('category'), address.searchParams.get('q')], ['felling', 'stumps']);

  const again = await sameManager(browser, hub, { context });
  await again.page.goto(address.href);
  await again.page.getByText('1 of 4 observations').waitFor();
  await again.page.getByText('Fresh stumps by the creek').waitFor();
  assert.equal(await again.page.getByRole('searchbox').inputValue(), 'stumps');
  await again.page.goBack();
  again.quiet();

  // Back is where one came from, and what is asked for in vain says so and offers the way out.
  await page.getByRole('searchbox').fill('nobody wrote this');
  await page.getByText('0 of 4 observations').waitFor();
  await page.getByRole('main').getByRole('button', { name: /Clear/ }).first().click();
  await rows.nth(3).waitFor();
  assert.equal(new URL(page.url()).search, '');
  quiet();
});

test('what is not on a drive yet can be asked for, and a newcomer moves the count', { skip: withoutHub }, async (t) => {
  const { hub, code, page, quiet } = await walked(t);
  await page.goto(`${hub.http}/observations?exported=no`);
  await page.getByText('4 of 4 observations').waitFor();
  const source = await recordings(hub.folder, 'second', [{ category: 'burning' }]);
  await hub.send({ device: 'tomas', code, source });
  await page.getByText('5 of 5 observations').waitFor();
  quiet();
});

test('an observation has an address of its own', { skip: withoutHub }, async (t) => {
  const { hub, page, quiet } = await walked(t);
  await page.goto(`${hub.http}/observations`);
  await page.getByText('Two eggs').click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Two eggs').waitFor();
  assert.match(new URL(page.url()).pathname, /^\/observations\/[0-9a-f-]{36}$/);
  await page.reload();
  await dialog.getByText('Two eggs').waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  // A step back in the history, which takes its time.
  await page.waitForURL(`${hub.http}/observations`);
  quiet();
});

test('the map shows what the filter lets through, and names what is picked', { skip: withoutHub }, async (t) => {
  const { hub, page, complaints } = await walked(t, ['--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader']);
  const tiles = [];
  page.on('response', (response) => response.url().includes('/tiles/') && tiles.push(response.status()));
  await page.goto(`${hub.http}/observations?view=map&category=nest`);
  await page.locator('.maplibregl-canvas').waitFor();
  await page.getByText('1 of 4 observations').waitFor();
  // The one observation stands in the middle, once its mark is drawn.
  const dialog = page.getByRole('dialog');
  for (let tries = 0; tries < 60 && !(await dialog.isVisible()); tries += 1) {
    await page.locator('.maplibregl-canvas').click();
    await dialog.waitFor({ timeout: 500 }).catch(() => undefined);
  }
  await dialog.getByText('Two eggs').waitFor();
  assert.ok(tiles.includes(200) && tiles.every((status) => [200, 204].includes(status)), `tiles: ${tiles}`);
  // How fast a machine without a graphics card draws is no complaint about the page.
  assert.deepEqual(complaints.filter((one) => !one.includes('GL Driver Message')), []);
});

test('where a browser cannot draw a map the places are shown all the same', { skip: withoutHub }, async (t) => {
  const { hub, page, quiet } = await walked(t, ['--disable-3d-apis']);
  await page.goto(`${hub.http}/observations?view=map`);
  await page.getByRole('main').getByRole('button', { name: /Two eggs|nest/ }).first().click();
  await page.getByRole('dialog').getByText('Two eggs').waitFor();
  quiet();
});

test('finding is open to everyone, in each size and colour scheme', { skip: withoutHub }, async (t) => {
  const { hub, browser, context } = await walked(t);
  for (const width of [360, 1280]) {
    for (const colorScheme of ['light', 'dark']) {
      const { page } = await sameManager(browser, hub, { context }, { viewport: { width, height: 800 }, colorScheme });
      for (const path of ['/observations', '/observations?view=photos', '/observations?q=nothing%20at%20all', '/observations?view=map']) {
        await page.goto(hub.http + path);
        await page.getByText(/of 4 observations|4 observations|2 of 4/).first().waitFor();
        assert.deepEqual(await barriers(page), [], `${path} at ${width} in ${colorScheme}`);
        assert.ok((await overflow(page)) <= 0, `${path} is too wide at ${width}`);
      }
      await page.close();
    }
  }
});
