import assert from 'node:assert/strict';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { arrived } from '../fixture/arrival.mjs';
import { barriers, overflow, sameManager } from '../fixture/browser.mjs';
import { withoutHub } from '../fixture/hub.mjs';

/** A machine without a graphics card draws slowly, and says so; that is no complaint about the page. */
const GL = ['--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'];
const real = (complaints) => complaints.filter((one) => !one.includes('GL Driver Message'));

const SEEN = [
  { category: 'felling', notes: 'Fresh stumps by the creek', photo: true },
  { category: 'felling', notes: 'A chainsaw in the distance' },
  { category: 'nest', notes: 'Two eggs', photo: true },
  { category: 'burning', notes: 'Smoke' },
  { category: 'nest', notes: 'Three eggs' },
  { category: 'felling', notes: 'A road' },
];

/** A hub with six observations in a row from -76.36 to -76.41, and its manager. */
const walked = (t, args) => arrived(t, SEEN, { args });

/** Notes of the list, as they stand there. */
async function listed(page) {
  const notes = SEEN.map(({ notes }) => notes);
  const text = await page.getByRole('main').innerText();
  return notes.filter((one) => text.includes(one)).sort();
}

/** What the hub itself lists under the query of an address. */
const asked = (page, question) =>
  page.evaluate(async (question) => {
    const answer = await fetch(`/api/v1/observations?limit=500&${question}`);
    return (await answer.json()).observations.map(({ doc, set }) => ({ doc, notes: set.notes }));
  }, question);

test('an area drawn on the map is the filter, and its link opened again shows the same', { skip: withoutHub }, async (t) => {
  const { hub, browser, context, page, complaints } = await walked(t, GL);
  await page.goto(`${hub.http}/observations?view=map-list`);
  await page.getByText('6 observations', { exact: true }).waitFor();
  const canvas = page.locator('.maplibregl-canvas');
  await canvas.waitFor();
  await page.getByText('6 observations in view').waitFor();

  await page.getByRole('button', { name: 'Draw an area on the map' }).click();
  const bar = page.getByRole('region', { name: 'Draw an area on the map' });
  await bar.getByText('0 corners').waitFor();
  const { x, y, width, height } = await canvas.boundingBox();
  const press = (across, down) => page.mouse.click(x + width * across, y + height * down);
  // Given up, nothing is asked for.
  await press(0.3, 0.3);
  await bar.getByText('1 corner').waitFor();
  await page.keyboard.press('Escape');
  await bar.waitFor({ state: 'detached' });
  assert.equal(new URL(page.url()).searchParams.get('within'), null);

  // The left half of what is in view. The last corner is pressed twice.
  await page.getByRole('button', { name: 'Draw an area on the map' }).click();
  await bar.getByText('0 corners').waitFor();
  for (const [across, down] of [[0.02, 0.05], [0.5, 0.05], [0.5, 0.95]]) {
    await press(across, down);
    await page.waitForTimeout(600);
  }
  await bar.getByText(/3 corners; .* (k?m); .* ha/).waitFor();
  await page.mouse.dblclick(x + width * 0.02, y + height * 0.95);
  await bar.waitFor({ state: 'detached' });
  await page.getByText('3 of 6 observations').waitFor();
  await page.getByLabel('Are in the area with 4 corners').waitFor();
  assert.deepEqual(await listed(page), ['A road', 'Smoke', 'Three eggs']);
  const address = new URL(page.url());
  assert.match(address.searchParams.get('within'), /^(-?[\d.]+ -?[\d.]+,?){4}$/);

  const again = await sameManager(browser, hub, { context });
  await again.page.goto(address.href.replace('view=map-list', 'view=list'));
  await again.page.getByText('3 of 6 observations').waitFor();
  await again.page.getByText('A road').waitFor();
  assert.deepEqual(await listed(again.page), ['A road', 'Smoke', 'Three eggs']);
  await again.page.getByLabel('Are in the area with 4 corners').click();
  await again.page.getByText('6 observations', { exact: true }).waitFor();
  assert.equal(new URL(again.page.url()).searchParams.get('within'), null);
  assert.deepEqual(real([...complaints, ...again.complaints]), []);
});

