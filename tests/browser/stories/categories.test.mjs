import assert from 'node:assert/strict';
import { mkdir, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { barriers, manager, overflow, sameManager, startBrowser } from '../fixture/browser.mjs';
import { addHarpyEagle } from '../fixture/categories.mjs';
import { recordings } from '../fixture/field.mjs';
import { startHub, withoutHub } from '../fixture/hub.mjs';

async function atCategories(t) {
  const hub = await startHub(t);
  const browser = await startBrowser(t);
  const visit = await manager(browser, hub);
  await visit.page.getByRole('navigation').getByRole('link', { name: 'Categories' }).click();
  await visit.page.getByRole('heading', { name: 'There are no categories yet' }).waitFor();
  return { hub, browser, ...visit };
}

/** Gives the name that a first change asks for. */
async function sayWho(page) {
  const dialog = page.getByRole('dialog', { name: 'Your name' });
  await dialog.getByLabel('Your name').fill('Ana');
  await dialog.getByRole('button', { name: 'Save' }).click();
}

test('a category with a required question is found again in list, filter and copy', { skip: withoutHub }, async (t) => {
  const { hub, page, quiet } = await atCategories(t);
  await addHarpyEagle(page, 'Ana');
  const row = page.getByRole('listitem').filter({ hasText: 'Harpy eagle' });
  await row.getByText('1 question').waitFor();
  await row.getByText('harpy-eagle').waitFor();

  // A phone writes the key and the answer's value; people read names.
  await page.getByRole('navigation').getByRole('link', { name: 'Home' }).click();
  await page.getByRole('main').getByRole('button', { name: 'Let a phone join' }).click();
  const code = await page.locator('[data-code]').getAttribute('data-code');
  const seen = [{ category: 'harpy-eagle', 'what-was-it-doing': 'nesting' }, { category: 'logging' }];
  await hub.send({ device: 'rosa', code, source: await recordings(hub.folder, 'walk', seen) });
  await page.keyboard.press('Escape');
  await page.getByRole('navigation').getByRole('link', { name: 'Observations' }).click();
  await page.getByLabel('Category').selectOption({ label: 'Harpy eagle (1)' });
  await page.getByText('1 of 2 observations').waitFor();
  assert.equal(new URL(page.url()).searchParams.get('category'), 'harpy-eagle');
  await page.getByRole('main').getByRole('button', { name: /Harpy eagle/ }).click();
  const dialog = page.getByRole('dialog', { name: 'Harpy eagle' });
  await dialog.getByText('What was it doing?').waitFor();
  await dialog.getByText('Nesting', { exact: true }).waitFor();
  await dialog.getByRole('button', { name: 'Edit' }).click();
  await dialog.getByRole('radio', { name: 'Hunting' }).check();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('Hunting', { exact: true }).first().waitFor();

  const copy = join(hub.folder, 'copy');
  await mkdir(copy);
  await hub.export(copy);
  const [bundle] = await readdir(copy, { recursive: true }).then((all) => all.filter((name) => name.endsWith('observations.csv')));
  const csv = await readFile(join(copy, bundle), 'utf8');
  assert.match(csv, /what-was-it-doing/);
  assert.match(csv, /harpy-eagle.*hunting|hunting.*harpy-eagle/);
  quiet();
});

test('a set to begin with is ordered, retired from and brought back', { skip: withoutHub }, async (t) => {
  const { page, quiet } = await atCategories(t);
  await page.getByRole('main').getByRole('button', { name: 'Add those for watching a territory' }).click();
  await sayWho(page);
  await page.getByText('20 categories added.').waitFor();
  // The list is read again when the hub has told of the change.
  await page.waitForFunction(() => document.querySelectorAll('ol strong').length === 20);
  const names = () => page.getByRole('list').first().locator('strong').allInnerTexts();
  assert.deepEqual((await names()).slice(0, 3), ['Logging', 'Clearing', 'Fire']);

  await page.getByRole('button', { name: 'Move Fire up' }).click();
  await page.waitForFunction(() => document.querySelector('ol strong:nth-of-type(1)') && [...document.querySelectorAll('ol strong')][1].innerText === 'Fire');
  await page.getByRole('button', { name: 'Retire Clearing' }).click();
  await page.getByText('1 retired').click();
  assert.ok(!(await names()).includes('Clearing'));
  await page.getByRole('button', { name: 'Offer Clearing again' }).click();
  await page.getByRole('button', { name: 'Retire Clearing' }).waitFor();

  // Once more changes nothing.
  await page.getByRole('button', { name: 'Add those for watching a territory' }).click();
  await page.getByText('20 were there already, and are as they were.').waitFor();
  quiet();
});

test('categories are open to everyone, in each size and colour scheme', { skip: withoutHub }, async (t) => {
  const { hub, browser, context, page: first } = await atCategories(t);
  await first.getByRole('main').getByRole('button', { name: 'Add those for watching a territory' }).click();
  await sayWho(first);
  await first.getByText('20 categories added.').waitFor();
  for (const width of [360, 1280]) {
    for (const colorScheme of ['light', 'dark']) {
      const { page } = await sameManager(browser, hub, { context }, { viewport: { width, height: 800 }, colorScheme });
      for (const [path, what] of [['/categories', 'Logging'], ['/settings', 'Who was here in the last 90 days']]) {
        await page.goto(hub.http + path);
        await page.getByText(what, { exact: true }).first().waitFor();
        assert.deepEqual(await barriers(page), [], `${path} at ${width} in ${colorScheme}`);
        assert.ok((await overflow(page)) <= 0, `${path} is too wide at ${width}`);
        if (process.env.MALOCA_PICTURES) {
          await page.screenshot({ path: `${process.env.MALOCA_PICTURES}${path}-${width}-${colorScheme}.png`, fullPage: true });
        }
      }
      await page.goto(`${hub.http}/categories`);
      await page.getByRole('button', { name: 'Change Strangers' }).click();
      await page.getByRole('radio', { name: 'logging' }).waitFor({ state: 'attached' });
      assert.deepEqual(await barriers(page), [], `the form at ${width} in ${colorScheme}`);
      assert.ok((await overflow(page)) <= 0, `the form is too wide at ${width}`);
      if (process.env.MALOCA_PICTURES) {
        await page.screenshot({ path: `${process.env.MALOCA_PICTURES}/category-${width}-${colorScheme}.png` });
      }
      await page.close();
    }
  }
});
