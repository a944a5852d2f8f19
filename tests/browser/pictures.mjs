/**
 * Takes the pictures of the pages that the documentation shows: `make pictures` writes them to docs/. A hub with made-up
 * observations, the same ones each time, so that a picture differs only where a page does.
 */
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { startBrowser } from './fixture/browser.mjs';
import { startDemo } from './fixture/demo.mjs';

const docs = resolve(process.argv[2] ?? join(import.meta.dirname, '../../docs'));
const DESK = { width: 1200, height: 800 };
const PHONE = { width: 360, height: 740 };

const ends = [];
const until = { after: (end) => ends.unshift(end) };

async function take() {
  await mkdir(docs, { recursive: true });
  const hub = await startDemo(until);
  const browser = await startBrowser(until, ['--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader']);
  const context = await browser.newContext({ locale: 'en-US', timezoneId: 'America/Lima', viewport: DESK });
  const page = await context.newPage();
  const shoot = (name) => page.screenshot({ path: join(docs, `${name}.png`) });

  await page.goto(hub.open);
  await page.getByRole('article').first().waitFor();
  await page.getByText('Live', { exact: true }).waitFor();
  await shoot('page');

  await page.goto(`${hub.http}/categories`);
  await page.getByRole('main').getByRole('button', { name: 'Add those for watching a territory' }).click();
  const who = page.getByRole('dialog');
  await who.getByLabel('Your name').fill('Ana');
  await who.getByRole('button', { name: 'Save' }).click();
  await page.getByText('categories added').waitFor();
  await shoot('categories');

  const tile = page.waitForResponse((response) => response.url().includes('/tiles/observations/') && response.status() === 200);
  await page.goto(`${hub.http}/observations?view=map-list`);
  await tile;
  await page.locator('.maplibregl-canvas').scrollIntoViewIfNeeded();
  await page.locator('.maplibregl-canvas').evaluate((canvas) => canvas.scrollIntoView({ block: 'center' }));
  // A picture and no test: time for the last tiles to be drawn without a graphics card.
  await page.waitForTimeout(3000);
  await shoot('observations');

  const { observations } = await page.evaluate(async () => (await fetch('/api/v1/observations?has=media&limit=1')).json());
  await page.goto(`${hub.http}/observations/${observations[0].doc}`);
  await page.getByRole('dialog').getByText(/History:/).click();
  await page.getByRole('list', { name: /Changes/ }).waitFor();
  await shoot('observation');

  await page.goto(`${hub.http}/analysis`);
  await page.getByRole('table', { name: 'By category' }).waitFor();
  await shoot('analysis');

  await page.goto(`${hub.http}/settings`);
  await page.getByRole('row').nth(1).waitFor();
  await shoot('settings');

  await page.setViewportSize(PHONE);
  await page.goto(hub.http);
  await page.getByRole('article').first().waitFor();
  await shoot('phone');
}

try {
  await take();
} finally {
  for (const end of ends) await end();
}