test('an area is drawn by keyboard as well', { skip: withoutHub }, async (t) => {
  const { hub, page, complaints } = await walked(t, GL);
  await page.goto(`${hub.http}/observations?view=map-list`);
  await page.getByText('6 observations in view').waitFor();
  await page.getByRole('button', { name: 'Draw an area on the map' }).press('Enter');
  const bar = page.getByRole('region', { name: 'Draw an area on the map' });
  await bar.waitFor();
  const canvas = page.locator('.maplibregl-canvas');
  await canvas.focus();
  // Enter without an area says what is missing.
  await page.keyboard.press('Enter');
  await bar.getByRole('alert').getByText('too few corners').waitFor();
  // MapLibre moves by 100 pixels a press, and rests before the next.
  const move = async (...keys) => {
    for (const key of keys) {
      await page.keyboard.press(key);
      await page.waitForTimeout(700);
    }
  };
  await move('ArrowUp', 'ArrowUp');
  await page.keyboard.press(' ');
  await move('ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowDown');
  await page.keyboard.press(' ');
  await move('ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowUp', 'ArrowUp');
  await page.keyboard.press(' ');
  await bar.getByText(/^3 corners/).waitFor();
  await page.keyboard.press('Enter');
  await bar.waitFor({ state: 'detached' });
  await page.getByLabel('Are in the area with 3 corners').waitFor();
  const count = Number((await page.getByText(/^\d of 6 observations$/).innerText())[0]);
  assert.ok(count > 0 && count < 6, `${count}`);
  assert.deepEqual(real(complaints), []);
});

test('an area is drawn by finger on a small phone', { skip: withoutHub }, async (t) => {
  const { hub, browser, context } = await walked(t, GL);
  const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
  const { page, complaints } = await sameManager(browser, hub, { context }, phone);
  await page.goto(`${hub.http}/observations?view=map`);
  await page.getByText('6 observations in view').waitFor();
  await page.getByText('Search and filter').first().tap();
  await page.getByRole('button', { name: 'Draw an area on the map' }).tap();
  const bar = page.getByRole('region', { name: 'Draw an area on the map' });
  await bar.getByText('0 corners').waitFor();
  const canvas = page.locator('.maplibregl-canvas');
  /** Taps a place of the map that is on the screen, where a finger could. */
  const tap = async (across, down) => {
    await page.waitForTimeout(600);
    const { x, y, width, height } = await canvas.boundingBox();
    const [left, top] = [x + width * across, y + height * down];
    assert.ok(left > 0 && left < 360 && top > 0 && top < 740, `${left}, ${top} is not on the screen`);
    await page.touchscreen.tap(left, top);
  };
  await page.waitForTimeout(1000);
  // The whole map, and what finishes it, without scrolling: a finger on the map moves the map.
  const finish = await bar.getByRole('button', { name: 'Finish' }).boundingBox();
  assert.ok(finish.y + finish.height <= 740, `${finish.y}`);
  if (process.env.MALOCA_PICTURES) await page.screenshot({ path: `${process.env.MALOCA_PICTURES}/touch.png` });
  await tap(0.02, 0.05);
  await bar.getByText(/^1 corner/).waitFor();
  await tap(0.5, 0.05);
  await bar.getByText(/^2 corners/).waitFor();
  // One too many is taken back.
  await tap(0.7, 0.7);
  await bar.getByText(/^3 corners/).waitFor();
  await bar.getByRole('button', { name: 'Take back' }).tap();
  await bar.getByText(/^2 corners/).waitFor();
  await tap(0.5, 0.9);
  await tap(0.02, 0.9);
  await bar.getByText(/^4 corners; .* ha/).waitFor();
  await bar.getByRole('button', { name: 'Finish' }).tap();
  await bar.waitFor({ state: 'detached' });
  await page.getByText('3 of 6 observations').waitFor();
  assert.match(new URL(page.url()).searchParams.get('within'), /^(-?[\d.]+ -?[\d.]+,?){4}$/);
  assert.deepEqual(real(complaints), []);
});

