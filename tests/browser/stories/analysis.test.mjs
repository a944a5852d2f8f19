import assert from 'node:assert/strict';
import test from 'node:test';
import { arrived } from '../fixture/arrival.mjs';
import { barriers, overflow, sameManager } from '../fixture/browser.mjs';
import { withoutHub } from '../fixture/hub.mjs';

const GL = ['--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'];
const real = (complaints) => complaints.filter((one) => !one.includes('GL Driver Message'));

/** Six of felling in two weeks, three nests, one fire of a phone whose clock was never set. */
const SEEN = [
  ...['02', '03', '04', '16', '17', '18'].map((day) => ({ category: 'felling', observed_at: `2026-11-${day}T15:00:00.000Z`, notes: `Stumps of the ${day}th` })),
  ...[1, 2, 3].map((n) => ({ category: 'nest', observed_at: '2026-11-04T15:00:00.000Z', notes: `Nest ${n}`, photo: true })),
  { category: 'burning', observed_at: '1970-01-05T15:00:00.000Z' },
];

const walked = (t) => arrived(t, SEEN, { name: 'Wayku', args: GL });

/** A table as it is read: its rows of cells. */
const rows = (page, caption) =>
  page.getByRole('table', { name: caption }).locator('tbody tr').evaluateAll((all) =>
    all.map((row) => [...row.cells].map((cell) => cell.innerText.trim())));

test('the analysis counts what the filter lets through, by week and category', { skip: withoutHub }, async (t) => {
  const { hub, page, complaints } = await walked(t);
  await page.getByRole('navigation').getByRole('link', { name: 'Analysis' }).click();
  await page.getByRole('heading', { name: 'By week' }).waitFor();
  assert.deepEqual(await rows(page, 'By category'), [['felling', '6', '60%'], ['nest', '3', '30%'], ['burning', '1', '10%']]);
  await page.getByText('The same as a table').click();
  const weeks = await rows(page, 'By week');
  assert.deepEqual(weeks.map(([week, count]) => [week, count]), [['Nov 16, 2026', '3'], ['Nov 2, 2026', '6'], ['Jan 5, 1970', '1']]);
  await page.getByText('1 observation is of a time far off').waitFor();
  await page.getByRole('img', { name: /Chart of the observations by week/ }).locator('canvas').waitFor();

  await page.goto(`${hub.http}/analysis?category=felling`);
  await page.getByText('6 of 10 observations').waitFor();
  await page.getByRole('heading', { name: 'By week' }).waitFor();
  assert.deepEqual(await rows(page, 'By category'), [['felling', '6', '100%']]);
  await page.getByText('6 observations have a place.').waitFor();
  // The same filter there and back.
  await page.getByRole('main').getByRole('link', { name: 'Observations' }).click();
  await page.getByText('6 of 10 observations').waitFor();
  await page.getByRole('main').getByRole('link', { name: 'Analysis' }).click();
  await page.getByRole('heading', { name: 'By week' }).waitFor();
  assert.equal(new URL(page.url()).search, '?category=felling');
  assert.deepEqual(real(complaints), []);
});

test('density, clusters, the nearest and a measure are on the map and in words', { skip: withoutHub }, async (t) => {
  const { hub, page, complaints } = await walked(t);
  await page.goto(`${hub.http}/analysis?show=density&metres=5000`);
  await page.getByText(/hexagons? with observations; the fullest has \d+/).waitFor();
  const cells = await rows(page, 'The fullest hexagons');
  assert.equal(cells.reduce((sum, [, count]) => sum + Number(count), 0), 10);
  await page.getByText('Clusters', { exact: true }).click();
  // A kilometre and a tenth apart, all ten hang together over each other.
  await page.getByText('1 cluster of three or more; 0 observations are in none.').waitFor();
  assert.deepEqual((await rows(page, 'The largest clusters')).map(([, mostly, count]) => [mostly, count]), [['felling', '10']]);
  await page.getByLabel('Together when nearer than').selectOption('500');
  await page.getByText('0 clusters of three or more; 10 observations are in none.').waitFor();
  assert.equal(new URL(page.url()).search, '?show=clusters&metres=500');

  await page.getByRole('textbox', { name: 'Place' }).fill('-6.48, -76.361');
  await page.getByRole('table', { name: 'Nearest to a place' }).waitFor();
  const near = await rows(page, 'Nearest to a place');
  assert.deepEqual(near.slice(0, 2), [['felling', '110 m'], ['felling', '994 m']]);

  await page.getByRole('button', { name: 'Measure by drawing' }).click();
  const bar = page.getByRole('region', { name: 'Measure by drawing' });
  await bar.waitFor();
  // Pressed by place: all of it must be in the window.
  const canvas = page.locator('.maplibregl-canvas');
  await canvas.evaluate((map) => map.scrollIntoView({ block: 'center' }));
  const { x, y, width, height } = await canvas.boundingBox();
  for (const [across, down] of [[0.3, 0.4], [0.6, 0.4], [0.6, 0.7]]) {
    await page.mouse.click(x + width * across, y + height * down);
    await page.waitForTimeout(600);
  }
  await bar.getByText(/^3 corners/).waitFor();
  await bar.getByRole('button', { name: 'Finish' }).click();
  await page.getByText(/Measured: [\d.,]+ k?m long; inside, [\d.,]+ (ha|m²)/).waitFor();
  assert.deepEqual(real(complaints), []);
});

