import assert from 'node:assert/strict';
import test from 'node:test';
import { arrived } from '../fixture/arrival.mjs';
import { barriers } from '../fixture/browser.mjs';
import { recordings } from '../fixture/field.mjs';
import { withoutHub } from '../fixture/hub.mjs';

async function joined(t) {
  const visit = await arrived(t, [{ category: 'felling' }, { category: 'nest' }]);
  // The card may be there before the list is.
  await visit.page.getByText('nest').first().waitFor();
  await visit.page.getByRole('article', { name: 'rosa' }).getByText('All it told of is here', { exact: true }).waitFor();
  return visit;
}

test('the manager pauses, goes on, looks for phones, and lets one wait', { skip: withoutHub }, async (t) => {
  const { page, quiet } = await joined(t);
  await page.getByRole('button', { name: 'Pause', exact: true }).click();
  await page.getByText('Paused: the phones wait').waitFor();
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByText('Paused: the phones wait').waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: 'Look for phones again' }).click();
  await page.getByText(/Turn on the Wi-Fi/).waitFor();

  const card = page.getByRole('article', { name: 'rosa' });
  await card.getByRole('button', { name: /^Options for/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Let it wait' }).click();
  await card.getByText('Told to wait').waitFor();
  assert.deepEqual(await barriers(page), []);
  await card.getByRole('button', { name: /^Options for/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Let it come' }).click();
  await card.getByText('All it told of is here', { exact: true }).waitFor();
  quiet();
});

test('who was here is remembered, and the log is a file for whoever helps', { skip: withoutHub }, async (t) => {
  const { page, quiet } = await joined(t);
  // Contacts are written down as they go on.
  await page.waitForFunction(async () => (await (await fetch('/api/v1/admin/contacts')).json()).contacts.length === 1);
  await page.getByRole('navigation').getByRole('link', { name: 'Settings' }).click();
  const row = page.getByRole('row').filter({ hasText: 'rosa' });
  await row.getByText('2 new').waitFor();
  await page.getByText(/room for about .* more photos/).waitFor();
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download the log' }).click()]);
  assert.equal(file.suggestedFilename(), 'maloca-log.txt');
  quiet();
});

test('a hub that was killed and started again goes on under the open page', { skip: withoutHub }, async (t) => {
  const { hub, page } = await joined(t);
  await hub.kill();
  await page.getByText('The hub has not answered since').waitFor();
  await page.getByText('nest').first().waitFor();
  await hub.restart();
  await page.getByText('Live', { exact: true }).waitFor();
  await page.getByText('The hub has not answered since').waitFor({ state: 'hidden' });
  const source = await recordings(hub.folder, 'second', [{ category: 'burning' }]);
  await hub.send({ device: 'rosa', source });
  await page.getByText('burning').first().waitFor();
  await page.getByText('3 observations').first().waitFor();
});

test('a phone that cannot join is named, with what to do, until it has', { skip: withoutHub }, async (t) => {
  const { hub, code, page, quiet } = await arrived(t, [{ category: 'felling' }]);
  const source = await recordings(hub.folder, 'second', [{ category: 'burning' }]);
  const wrong = code === '000000' ? '000001' : '000000';
  await assert.rejects(hub.send({ device: 'tomas', code: wrong, source }));
  const away = page.getByRole('list', { name: 'Could not come in' });
  await away.getByText(/tomas tried to join .* The code was not the one on this screen/).waitFor();
  assert.deepEqual(await barriers(page), []);
  await hub.send({ device: 'tomas', code, source });
  await page.getByText('burning').first().waitFor();
  await away.waitFor({ state: 'hidden' });
  quiet();
});
