import assert from 'node:assert/strict';
import test from 'node:test';
import { manager, startBrowser } from '../fixture/browser.mjs';
import { recordings } from '../fixture/field.mjs';
import { startHub, withoutHub } from '../fixture/hub.mjs';

/** A manager who has let one device join and received its first two observations. */
async function firstArrival(t) {
  const hub = await startHub(t);
  const browser = await startBrowser(t);
  const visit = await manager(browser, hub);
  await visit.page.evaluate(() => (globalThis.neverReloaded = true));

  await visit.page.getByRole('main').getByRole('button', { name: 'Let a phone join' }).click();
  const code = await visit.page.locator('[data-code]').getAttribute('data-code');
  const source = await recordings(hub.folder, 'first', [
    { category: 'felling', notes: 'Two stumps', photo: true },
    { category: 'jaguar track', notes: 'By the river', photo: true },
  ]);
  await hub.send({ device: 'rosa', code, source });
  return { hub, browser, code, ...visit };
}

const row = (page, text) => page.locator('main').getByRole('listitem').filter({ hasText: text });

test('a device joins and sends while the page watches', { skip: withoutHub }, async (t) => {
  const { hub, page, quiet } = await firstArrival(t);
  await page.getByRole('dialog').getByText('Joined:').waitFor();
  await page.keyboard.press('Escape');

  const card = page.getByRole('article').first();
  await card.getByText('All it told of is here').waitFor();
  await card.getByText('2 of 2').first().waitFor();
  await card.getByText('2 new').waitFor();
  await row(page, 'felling').waitFor();
  await row(page, 'jaguar track').waitFor();
  await page.getByText('Everything that 1 device told us of is on this laptop: 2 observations and 2 photos.').waitFor();
  await page.getByText('No verified copy was ever made.').waitFor();

  const more = await recordings(hub.folder, 'second', [{ category: 'nest', notes: 'High up', photo: true }]);
  await hub.send({ device: 'rosa', source: more });
  await row(page, 'nest').waitFor();
  await page.getByText('is on this laptop: 3 observations and 3 photos.').waitFor();

  await page.waitForFunction(() => {
    const thumbnails = [...document.querySelectorAll('main ul img')];
    return thumbnails.length === 3 && thumbnails.every((image) => image.complete && image.naturalWidth > 0);
  });
  assert.equal(await page.evaluate(() => globalThis.neverReloaded), true);
  quiet();
});

test('an observation opens with all that is known, by keyboard too', { skip: withoutHub }, async (t) => {
  const { page, quiet } = await firstArrival(t);
  await page.keyboard.press('Escape');
  const button = row(page, 'felling').getByRole('button');
  await button.focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'felling' });
  await dialog.getByText('Two stumps').waitFor();
  await dialog.getByText('-6.48000, -76.36000').waitFor();
  await dialog.getByRole('img').evaluate((image) => image.decode());
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  assert.ok(await button.evaluate((element) => element === document.activeElement), 'the focus is given back');
  quiet();
});

test('a conflict shows both values and says which one stands', { skip: withoutHub }, async (t) => {
  const { hub, page, code, quiet } = await firstArrival(t);
  await page.keyboard.press('Escape');
  // Two who were apart speak of one observation, and do not agree.
  const id = '0193e2f1-0000-7000-8000-00000000000a';
  for (const [device, notes] of [['wilmer', 'Three stumps'], ['ninfa', 'Four stumps']]) {
    const source = await recordings(hub.folder, `by-${device}`, [{ id, category: 'clearing', notes }]);
    await hub.send({ device, code, source });
  }
  await row(page, 'clearing').getByText('Conflict').waitFor();
  await row(page, 'clearing').getByRole('button').click();
  const conflicts = page.getByRole('dialog').getByRole('region', { name: 'Conflicting values' });
  await conflicts.getByText('Three stumps', { exact: true }).waitFor();
  await conflicts.getByText('Four stumps', { exact: true }).waitFor();
  assert.equal(await conflicts.getByText('Shown', { exact: true }).count(), 1);
  assert.equal(await conflicts.getByText('Kept', { exact: true }).count(), 1);
  await conflicts.getByText(/wilmer/).waitFor();
  quiet();
});

test('a part that fails takes no other from the page', { skip: withoutHub }, async (t) => {
  const { page } = await firstArrival(t);
  await page.keyboard.press('Escape');
  await page.route('**/api/v1/admin/exports', (route) => route.fulfill({ status: 404, json: { code: 'not_found', status: 404 } }));
  await page.reload();
  await row(page, 'felling').waitFor();
  await page.getByRole('article').first().waitFor();
  await page.getByText('Live', { exact: true }).waitFor();
  assert.equal(await page.getByText('Not connected', { exact: true }).count(), 0);
});

test('a hub that falls silent is named so, with the time, and the page keeps what it has', { skip: withoutHub }, async (t) => {
  const { hub, page } = await firstArrival(t);
  await page.keyboard.press('Escape');
  await row(page, 'felling').waitFor();
  await hub.stop();
  await page.getByText('The hub has not answered since').waitFor();
  await page.getByText('Not connected', { exact: true }).waitFor();
  await row(page, 'felling').waitFor();
});

test('a device is renamed, and removed only after a warning', { skip: withoutHub }, async (t) => {
  const { page, quiet } = await firstArrival(t);
  await page.keyboard.press('Escape');
  const options = page.getByRole('button', { name: /^Options for/ });
  await options.click();
  await page.getByRole('textbox', { name: 'Name' }).fill('Rosa <b>Tuanama</b>');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('article', { name: 'Rosa <b>Tuanama</b>' }).waitFor();

  await options.click();
  await page.getByRole('button', { name: 'Remove' }).click();
  await page.getByText('What has arrived stays.').waitFor();
  await page.getByRole('button', { name: 'Yes, remove' }).click();
  await page.getByText('Removed devices (1)').waitFor();
  await row(page, 'felling').waitFor();
  quiet();
});
