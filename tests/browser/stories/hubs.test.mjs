/** Two laptops of one project are joined once, and from then on have the same. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { barriers, manager, overflow, startBrowser } from '../fixture/browser.mjs';
import { recordings } from '../fixture/field.mjs';
import { startHub, withoutHub } from '../fixture/hub.mjs';

test('two laptops that were joined on their pages come to the same by themselves', { skip: withoutHub }, async (t) => {
  const village = await startHub(t, { name: 'Village' });
  const browser = await startBrowser(t);
  const { page } = await manager(browser, village);
  page.setDefaultTimeout(60_000);
  await page.getByRole('main').getByRole('button', { name: 'Let a phone join' }).click();
  const code = await page.locator('[data-code]').getAttribute('data-code');
  await village.send({ device: 'rosa', code, source: await recordings(village.folder, 'one', [{ category: 'felling', photo: true }]) });
  await village.export(village.folder);
  const copies = join(village.folder, 'Maloca');
  // The second laptop of the project began with a copy of the first.
  const town = await startHub(t, { name: 'Town', bundle: join(copies, (await readdir(copies))[0]) });
  await village.send({ device: 'rosa', source: await recordings(village.folder, 'later', [{ category: 'nest', photo: true }, { category: 'track' }]) });

  await page.goto(`${village.http}/settings`);
  const box = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Other laptops of the project' }) });
  await box.getByRole('button', { name: 'Let another laptop join' }).click();
  const hubCode = await box.locator('[data-hub-code]').getAttribute('data-hub-code');

  const other = await manager(browser, town);
  other.page.setDefaultTimeout(60_000);
  await other.page.goto(`${town.http}/settings`);
  const there = other.page.locator('section').filter({ has: other.page.getByRole('heading', { name: 'Other laptops of the project' }) });
  await there.getByLabel('Address of the other laptop').fill(village.http);
  await there.getByLabel('Its code').fill('000000');
  await there.getByRole('button', { name: 'Join this laptop' }).click();
  await there.getByRole('alert').filter({ hasText: /\S/ }).waitFor();
  await there.getByLabel('Its code').fill(hubCode);
  await there.getByRole('button', { name: 'Join this laptop' }).click();
  await there.getByText('Both have the same').waitFor();
  await there.getByText('Village').waitFor();
  assert.deepEqual(await barriers(other.page), []);
  await other.page.setViewportSize({ width: 360, height: 740 });
  assert.ok((await overflow(other.page)) <= 0);
  if (process.env.MALOCA_LOOK) await there.screenshot({ path: join(process.env.MALOCA_LOOK, 'hubs-360.png') });
  await other.page.goto(`${town.http}/`);
  await other.page.getByText('Not on a drive yet: 3 observations and 2 photos.').waitFor();
});
