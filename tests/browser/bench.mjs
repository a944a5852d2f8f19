/**
 * Measures the pages: `make bench-web`. Two hubs with made-up observations, a small and a large one, stand side by side, and each
 * thing is done on both in turn; what is printed is the large one's time over the small one's, since machines differ and are
 * noisy. `make bench-web ARGS=million` takes a million instead of 100,000; `paint`, `list`, `map` and `phone` name single parts;
 * `phone` has no two hubs: the app opens without any, beside a page of one word.
 */
import { startBrowser } from './fixture/browser.mjs';
import { keptApp } from './fixture/cold-start.mjs';
import { startDemo } from './fixture/demo.mjs';

const SMALL = 1000;
const LARGE = process.argv.includes('million') ? 1_000_000 : 100_000;
const ROUNDS = 5;

const PARTS = ['paint', 'list', 'map', 'phone'].filter((part) => process.argv.includes(part));
const isWanted = (part) => !PARTS.length || PARTS.includes(part);

/** So much slower than this machine is the laptop that is thought of. */
const THROTTLE = 6;

const ends = [];
const until = { after: (end) => ends.unshift(end) };

const demo = (observations) => startDemo(until, ['--photos', '0', '--devices', '4', '--observations', String(observations)]);

const sorted = (numbers) => numbers.toSorted((a, b) => a - b);
const at = (numbers, part) => sorted(numbers)[Math.min(numbers.length - 1, Math.floor(numbers.length * part))];
const median = (numbers) => at(numbers, 0.5);

/** How long each frame took while `act` was done, in milliseconds. */
async function frames(page, act) {
  await page.evaluate(() => {
    const times = [];
    globalThis.benchFrames = times;
    const note = (now) => {
      times.push(now);
      if (globalThis.benchFrames === times) requestAnimationFrame(note);
    };
    requestAnimationFrame(note);
  });
  await act();
  const times = await page.evaluate(() => {
    const times = globalThis.benchFrames;
    globalThis.benchFrames = null;
    return times;
  });
  return times.slice(1).map((time, index) => time - times[index]);
}

async function open(browser, hub) {
  const context = await browser.newContext({ locale: 'en-US', viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.goto(hub.open);
  await page.getByText('Live', { exact: true }).waitFor();
  return { hub, context, page };
}

/** Milliseconds until something was painted, and until `wanted` can be read, on a processor that is slowed down, with nothing cached. */
async function firstPaint(context, url, wanted) {
  const page = await context.newPage();
  const control = await context.newCDPSession(page);
  await control.send('Network.enable');
  await control.send('Network.setCacheDisabled', { cacheDisabled: true });
  await control.send('Emulation.setCPUThrottlingRate', { rate: THROTTLE });
  const begun = performance.now();
  await page.goto(url);
  await page.getByText(wanted).first().waitFor();
  const read = performance.now() - begun;
  const paint = await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
  const painted = await paint.jsonValue();
  await page.close();
  return { painted, read };
}

async function listFrames({ page, hub }) {
  await page.goto(`${hub.http}/observations?view=list`);
  await page.getByRole('list', { name: 'Observations' }).getByRole('button').first().waitFor();
  await page.mouse.move(640, 600);
  return frames(page, async () => {
    for (let step = 0; step < 60; step += 1) await page.mouse.wheel(0, 300);
    await page.waitForTimeout(300);
  });
}

/** Milliseconds from pulling the scrollbar to its end until the oldest can be read. */
async function listEnd({ page, hub }, count) {
  await page.goto(`${hub.http}/observations?view=list`);
  const list = page.getByRole('list', { name: 'Observations' });
  await list.getByRole('button').first().waitFor();
  await page.locator(`li[aria-setsize="${count}"]`).first().waitFor();
  const begun = performance.now();
  await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
  await page.locator(`li[aria-posinset="${count}"]`).getByRole('button').waitFor();
  return performance.now() - begun;
}

/** The same for the middle of the list, which the hub has to count its way to. */
async function listMiddle({ page, hub }, count) {
  await page.goto(`${hub.http}/observations?view=list`);
  const list = page.getByRole('list', { name: 'Observations' });
  await list.getByRole('button').first().waitFor();
  await page.locator(`li[aria-setsize="${count}"]`).first().waitFor();
  const begun = performance.now();
  await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight / 2));
  await page.waitForFunction((count) => {
    const seen = [...document.querySelectorAll('li[aria-posinset]')].filter((item) => item.querySelector('button'));
    return seen.some((item) => Math.abs(Number(item.getAttribute('aria-posinset')) - count / 2) < count / 20 + 20);
  }, count);
  return performance.now() - begun;
}

