import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { manager, startBrowser } from '../fixture/browser.mjs';
import { recordings } from '../fixture/field.mjs';
import { startHub, withoutHub } from '../fixture/hub.mjs';

test('a copy from the page is written and verified', { skip: withoutHub }, async (t) => {
  const hub = await startHub(t);
  const browser = await startBrowser(t);
  const { page, quiet } = await manager(browser, hub);
  await page.getByRole('main').getByRole('button', { name: 'Let a phone join' }).click();
  const code = await page.locator('[data-code]').getAttribute('data-code');
  const source = await recordings(hub.folder, 'field', [{ category: 'felling', photo: true }, { category: 'nest' }]);
  await hub.send({ device: 'rosa', code, source });
  await page.keyboard.press('Escape');
  await page.getByText('Not on a drive yet: 2 observations and 1 photo.').waitFor();

  const to = hub.folder;
  await page.getByRole('button', { name: 'Copy to a drive' }).click();
  const dialog = page.getByRole('dialog', { name: 'Copy to a drive' });
  await dialog.getByText('Another folder').click();
  await dialog.getByLabel('Folder', { exact: true }).fill(to);
  await dialog.getByRole('button', { name: 'Start the copy' }).click();
  await dialog.locator('[data-state="done"]').waitFor();
  // The folder lies on the disk of the hub's data: verified, and the page says that it is no second copy.
  await dialog.getByText('not yet a second copy').waitFor();
  await dialog.getByRole('listitem').getByText('Same disk').waitFor();

  const files = (await readdir(to, { recursive: true })).map((path) => path.split('/').at(-1));
  for (const name of ['manifest-sha256.txt', 'observations.geojson', 'revisions.ndjson']) {
    assert.ok(files.includes(name), `${name} is in ${to}`);
  }
  await page.keyboard.press('Escape');
  await page.getByText('Not on a drive yet: 2 observations and 1 photo.').waitFor();
  quiet();
});

test('a copy that cannot be made says why', { skip: withoutHub }, async (t) => {
  const hub = await startHub(t);
  const browser = await startBrowser(t);
  const { page } = await manager(browser, hub);
  await page.getByRole('button', { name: 'Copy to a drive' }).click();
  const dialog = page.getByRole('dialog', { name: 'Copy to a drive' });
  await dialog.getByText('Another folder').click();
  await dialog.getByLabel('Folder', { exact: true }).fill(join(hub.folder, 'not', 'there'));
  await dialog.getByRole('button', { name: 'Start the copy' }).click();
  await dialog.getByRole('alert').filter({ hasText: /\S/ }).waitFor();
});
