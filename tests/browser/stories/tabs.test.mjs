/** Many tabs of one browser: one of them holds the hub's event stream for all. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { arrived } from '../fixture/arrival.mjs';
import { recordings } from '../fixture/field.mjs';
import { withoutHub } from '../fixture/hub.mjs';

const live = (page) => page.getByText('Live', { exact: true }).waitFor();
const shows = (page, words) => page.getByText(words).first().waitFor();
const all = (pages, look) => Promise.all(pages.map(look));

/** Event streams of all pages of a context that are open now, by the page that holds each. */
function streams(context) {
  const open = new Map();
  const over = (request) => open.delete(request);
  context.on('request', (request) => {
    if (new URL(request.url()).pathname === '/api/v1/events') open.set(request, request.frame().page());
  });
  context.on('requestfinished', over);
  context.on('requestfailed', over);
  return { holders: () => [...open.values()].filter((page) => !page.isClosed()) };
}

async function until(isSo, what) {
  for (let tries = 0; tries < 100; tries += 1) {
    if (await isSo()) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  assert.fail(what());
}

/** Eight tabs on a hub with one photo. */
async function eightTabs(t) {
  const visit = await arrived(t, [{ category: 'logging', photo: true }]);
  const { holders } = streams(visit.context);
  const pages = [visit.page];
  // The first was there before its requests were looked at.
  await visit.page.reload();
  await live(visit.page);
  for (let count = 1; count < 8; count += 1) {
    const page = await visit.context.newPage();
    await page.goto(visit.hub.http);
    await live(page);
    pages.push(page);
  }
  const bring = async (name) => visit.hub.send({ device: 'rosa', source: await recordings(visit.hub.folder, name, [{ category: name }]) });
  return { ...visit, pages, holders, bring };
}

const pictured = (page) =>
  page.waitForFunction(() => {
    const pictures = [...document.querySelectorAll('main ul img')];
    return pictures.length > 0 && pictures.every(({ complete, naturalWidth }) => complete && naturalWidth > 0);
  });

test('eight tabs are live over one connection, and see what arrives and the photos', { skip: withoutHub }, async (t) => {
  const { pages, holders, bring, quiet } = await eightTabs(t);
  assert.deepEqual(holders(), [pages[0]]);
  await pictured(pages[7]);
  await bring('nest');
  await all(pages, (page) => shows(page, 'is on this laptop: 2 observations'));
  await all(pages, (page) => shows(page, 'nest'));
  assert.deepEqual(holders(), [pages[0]]);
  quiet();
});

test('when the tab that holds the stream goes, another takes over, however it goes', { skip: withoutHub }, async (t) => {
  const { pages, holders, bring } = await eightTabs(t);
  const goings = {
    nest: (page) => page.close(),
    fire: (page) => page.goto('about:blank'),
    river: (page) => Promise.race([page.goto('chrome://crash').catch(() => undefined), page.waitForEvent('crash')]),
  };
  let rest = pages;
  for (const [brought, go] of Object.entries(goings)) {
    const [gone] = holders().filter((page) => rest.includes(page));
    rest = rest.filter((page) => page !== gone);
    await go(gone);
    const now = () => holders().filter((page) => rest.includes(page)).length;
    await until(() => now() === 1, () => `${brought}: ${now()} streams`);
    await all(rest, live);
    await bring(brought);
    await all(rest, (page) => shows(page, brought));
    assert.equal(now(), 1);
  }
  assert.equal(rest.length, 5);
});

test('all tabs say that the hub is gone, and all come back with it', { skip: withoutHub }, async (t) => {
  const { hub, pages, holders, bring } = await eightTabs(t);
  await hub.kill();
  await all(pages, (page) => shows(page, 'The hub has not answered since'));
  await hub.restart();
  await all(pages, live);
  await bring('clearing');
  await all(pages, (page) => shows(page, 'clearing'));
  await until(() => holders().length === 1, () => `${holders().length} streams`);
});

test('a tab learns of a category that is new, and of one that was changed in another', { skip: withoutHub }, async (t) => {
  const { hub, context, page, quiet } = await arrived(t, [{ category: 'harpy-eagle' }]);
  const other = await context.newPage();
  await other.goto(`${hub.http}/categories`);
  await other.getByRole('heading', { name: 'There are no categories yet' }).waitFor();
  await page.goto(`${hub.http}/categories`);
  await page.getByRole('main').getByRole('button', { name: 'New category' }).click();
  const form = page.getByRole('dialog', { name: 'New category' });
  await form.getByLabel('Name', { exact: true }).fill('Harpy eagle');
  await form.getByLabel('Your name').fill('Ana');
  await form.getByRole('button', { name: 'Save' }).click();
  await other.getByRole('listitem').filter({ hasText: 'Harpy eagle' }).waitFor();

  await page.getByRole('button', { name: 'Change Harpy eagle' }).click();
  const change = page.getByRole('dialog');
  await change.getByLabel('Name', { exact: true }).fill('Great eagle');
  await change.getByRole('button', { name: 'Save' }).click();
  await other.getByRole('listitem').filter({ hasText: 'Great eagle' }).waitFor();
  quiet();
});