async function mapFrames({ page, hub }) {
  const tile = page.waitForResponse((response) => response.url().includes('/tiles/observations/') && response.status() === 200);
  await page.goto(`${hub.http}/observations?view=map`);
  await tile;
  const canvas = page.locator('.maplibregl-canvas');
  await canvas.scrollIntoViewIfNeeded();
  await page.waitForTimeout(1500);
  const box = await canvas.boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + Math.min(box.height, 500) / 2];
  return frames(page, async () => {
    await page.mouse.move(x, y);
    for (const turn of [-1, -1, -1, 1, 1]) {
      await page.mouse.wheel(0, turn * 400);
      await page.waitForTimeout(350);
      await page.mouse.down();
      for (let step = 1; step <= 20; step += 1) await page.mouse.move(x + step * 8, y + step * 3);
      await page.mouse.up();
      await page.mouse.move(x, y);
    }
    await page.waitForTimeout(500);
  });
}

/** Does the same on both hubs, turn by turn. */
async function both(pair, what) {
  const times = pair.map(() => []);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, one] of pair.entries()) times[index].push(await what(one, index));
  }
  return times;
}

const ms = (number) => `${number.toFixed(number < 10 ? 1 : 0)} ms`;

function row(name, [small, large], target = '') {
  const [a, b] = [median(small), median(large)];
  console.log(`${name.padEnd(52)} ${ms(a).padStart(9)} ${ms(b).padStart(9)}   ${(b / a).toFixed(2)} x ${target}`);
}

async function measure() {
  if (isWanted('phone')) await measurePhone();
  if (['paint', 'list', 'map'].some(isWanted)) await measureHubs();
}

async function measureHubs() {
  console.log(`two hubs: ${SMALL} and ${LARGE} observations; ${ROUNDS} rounds, medians`);
  const hubs = [await demo(SMALL), await demo(LARGE)];
  const browser = await startBrowser(until, ['--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader']);
  const pair = [];
  for (const hub of hubs) pair.push(await open(browser, hub));
  console.log(`${''.padEnd(52)} ${'small'.padStart(9)} ${'large'.padStart(9)}   large over small`);
  if (isWanted('paint')) await measurePaint(pair);
  if (isWanted('list')) await measureList(pair, [SMALL, LARGE]);
  if (isWanted('map')) await measureMap(pair);
}

async function measurePaint(pair) {
  const opened = await both(pair, ({ context, hub }) => firstPaint(context, hub.http, 'on this laptop'));
  const paints = opened.map((rounds) => rounds.map(({ painted }) => painted));
  row(`first paint, processor ${THROTTLE} x slower`, paints, '(wanted: below 1 s)');
  row('  until the sentence on top can be read', opened.map((rounds) => rounds.map(({ read }) => read)));
  const bare = [];
  for (let round = 0; round < ROUNDS; round += 1) bare.push((await firstPaint(pair[0].context, 'data:text/html,<p>bare', 'bare')).painted);
  console.log(`${'  first paint of a page of one word'.padEnd(52)} ${ms(median(bare)).padStart(9)}             ${(median(paints[1]) / median(bare)).toFixed(2)} x`);
}

async function measurePhone() {
  const kept = await keptApp(until, await startBrowser(until), THROTTLE);
  const [app, bare] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    app.push(await kept.app());
    bare.push(await kept.bare());
  }
  console.log(`phone app kept in the browser, without a network, processor ${THROTTLE} x slower; ${ROUNDS} rounds, medians`);
  console.log(`${'  until recording can begin'.padEnd(52)} ${ms(median(app)).padStart(9)} (wanted: below 1.5 s where nothing else runs)`);
  console.log(`${'  a page of one word'.padEnd(52)} ${ms(median(bare)).padStart(9)}             ${(median(app) / median(bare)).toFixed(2)} x`);
}

async function measureList(pair, counts) {
  const scrolled = await both(pair, listFrames);
  row('list: a frame while scrolling, median', scrolled.map((rounds) => rounds.map((one) => at(one, 0.5))));
  row('list: a frame while scrolling, 95 of 100', scrolled.map((rounds) => rounds.map((one) => at(one, 0.95))));
  row('list: to the oldest at its end', await both(pair, (one, index) => listEnd(one, counts[index])));
  row('list: to its middle', await both(pair, (one, index) => listMiddle(one, counts[index])));
}

async function measureMap(pair) {
  const moved = await both(pair, mapFrames);
  row('map: a frame while moving, median', moved.map((rounds) => rounds.map((one) => at(one, 0.5))), '(wanted: 1.2 or less)');
  row('map: a frame while moving, 95 of 100', moved.map((rounds) => rounds.map((one) => at(one, 0.95))), '(wanted: 1.2 or less)');
}

try {
  await measure();
} finally {
  for (const end of ends) await end();
}
