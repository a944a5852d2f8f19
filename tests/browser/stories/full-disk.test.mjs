import assert from 'node:assert/strict';
import test from 'node:test';
import { barriers, manager, overflow, sameManager, startBrowser } from '../fixture/browser.mjs';
import { recordings } from '../fixture/field.mjs';
import { startHub, withoutDisk } from '../fixture/hub.mjs';

const DISK = 128 * 1024 * 1024;

test('a full disk is said at once, with how much to free, and no longer when there is space', { skip: withoutDisk }, async (t) => {
  const hub = await startHub(t, { disk: DISK });
  const browser = await startBrowser(t);
  const small = { viewport: { width: 360, height: 740 } };
  const visit = await manager(browser, hub, small);
  const { page, quiet } = visit;
  const said = page.getByRole('alert').filter({ hasText: /The disk is full.*Free at least [\d.]+ MB/ });

  // Before anything has come: what is said first must not hide it.
  await page.getByText('First, let a phone join.').waitFor();
  assert.equal(await said.count(), 0);
  await hub.fill();
  await said.waitFor();
  assert.ok((await overflow(page)) <= 0, 'nothing is cut off at 360 px');
  assert.deepEqual(await barriers(page), []);
  await hub.empty();
  await said.waitFor({ state: 'detached' });

  await page.getByRole('main').getByRole('button', { name: 'Let a phone join' }).click();
  const code = await page.locator('[data-code]').getAttribute('data-code');
  await page.keyboard.press('Escape');
  await hub.send({ device: 'rosa', code, source: await recordings(hub.folder, 'rosa', [{ notes: 'kept', photo: true }]) });
  await page.getByText('kept').first().waitFor();
  await hub.fill();
  await said.waitFor();
  await page.getByText('kept').first().waitFor();

  const desk = await sameManager(browser, hub, visit);
  await desk.page.goto(hub.http);
  await desk.page.getByRole('alert').filter({ hasText: 'Free at least' }).waitFor();
  await hub.empty();
  await said.waitFor({ state: 'detached' });
  quiet();
});
