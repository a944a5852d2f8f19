import assert from 'node:assert/strict';
import test from 'node:test';
import { manager, sameManager, startBrowser, visitor } from '../fixture/browser.mjs';
import { startHub, withoutHub } from '../fixture/hub.mjs';
import { listen, packedSize } from '../fixture/packed.mjs';

test('the one-time link opens the page, leaves the address, and works once', { skip: withoutHub }, async (t) => {
  const hub = await startHub(t);
  const browser = await startBrowser(t);

  const first = await manager(browser, hub);
  assert.equal(new URL(first.page.url()).hash, '', 'the token left the address');
  await first.page.getByText('Live', { exact: true }).waitFor();

  await first.page.reload();
  await first.page.getByText('Live', { exact: true }).waitFor();
  first.quiet();

  const second = await visitor(browser, hub);
  await second.page.goto(hub.open);
  await second.page.getByText('This link was used already').waitFor();
  await second.page.getByText('maloca open').waitFor();

  // Opened again where the session is, the used link does no harm.
  await first.page.goto('about:blank');
  await first.page.goto(hub.open);
  await first.page.getByText('Live', { exact: true }).waitFor();
});

test('without a session the page says how to open it and shows no data', { skip: withoutHub }, async (t) => {
  const hub = await startHub(t, { name: 'Secret name' });
  const browser = await startBrowser(t);
  const { page } = await visitor(browser, hub);
  await page.goto(hub.http);
  await page.getByRole('heading', { name: 'This page is for the person who looks after the hub' }).waitFor();
  assert.ok(!(await page.content()).includes('Secret name'));
});

test('ending the session closes the page', { skip: withoutHub }, async (t) => {
  const hub = await startHub(t);
  const browser = await startBrowser(t);
  const { page } = await manager(browser, hub);
  await page.getByRole('navigation').getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('button', { name: 'End this session' }).click();
  await page.getByText('maloca open').waitFor();
  await page.reload();
  await page.getByText('maloca open').waitFor();
});

test('an empty hub says what to do first', { skip: withoutHub }, async (t) => {
  const hub = await startHub(t, { name: 'Wayku' });
  const browser = await startBrowser(t);
  const { page, quiet } = await manager(browser, hub);
  await page.getByRole('heading', { name: 'Wayku' }).waitFor();
  const main = page.getByRole('main');
  await main.getByText('First, let a phone join.').waitFor();
  await main.getByRole('button', { name: 'Let a phone join' }).click();
  const dialog = page.getByRole('dialog', { name: 'Let a phone join' });
  await dialog.locator('[data-code]').waitFor();
  const picture = dialog.getByRole('img');
  await picture.evaluate((image) => image.decode());
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  quiet();
});

test('the joining page tells a phone the address and the code', { skip: withoutHub }, async (t) => {
  const hub = await startHub(t);
  const browser = await startBrowser(t);
  const { page, quiet } = await visitor(browser, hub, { viewport: { width: 360, height: 740 } });
  await page.goto(`${hub.http}/j#482913.${hub.hub}`);
  await page.getByText(`maloca send --hub ${hub.http} --code 482913`).waitFor();
  quiet();
});

test('the first page is small, whatever language it speaks', { skip: withoutHub }, async (t) => {
  const hub = await startHub(t);
  const browser = await startBrowser(t);
  const { context } = await manager(browser, hub);
  // French says things with the most letters. What is fetched for later, once the page stands, is no part of its beginning.
  const { page } = await sameManager(browser, hub, { context }, { locale: 'fr-FR' });
  const asked = listen(page);
  await page.goto(hub.http);
  await page.locator('main :is(h2, h3)').first().waitFor();
  const files = asked.files();
  const sizes = await Promise.all(files.map(async (url) => [url, await packedSize(url)]));
  const total = sizes.reduce((sum, [, size]) => sum + size, 0);
  assert.ok(files.length > 5 && total <= 60_000, `${total} bytes: ${JSON.stringify(sizes)}`);
});