test('the report has a title, its numbers, a map and photos, and nothing to press', { skip: withoutHub }, async (t) => {
  const { hub, page } = await walked(t);
  await page.goto(`${hub.http}/analysis?category=nest`);
  await page.getByText('The newest: 3 of 3 observations with a photo.').waitFor();
  await page.locator('.maplibregl-canvas').waitFor();
  const pdf = await page.pdf({ format: 'A4', printBackground: false });
  assert.ok(pdf.length > 20_000 && pdf.subarray(0, 5).toString() === '%PDF-', `${pdf.length}`);
  await page.emulateMedia({ media: 'print' });
  const title = page.getByText('Report of observations').locator('..');
  assert.ok(await title.isVisible());
  const said = await title.innerText();
  for (const words of ['Wayku', String(new Date().getFullYear()), 'category “nest”']) assert.ok(said.includes(words), `${words} in ${said}`);
  assert.ok(await page.getByRole('table', { name: 'By category' }).isVisible());
  for (const button of await page.getByRole('button').all()) assert.ok(!(await button.isVisible()), await button.innerText());
  assert.ok(!(await page.getByRole('navigation').isVisible()));
});

test('a dark screen prints a light map, and is dark again after', { skip: withoutHub }, async (t) => {
  const { hub, browser, context } = await walked(t);
  const { page } = await sameManager(browser, hub, { context }, { colorScheme: 'dark' });
  await page.goto(`${hub.http}/analysis`);
  await page.getByText(/observations in view/).waitFor();
  // Printing, as far as a page sees it. What lies on the paper is kept as it is in that moment.
  await page.evaluate(() => {
    globalThis.brightness = (canvas) => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return data.reduce((sum, value, at) => sum + (at % 4 === 3 ? 0 : value), 0) / (data.length * 0.75);
    };
    globalThis.printed = [];
    globalThis.print = () => {
      dispatchEvent(new Event('beforeprint'));
      globalThis.printed.push(globalThis.brightness(document.querySelector('canvas.paper')));
      dispatchEvent(new Event('afterprint'));
    };
  });
  const printed = async (count) => {
    await page.waitForFunction((count) => globalThis.printed.length === count, count);
    return page.evaluate(() => globalThis.printed.at(-1));
  };
  await page.evaluate(() => print());
  const dark = await printed(1);
  assert.ok(dark < 90, `as it is on the screen: ${dark}`);
  await page.getByRole('button', { name: 'Print the report' }).click();
  const light = await printed(2);
  assert.ok(light > 200, `on paper: ${light}`);
  await page.waitForTimeout(1000);
  await page.evaluate(() => print());
  assert.equal(Math.round(await printed(3)), Math.round(dark));
});

test('the analysis is open to everyone, in each size and colour scheme', { skip: withoutHub }, async (t) => {
  const { hub, browser, context } = await walked(t);
  for (const width of [360, 1280]) {
    for (const colorScheme of ['light', 'dark']) {
      const { page } = await sameManager(browser, hub, { context }, { viewport: { width, height: 800 }, colorScheme });
      for (const search of ['', '?show=density', '?category=nothing']) {
        await page.goto(`${hub.http}/analysis${search}`);
        await page.getByText(/By week|nothing to count/).first().waitFor();
        assert.deepEqual(await barriers(page), [], `${search} at ${width} in ${colorScheme}`);
        assert.ok((await overflow(page)) <= 0, `${search} is too wide at ${width}`);
      }
      await page.close();
    }
  }
});
