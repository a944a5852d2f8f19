import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { manager, sameManager, startBrowser } from '../fixture/browser.mjs';
import { startHub, withoutHub } from '../fixture/hub.mjs';

const FOLDER = join(import.meta.dirname, '../../../webui/src/lib/i18n/messages');
const part = async (...path) => JSON.parse(await readFile(join(FOLDER, ...path), 'utf8'));
const messages = async (code) => ({ ...(await part(`${code}.json`)), ...(await part('rooms', `${code}.json`)) });

test('the page speaks the browser’s language, or the one chosen', { skip: withoutHub }, async (t) => {
  const hub = await startHub(t);
  const browser = await startBrowser(t);
  const opened = await manager(browser, hub);

  for (const [locale, code] of [['es-PE', 'es'], ['pt-BR', 'pt-BR'], ['en-GB', 'en'], ['fr-FR', 'fr'], ['de-DE', 'es']]) {
    const { page, quiet, context } = await sameManager(browser, hub, opened, { locale });
    await page.goto(hub.http);
    await page.getByText((await messages(code))['empty.title']).waitFor();
    assert.equal(await page.locator('html').getAttribute('lang'), code);
    quiet();
    await context.close();
  }

  const { page } = opened;
  await page.getByRole('navigation').getByRole('link', { name: 'Settings' }).click();
  await page.getByLabel('Language').selectOption('fr');
  await page.getByRole('heading', { name: 'Réglages' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Réglages' }).waitFor();
});

test('a file in the data folder adds a community’s language', { skip: withoutHub }, async (t) => {
  const hub = await startHub(t);
  const folder = join(hub.data, 'languages');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'qu.json'), JSON.stringify({ 'language.name': 'Runasimi', 'settings.title': 'Allichaykuna' }));

  const browser = await startBrowser(t);
  const { page, quiet } = await manager(browser, hub);
  await page.getByText('Live', { exact: true }).waitFor();
  await page.getByRole('navigation').getByRole('link', { name: 'Settings' }).click();
  await page.getByLabel('Language').selectOption('qu');
  await page.getByRole('heading', { name: 'Allichaykuna' }).waitFor();
  // What the file lacks is said in Spanish.
  await page.getByText((await messages('es'))['settings.hub_name'], { exact: true }).waitFor();
  await page.reload();
  await page.waitForFunction(() => document.documentElement.lang === 'qu');
  quiet();
});
