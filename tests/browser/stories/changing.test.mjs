import assert from 'node:assert/strict';
import test from 'node:test';
import { barriers, manager, overflow, sameManager, startBrowser } from '../fixture/browser.mjs';
import { recordings } from '../fixture/field.mjs';
import { startHub, withoutHub } from '../fixture/hub.mjs';

const SHARED = '0193e2f1-0000-7000-8000-000000000001';

/** A hub with Rosa's walk, where Tomás wrote of the same thing unless `alone`, and the manager looking at it. */
async function looking(t, { alone = true } = {}) {
  const hub = await startHub(t);
  const browser = await startBrowser(t);
  const visit = await manager(browser, hub);
  const { page } = visit;
  await page.getByRole('main').getByRole('button', { name: 'Let a phone join' }).click();
  const code = await page.locator('[data-code]').getAttribute('data-code');
  const rosa = [{ id: SHARED, category: 'felling', notes: 'Fresh stumps', trucks: 2, photo: true }];
  await hub.send({ device: 'rosa', code, source: await recordings(hub.folder, 'rosa', rosa) });
  if (!alone) {
    const tomas = [{ id: SHARED, category: 'felling', notes: 'Old stumps', trucks: 2 }];
    await hub.send({ device: 'tomas', code, source: await recordings(hub.folder, 'tomas', tomas) });
  }
  await page.goto(`${hub.http}/observations/${SHARED}`);
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Edit' }).waitFor();
  return { hub, browser, dialog, code, ...visit };
}

/** Waits for what the hub holds, as the manager's page could ask it. */
const asked = (page, path) => page.evaluate(async (address) => (await fetch(`/api/v1${address}`)).json(), path);

test('an observation is edited, its history says by whom, and one press undoes it', { skip: withoutHub }, async (t) => {
  const { page, dialog, quiet } = await looking(t);
  await dialog.getByRole('button', { name: 'Edit' }).click();
  await dialog.getByLabel('Notes').fill('Fresh stumps, <b>forty</b> of them');
  await dialog.getByLabel('trucks').fill('3,5');
  await dialog.getByLabel('Latitude').fill('-6,5');
  // What is being typed is not thrown away by a slip of the hand.
  await page.keyboard.press('Escape');
  await dialog.getByLabel('Your name').fill('Ana');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('Fresh stumps, <b>forty</b> of them').first().waitFor();

  const now = await asked(page, `/observations/${SHARED}`);
  assert.deepEqual([now.set.trucks, now.set.category, now.set.location.source], [3.5, 'felling', 'manual']);
  await dialog.getByText(/History: 2 versions/).click();
  const history = dialog.getByRole('list', { name: /Changes/ });
  await history.getByText('Ana').waitFor();
  assert.match((await history.getByRole('listitem').first().innerText()).replaceAll(/\s+/g, ' '), /Changed · Ana .*2 → 3.5/);
  assert.deepEqual(await barriers(page), []);

  await dialog.getByRole('button', { name: 'Undo', exact: true }).click();
  await dialog.getByText(/History: 3 versions/).waitFor();
  const back = await asked(page, `/observations/${SHARED}`);
  assert.deepEqual([back.set.notes, back.set.trucks, back.set.location.lat], ['Fresh stumps', 2, -6.48]);
  // The name is known now, and stands where the next change is written.
  await dialog.getByRole('button', { name: 'Edit' }).click();
  await dialog.getByText('Will be saved as a change by Ana').waitFor();
  quiet();
});

test('a deletion is said, undone, and a photo that was taken away comes back', { skip: withoutHub }, async (t) => {
  const { page, dialog, quiet } = await looking(t);
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByLabel('Your name').fill('Ana');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByText('Somebody deleted it').waitFor();
  assert.equal((await asked(page, '/observations/count')).total, 0);
  await dialog.getByRole('button', { name: 'Bring back' }).click();
  await dialog.getByRole('button', { name: 'Edit' }).waitFor();
  assert.equal((await asked(page, '/observations/count')).total, 1);

  await dialog.getByRole('button', { name: 'Edit' }).click();
  await dialog.getByRole('checkbox', { name: /\.png/ }).uncheck();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText(/History: 4 versions/).click();
  assert.equal(await dialog.getByRole('img').count(), 0);
  const entry = dialog.getByRole('listitem').filter({ hasText: '1 file taken away' });
  await entry.getByRole('button', { name: 'Undo this change' }).click();
  await dialog.getByRole('img').first().waitFor();
  quiet();
});

