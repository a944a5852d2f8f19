/** Draws the phone app's icons from the logo: `node icons.mjs`. They lie in the repository, so that building needs no browser. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { launch } from './fixture/browser.mjs';

const webui = join(import.meta.dirname, '../../webui');
const GROUND = '#fffdf9';

/** Name, size, and how much of it the logo takes: a mask may cut off all but the middle four fifths. */
const ICONS = [
  // In the tab: a drawing would be drawn by the page itself, which has better to do when it opens.
  ['tab', 32, 1],
  ['192', 192, 0.86],
  ['512', 512, 0.86],
  ['maskable', 512, 0.58],
  ['apple-touch', 180, 0.72],
];

const logo = await readFile(join(webui, 'src/assets/maloca.svg'), 'utf8');
const browser = await launch();
for (const [name, size, share] of ICONS) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  const room = (size * (1 - share)) / 2;
  await page.setContent(`<style>body{margin:0;background:${GROUND}}svg{position:absolute;inset:${room}px;width:${size * share}px}</style>${logo}`);
  await page.screenshot({ path: join(webui, `phone/public/icons/${name}.png`) });
  await page.close();
}
await browser.close();
