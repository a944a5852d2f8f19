/** Pages that did not run for a while, and connections that died without a word. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { arrived } from '../fixture/arrival.mjs';
import { recordings } from '../fixture/field.mjs';
import { withoutHub } from '../fixture/hub.mjs';
import { startWay } from '../fixture/way.mjs';

const live = (page) => page.getByText('Live', { exact: true }).waitFor();
const bring = async (hub, name) => hub.send({ device: 'rosa', source: await recordings(hub.folder, name, [{ category: name }]) });
const rest = (time) => new Promise((done) => setTimeout(done, time));

test('after sleep a connection that died in silence is renewed', { skip: withoutHub }, async (t) => {
  const way = await startWay(t);
  const { hub, page } = await arrived(t, [{ category: 'logging' }], { args: way.args });
  // The page's clock can be put forward from here on, as the lid of a laptop does.
  await page.clock.install();
  await page.goto(hub.http);
  await live(page);
  await page.getByText('logging').first().waitFor();
  let streams = 0;
  page.on('request', (request) => (streams += new URL(request.url()).pathname === '/api/v1/events'));

  way.goDead();
  await bring(hub, 'nest');
  await rest(2000);
  assert.equal(await page.getByText('nest').count(), 0, 'the connection is dead');
  await page.clock.fastForward('30:00');
  await page.getByText('nest').first().waitFor();
  await live(page);
  assert.equal(await page.getByText('The hub has not answered since').count(), 0, 'nobody is frightened');
  assert.equal(streams, 1);

  await bring(hub, 'fire');
  await page.getByText('fire').first().waitFor();
});

test('a page that was frozen shows what came meanwhile', { skip: withoutHub }, async (t) => {
  const { hub, context, page, quiet } = await arrived(t, [{ category: 'logging' }]);
  const other = await context.newPage();
  await other.goto(hub.http);
  await live(other);
  // The first holds the stream; both are frozen, one after the other, as a browser does with tabs that are not looked at.
  for (const [frozen, awake, name] of [[page, other, 'nest'], [other, page, 'fire']]) {
    const debug = await context.newCDPSession(frozen);
    await debug.send('Page.setWebLifecycleState', { state: 'frozen' });
    await bring(hub, name);
    await awake.getByText(name).first().waitFor();
    await debug.send('Page.setWebLifecycleState', { state: 'active' });
    await frozen.getByText(name).first().waitFor();
    await live(frozen);
  }
  quiet();
});
