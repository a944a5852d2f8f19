import assert from 'node:assert/strict';
import test from 'node:test';
import { barriers, manager, overflow, sameManager, startBrowser } from '../fixture/browser.mjs';
import { recordings } from '../fixture/field.mjs';
import { startHub, withoutHub } from '../fixture/hub.mjs';

const HTML = '<img src=x onerror="alert(1)"><script>alert(2)</script><svg onload=alert(3)>';

/** A hub with ordinary and with malicious observations, and the manager's open page. */
async function filledHub(t) {
  const hub = await startHub(t, { name: HTML.slice(0, 40) });
  const browser = await startBrowser(t);
  const opened = await manager(browser, hub);
  await opened.page.getByRole('main').getByRole('button', { name: 'Let a phone join' }).click();
  const code = await opened.page.locator('[data-code]').getAttribute('data-code');
  const source = await recordings(hub.folder, 'field', [
    { category: 'felling', notes: 'Two stumps', photo: true },
    { category: HTML, notes: HTML, [HTML]: { [HTML]: HTML }, person: `${HTML}\u202e` },
    { category: 'long', notes: `${'word '.repeat(2)}${'x'.repeat(100_000)}` },
    { category: { odd: [1, null] }, notes: 7, location: 'nowhere', observed_at: 'yesterday' },
  ]);
  await hub.send({ device: 'rosa', code, source });
  await opened.page.keyboard.press('Escape');
  await opened.page.getByText('4 observations').first().waitFor();
  return { hub, browser, opened };
}

test('text of strangers harms nothing', { skip: withoutHub }, async (t) => {
  const { opened } = await filledHub(t);
  const { page, quiet } = opened;
  const rows = page.locator('main section').last().getByRole('listitem');
  await rows.filter({ hasText: '<script>' }).waitFor();
  assert.equal(await rows.count(), 4);
  for (let index = 0; index < 4; index += 1) {
    await rows.nth(index).getByRole('button').click();
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    assert.ok((await overflow(page)) <= 0);
    assert.deepEqual(await barriers(page), []);
    assert.equal(await page.locator('script:not([src]), [onerror], [onload]').count(), 0, 'no stranger’s markup');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  }
  quiet();
});

const SIZES = [{ width: 360, height: 740 }, { width: 1280, height: 800 }];
const SCHEMES = ['light', 'dark'];

test('the pages are open to everyone, in each size and colour scheme', { skip: withoutHub }, async (t) => {
  const { hub, browser, opened } = await filledHub(t);
  for (const viewport of SIZES) {
    for (const colorScheme of SCHEMES) {
      for (const path of ['/', '/dev/ui']) {
        await t.test(`${path} at ${viewport.width} px, ${colorScheme}`, async () => {
          const { page, quiet, context } = await sameManager(browser, hub, opened, { viewport, colorScheme });
          await page.goto(hub.http + path);
          await page.getByText(path === '/' ? 'Two stumps' : 'Notice').first().waitFor();
          assert.deepEqual(await barriers(page), []);
          assert.ok((await overflow(page)) <= 0, 'no sideways scrolling');
          assert.deepEqual(await smallTargets(page), []);
          quiet();
          await context.close();
        });
      }
    }
  }
});

test('each dialog is open to everyone', { skip: withoutHub }, async (t) => {
  const { hub, browser, opened } = await filledHub(t);
  for (const colorScheme of SCHEMES) {
    const { page, quiet } = await sameManager(browser, hub, opened, { viewport: SIZES[0], colorScheme });
    await page.goto(hub.http);
    await page.getByText('Two stumps').waitFor();
    for (const name of ['Let a phone join', 'Copy to a drive']) {
      await page.getByRole('button', { name }).click();
      const dialog = page.getByRole('dialog');
      await dialog.locator('[data-code], input, select').first().waitFor();
      assert.deepEqual(await barriers(page), [], name);
      assert.ok((await overflow(page)) <= 0, name);
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
    }
    quiet();
  }
});

/** Buttons and fields below 44 px: too small for a wet thumb. */
function smallTargets(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll('button, select, summary, input:not([type=radio])')]
      .filter((element) => element.checkVisibility())
      .map((element) => [element.outerHTML.slice(0, 80), element.getBoundingClientRect()])
      .filter(([, { width, height }]) => Math.min(width, height) < 43.9)
      .map(([html]) => html),
  );
}