test('a conflict is ended by choosing', { skip: withoutHub }, async (t) => {
  const { page, dialog, quiet } = await looking(t, { alone: false });
  const sides = dialog.getByRole('region', { name: 'Conflicting values' });
  await sides.getByText('Old stumps').first().waitFor();
  assert.deepEqual(await barriers(page), []);
  await sides.getByRole('button', { name: /Choose this one.*Old stumps/ }).click();
  // Nobody writes without a name.
  await dialog.getByLabel('Your name').fill('Ana');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await sides.waitFor({ state: 'hidden' });
  const now = await asked(page, `/observations/${SHARED}`);
  assert.deepEqual([now.state, now.set.notes], ['whole', 'Old stumps']);
  assert.equal((await asked(page, '/admin/overview')).counts.conflicts, 0);
  quiet();
});

test('who is writing sees that another version came, and neither is lost', { skip: withoutHub }, async (t) => {
  const { hub, page, dialog, code, quiet } = await looking(t);
  await dialog.getByRole('button', { name: 'Edit' }).click();
  await dialog.getByLabel('Notes').fill('Written on the laptop');
  const tomas = [{ id: SHARED, category: 'felling', notes: 'Written on the phone', trucks: 2 }];
  await hub.send({ device: 'tomas', code, source: await recordings(hub.folder, 'tomas', tomas) });
  await dialog.getByText('Another version came').waitFor();
  assert.equal(await dialog.getByLabel('Notes').inputValue(), 'Written on the laptop');
  await dialog.getByLabel('Your name').fill('Ana');
  await dialog.getByRole('button', { name: 'Save' }).click();
  const sides = dialog.getByRole('region', { name: 'Conflicting values' });
  await sides.getByText('Written on the laptop').first().waitFor();
  await sides.getByText('Written on the phone').first().waitFor();
  await sides.getByText('Ana').waitFor();
  await page.waitForFunction(() => document.querySelectorAll('dialog').length === 1);
  quiet();
});

test('changing is open to everyone, in each size and colour scheme', { skip: withoutHub }, async (t) => {
  const { hub, browser, context } = await looking(t, { alone: false });
  for (const width of [360, 1280]) {
    for (const colorScheme of ['light', 'dark']) {
      const { page } = await sameManager(browser, hub, { context }, { viewport: { width, height: 800 }, colorScheme });
      await page.goto(`${hub.http}/observations/${SHARED}`);
      const dialog = page.getByRole('dialog');
      await dialog.getByText(/History:/).click();
      await dialog.getByRole('list', { name: /Changes/ }).waitFor();
      for (const what of ['reading', 'Edit', 'Delete']) {
        if (what !== 'reading') await dialog.getByRole('button', { name: what }).click();
        assert.deepEqual(await barriers(page), [], `${what} at ${width} in ${colorScheme}`);
        assert.ok((await overflow(page)) <= 0, `${what} is too wide at ${width}`);
        if (process.env.MALOCA_PICTURES) {
          await page.screenshot({ path: `${process.env.MALOCA_PICTURES}/changing-${what}-${width}-${colorScheme}.png` });
        }
        if (what !== 'reading') await dialog.getByRole('button', { name: 'Cancel' }).click();
      }
      await page.close();
    }
  }
});

test('a photo is looked at closely, by keys, buttons and wheel', { skip: withoutHub }, async (t) => {
  const { page, dialog, quiet } = await looking(t);
  await dialog.getByRole('button', { name: /^Look closely at/ }).click();
  const close = page.getByRole('dialog').last();
  const scale = close.getByRole('status');
  await scale.getByText('100%').waitFor();
  await close.getByRole('button', { name: 'Closer' }).click();
  await scale.getByText('150%').waitFor();
  await close.getByRole('group', { name: /^Photo/ }).focus();
  await page.keyboard.press('+');
  await scale.getByText('225%').waitFor();
  await close.getByRole('img').hover();
  await page.mouse.wheel(0, 100);
  await scale.getByText('150%').waitFor();
  assert.deepEqual(await barriers(page), []);
  if (process.env.MALOCA_PICTURES) await page.screenshot({ path: `${process.env.MALOCA_PICTURES}/zoom.png` });
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => document.querySelectorAll('dialog').length === 1);
  await dialog.getByRole('button', { name: 'Edit' }).waitFor();
  quiet();
});
