/** Whether the browser keeps what is recorded, and what a person is told when it does not promise to. */
import { test } from 'node:test';
import { startBrowser, visitor } from '../fixture/browser.mjs';
import { startHub, withoutHub } from '../fixture/hub.mjs';

const PHONE = { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true };

test('a browser that refuses to keep the records is told of, with what to do, the next day too', { skip: withoutHub }, async (t) => {
  const hub = await startHub(t);
  const browser = await startBrowser(t);
  const { page, context, quiet } = await visitor(browser, hub, PHONE);
  await context.addInitScript(() => {
    StorageManager.prototype.persisted = async () => globalThis.isPromised === true;
    StorageManager.prototype.persist = async () => globalThis.isPromised === true;
  });
  await page.goto(`${hub.http}/phone/#/settings/install`);
  await page.getByText('The browser was not yet asked').waitFor();
  await page.getByRole('button', { name: 'Ask it to keep it' }).click();
  await page.getByText('The browser refused to promise that it clears nothing. Hand over soon').waitFor();

  await page.reload();
  await page.getByText('The browser refused to promise that it clears nothing').waitFor();
  await page.goto(`${hub.http}/phone/#/settings`);
  await page.getByText('Install the app, use it for some days, and ask again').waitFor();

  await page.evaluate(() => (globalThis.isPromised = true));
  await page.getByRole('button', { name: 'Ask it to keep it' }).click();
  await page.getByText('The browser has promised not to clear').waitFor();
  await page.goto(`${hub.http}/phone/#/settings/install`);
  await page.getByText('The browser does not clear what is recorded').waitFor();
  quiet();
});
