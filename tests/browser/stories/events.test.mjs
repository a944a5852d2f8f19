/**
 * A page that stands open for days. What is real: the hub, all calls of the page but its event stream, and the events,
 * which were recorded from the hub's stream. What is not: that they come so fast, a thousand in a second, where a hub
 * gathers what happens for a quarter of a second.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { arrived } from '../fixture/arrival.mjs';
import { recordings } from '../fixture/field.mjs';
import { withoutHub } from '../fixture/hub.mjs';
import { startWay } from '../fixture/way.mjs';

const WARM_UP = 1000;
const EVENTS = 20_000;
/** So many at a time, ten times a second. */
const SLICE = 100;

/** As much may the page grow between the two. */
const GROWTH = 1.1;

const HEARD = ['hello', 'device', 'observations', 'media', 'overview'];
const rest = (time) => new Promise((done) => setTimeout(done, time));

/** What the hub's stream says while `happens` does, as blocks of text. */
async function record(context, hub, happens) {
  const cookie = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
  const stop = new AbortController();
  const answer = await fetch(`${hub.http}/api/v1/events`, { headers: { cookie }, signal: stop.signal });
  assert.equal(answer.status, 200);
  let text = '';
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of answer.body) text += decoder.decode(bytes, { stream: true });
  })().catch(() => undefined);
  await happens();
  await rest(1500);
  stop.abort();
  await reading;
  const blocks = text.split('\n\n').slice(0, -1).filter((block) => block.startsWith('event: '));
  const names = new Set(blocks.map((block) => /^event: (\w+)/.exec(block)[1]));
  for (const name of HEARD) assert.ok(names.has(name), `${name} in ${[...names]}`);
  return blocks;
}

/** What the page takes once everything that nobody needs was thrown away. */
async function weigh(debug) {
  for (let times = 0; times < 3; times += 1) await debug.send('HeapProfiler.collectGarbage');
  const { usedSize } = await debug.send('Runtime.getHeapUsage');
  const { nodes, jsEventListeners } = await debug.send('Memory.getDOMCounters');
  return { usedSize, nodes, jsEventListeners };
}

const nests = (page) => page.getByRole('main').getByRole('button', { name: /nest/ }).first();
const PLACES = [
  ['the first page', '/', nests],
  ['the list of observations', '/observations', nests],
  ['the analysis', '/analysis', (page) => page.getByRole('heading', { name: 'By week' })],
];

for (const [where, path, shown] of PLACES) {
  test(`20,000 events leave ${where} as large as it was`, { skip: withoutHub }, async (t) => {
    const walk = Array.from({ length: 70 }, (_, index) => ({ category: index % 2 ? 'logging' : 'nest', notes: `Place ${index}`, photo: index < 10 }));
    /** The stream of the page, once it is not the hub's. */
    let stream = null;
    let isPlayed = false;
    const way = await startWay(t, (path, answer) => {
      if (!isPlayed || path !== '/api/v1/events') return false;
      answer.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      stream = answer;
      return true;
    });
    const { hub, context, page } = await arrived(t, walk, { args: way.args });
    const blocks = await record(context, hub, async () => {
      for (const [name, seen] of [['second', walk.slice(0, 12)], ['third', walk.slice(0, 3)]]) {
        await hub.send({ device: 'rosa', source: await recordings(hub.folder, name, seen) });
      }
    });

    const asked = { now: 0, most: 0, all: 0, at: 0 };
    const isCall = (request) => /\/api\/v1\/(?!events)/.test(request.url());
    page.on('request', (request) => {
      if (!isCall(request)) return;
      asked.all += 1;
      asked.now += 1;
      asked.most = Math.max(asked.most, asked.now);
      asked.at = Date.now();
    });
    for (const end of ['requestfinished', 'requestfailed']) page.on(end, (request) => (asked.now -= isCall(request) ? 1 : 0));

    const debug = await context.newCDPSession(page);
    const hello = blocks.find((block) => block.startsWith('event: hello'));
    const others = blocks.filter((block) => block !== hello);
    /** Plays so many, and weighs when the page has asked for nothing for a while. */
    async function after(count) {
      Object.assign(asked, { most: 0, all: 0, at: Date.now() });
      for (let at = 0; at < count; at += SLICE) {
        const slice = Array.from({ length: SLICE }, (_, index) => others[(at + index) % others.length]);
        stream.write([...slice, ''].join('\n\n'));
        await rest(100);
      }
      while (asked.now > 0 || Date.now() - asked.at < 7000) {
        await rest(100);
        stream.write(':\n\n');
      }
      return weigh(debug);
    }

    isPlayed = true;
    await page.goto(hub.http + path);
    await shown(page).waitFor();
    if (path === '/') {
      // Further down than the newest page, so that changes are fetched by name.
      await page.getByRole('button', { name: 'Show more' }).click();
      await page.getByText('Place 0', { exact: false }).first().waitFor();
    }
    while (!stream) await rest(20);
    stream.write(`${hello}\n\n`);
    await page.getByText('Live', { exact: true }).waitFor();
    const before = await after(WARM_UP);
    const grown = await after(EVENTS);
    t.diagnostic(`${JSON.stringify(before)} → ${JSON.stringify(grown)}; ${asked.all} calls, ${asked.most} at once`);
    for (const [what, size] of Object.entries(grown)) {
      assert.ok(size <= before[what] * GROWTH, `${what}: ${before[what]} → ${size}`);
    }
    assert.ok(asked.most <= 20 && asked.all < EVENTS / 20, `${asked.all} calls, ${asked.most} at once`);
  });
}