test('an area is typed, or is a territory of a file, simplified to fit and saying so', { skip: withoutHub }, async (t) => {
  const { hub, page, quiet } = await walked(t);
  await page.goto(`${hub.http}/observations`);
  await page.getByText('6 observations', { exact: true }).waitFor();
  await page.getByText('Type the corners').click();
  const corners = page.getByLabel('Corners of the area');
  await corners.fill('-6.4 -76.3\nnowhere');
  await page.getByRole('button', { name: 'Use these corners' }).click();
  await page.getByRole('alert').getByText('One of the lines is no place').waitFor();
  await corners.fill('-6.4, -76.375\n-6.4, -76.3\n-6.6, -76.3\n-6.6, -76.375');
  await page.getByRole('button', { name: 'Use these corners' }).click();
  await page.getByText('2 of 6 observations').waitFor();

  // A border of 5,000 corners around the other four.
  const ring = Array.from({ length: 5000 }, (_, n) => {
    const angle = (n / 5000) * 2 * Math.PI;
    const far = 0.024 + 0.0005 * Math.sin(angle * 40) + 0.00002 * Math.sin(angle * 900);
    return [-76.395 + far * Math.cos(angle), -6.48 + far * Math.sin(angle)];
  });
  const file = join(hub.folder, 'land.geojson');
  await writeFile(file, JSON.stringify({ type: 'Polygon', coordinates: [[...ring, ring[0]]] }));
  await page.locator('fieldset', { has: page.getByText('Area', { exact: true }) }).locator('input[type=file]').setInputFiles(file);
  await page.getByText('4 of 6 observations').waitFor();
  await page.getByText(/no point of it is more than \d+ m from the true one/).waitFor();
  assert.ok(page.url().length < 12_000, `${page.url().length}`);
  await page.reload();
  await page.getByText('4 of 6 observations').waitFor();
  await page.getByText(/no point of it is more than \d+ m from the true one/).waitFor();
  assert.deepEqual(await barriers(page), []);
  quiet();
});

test('what a filter shows is exported, just that, and counts as a part', { skip: withoutHub }, async (t) => {
  const { hub, page, quiet } = await walked(t);
  const within = '-76.375 -6.6,-76.3 -6.6,-76.3 -6.4,-76.375 -6.4';
  const question = `category=felling&within=${encodeURIComponent(within)}`;
  await page.goto(`${hub.http}/observations?${question}`);
  await page.getByText('2 of 6 observations').waitFor();
  await page.getByRole('button', { name: 'Export these' }).click();
  const dialog = page.getByRole('dialog', { name: 'Export these' });
  await dialog.getByText('category “felling”; in the area with 4 corners').waitFor();
  await dialog.getByText('2 observations').waitFor();
  await dialog.getByText('Another folder').click();
  await dialog.getByLabel('Folder', { exact: true }).fill(hub.folder);
  assert.deepEqual(await barriers(page), []);
  await dialog.getByRole('button', { name: 'Start the copy' }).click();
  await dialog.locator('[data-state="done"]').waitFor();
  await dialog.getByText('It is a part, and no copy of everything.').waitFor();
  await dialog.getByRole('listitem').getByText('Part', { exact: true }).waitFor();
  await dialog.getByRole('listitem').getByText('category “felling”; in the area with 4 corners').waitFor();

  const [bundle] = await readdir(join(hub.folder, 'Maloca'));
  assert.match(bundle, /_part_1$/);
  const read = async (name) => readFile(join(hub.folder, 'Maloca', bundle, name), 'utf8');
  const exported = JSON.parse(await read('data/observations.json'));
  const shown = await asked(page, question);
  assert.deepEqual(exported.map(({ doc }) => doc).sort(), shown.map(({ doc }) => doc).sort());
  assert.equal(exported.length, 2);
  assert.match(await read('bag-info.txt'), /^Maloca-Bundle: part 1$/m);
  // Nothing is said to be safe that is not.
  await page.keyboard.press('Escape');
  await page.goto(hub.http);
  await page.getByText('Not on a drive yet: 6 observations and 2 photos.').waitFor();
  quiet();
});

test('areas are open to everyone, in each size', { skip: withoutHub }, async (t) => {
  const { hub, browser, context } = await walked(t, GL);
  for (const width of [360, 1280]) {
    const { page } = await sameManager(browser, hub, { context }, { viewport: { width, height: 800 } });
    await page.goto(`${hub.http}/observations?view=map&within=-76.375+-6.6,-76.3+-6.6,-76.3+-6.4,-76.375+-6.4`);
    await page.getByText('2 of 6 observations').waitFor();
    await page.getByText(/observations in view/).waitFor();
    if (width < 960) await page.getByText('Search and filter').first().click();
    await page.getByRole('button', { name: 'Draw an area on the map' }).click();
    await page.getByText('0 corners').waitFor();
    assert.deepEqual(await barriers(page), [], `drawing at ${width}`);
    assert.ok((await overflow(page)) <= 0, `too wide at ${width}`);
    await page.close();
  }
});
