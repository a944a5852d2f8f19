/** The phone's camera looks at the code on the hub's screen. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { PHONE, allThere, hubOf, open } from '../fixture/app.mjs';
import { barriers, launch, manager, overflow, startBrowser } from '../fixture/browser.mjs';
import { withoutHub } from '../fixture/hub.mjs';

const SIZE = 480;

/** The code as the manager's page shows it, as grey values of a square picture. */
async function codeOf(browser, hub) {
  const { page, context } = await manager(browser, hub);
  await page.getByRole('main').getByRole('button', { name: 'Let a phone join' }).click();
  const shown = page.getByRole('dialog').locator('.pairing img');
  const picture = await shown.screenshot();
  const blank = await context.newPage();
  const grey = await blank.evaluate(
    async ([picture, size]) => {
      const bytes = Uint8Array.from(atob(picture), (char) => char.charCodeAt(0));
      const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
      const canvas = new OffscreenCanvas(size, size);
      const pen = canvas.getContext('2d');
      [pen.fillStyle, pen.imageSmoothingEnabled] = ['#fff', false];
      pen.fillRect(0, 0, size, size);
      pen.drawImage(image, 40, 40, size - 80, size - 80);
      const { data } = pen.getImageData(0, 0, size, size);
      let text = '';
      for (let at = 0; at < data.length; at += 4) text += String.fromCharCode(data[at]);
      return text;
    },
    [picture.toString('base64'), SIZE],
  );
  return Buffer.from(grey, 'latin1');
}

/** A film of some still pictures, as Chromium's made-up camera plays it again and again: YUV4MPEG2, the colours in the middle. */
function film(frames) {
  const colours = Buffer.alloc((SIZE * SIZE) / 2, 128);
  return Buffer.concat([
    Buffer.from(`YUV4MPEG2 W${SIZE} H${SIZE} F10:1 Ip A1:1 C420jpeg\n`),
    ...frames.flatMap((grey) => [Buffer.from('FRAME\n'), grey, colours]),
  ]);
}

/** A browser whose camera sees the frames. */
async function seeing(t, frames) {
  const folder = await mkdtemp(join(tmpdir(), 'maloca-film-'));
  const path = join(folder, 'film.y4m');
  await writeFile(path, film(frames));
  const browser = await launch(['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', `--use-file-for-fake-video-capture=${path}`]);
  t.after(async () => {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  });
  return browser;
}

test('the camera reads the code, and only the name is asked', { skip: withoutHub }, async (t) => {
  const hub = await hubOf(t, { words: [] });
  const browser = await startBrowser(t);
  const grey = await codeOf(browser, hub);
  // First it sees a wall.
  const phone = await seeing(t, [...Array.from({ length: 15 }, () => Buffer.alloc(SIZE * SIZE, 190)), ...Array.from({ length: 15 }, () => grey)]);
  const app = await open(phone, hub, 'handover', PHONE);
  await app.getByRole('button', { name: 'Scan the code' }).click();
  await app.getByText('Point the camera at the code on the hub’s screen.').waitFor();
  await app.locator('video').waitFor();
  assert.deepEqual(await barriers(app), []);
  assert.equal(await overflow(app), 0);
  await app.getByText('The code was read').waitFor();
  assert.equal(await app.locator('video').count(), 0, 'the camera is closed again');
  await app.getByLabel('Your name').fill('Rosa');
  await app.getByRole('button', { name: 'Join', exact: true }).click();
  await allThere(app);
});

test('without a camera, a picture of the code is read; a picture of something else is said to be none', { skip: withoutHub }, async (t) => {
  const hub = await hubOf(t, { words: [] });
  const browser = await startBrowser(t);
  const { page } = await manager(browser, hub);
  await page.getByRole('main').getByRole('button', { name: 'Let a phone join' }).click();
  const code = await page.getByRole('dialog').screenshot();
  const app = await open(browser, hub);
  // This browser has no camera.
  await app.getByRole('button', { name: 'Scan the code' }).click();
  await app.getByText('The camera does not open.').waitFor();
  const picture = app.locator('input[type=file]').first();
  await picture.setInputFiles({ name: 'wall.png', mimeType: 'image/png', buffer: await app.getByRole('heading', { level: 1 }).screenshot() });
  await app.getByText('No code is seen in this picture.').waitFor();
  await picture.setInputFiles({ name: 'code.png', mimeType: 'image/png', buffer: code });
  await app.getByText('The code was read').waitFor();
  await app.getByLabel('Your name').fill('Rosa');
  await app.getByRole('button', { name: 'Join', exact: true }).click();
  await allThere(app);
});
