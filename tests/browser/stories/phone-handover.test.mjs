/** The phone app hands over: what a monitor brought from the forest arrives whole, whatever comes in between. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CODE, JOINING, PATIENCE, PHONE, allThere, assertArrived, bringIn, elsewhere, go, hubOf, joinHub, open, slowly } from '../fixture/app.mjs';
import { barriers, overflow, startBrowser } from '../fixture/browser.mjs';
import { withoutHub } from '../fixture/hub.mjs';
import { savedFile } from '../fixture/phone.mjs';

test('a phone joins, hands over, and says that everything is there', { skip: withoutHub }, async (t) => {
  const hub = await hubOf(t);
  const browser = await startBrowser(t);
  const saved = await savedFile(t, { records: 4, photos: [300_000, 900_000] });
  const app = await open(browser, hub);
  await app.getByText('This phone knows no hub yet.').waitFor();
  await bringIn(app, saved);
  const fast = await slowly(app, 400_000);
  await joinHub(app, hub);
  await app.getByText(/Handing over to San Juan: photo [12] of 2/).waitFor(PATIENCE);
  assert.equal(await app.getByText('Everything is on').count(), 0, 'nothing is promised before the hub has said it');
  await app.getByRole('progressbar').waitFor();
  await fast();
  await allThere(app);
  await assertArrived(browser, hub, saved);
});

test('the invitation of the screen leads into the app, and only the name is asked', { skip: withoutHub }, async (t) => {
  const hub = await hubOf(t);
  const browser = await startBrowser(t);
  const app = await (await browser.newContext(PHONE)).newPage();
  await app.goto(`${hub.http}/j#${CODE}.${hub.hub}`);
  await app.getByRole('link', { name: 'Open the app' }).click();
  await app.getByText('You are invited to a hub.').waitFor();
  assert.deepEqual(await barriers(app), []);
  assert.equal(await app.getByLabel('Code', { exact: true }).count(), 0);
  await app.getByRole('button', { name: 'Join', exact: true }).click();
  await app.getByText('Write your name.').waitFor();
  await app.getByLabel('Your name').fill('Ana <b>');
  await app.getByRole('button', { name: 'Join', exact: true }).click();
  await allThere(app);
  assert.equal(new URL(app.url()).hash, '#/handover', 'the code is not kept in the address');
});

test('a wrong code and an address where nobody is are said in words', { skip: withoutHub }, async (t) => {
  const hub = await hubOf(t);
  const app = await open(await startBrowser(t), hub);
  await app.getByLabel('Code', { exact: true }).fill('111 111');
  await app.getByLabel('Your name').fill('Ana');
  const join = app.getByRole('button', { name: 'Join', exact: true });
  await app.getByLabel('The hub’s address').fill('127.0.0.2:9');
  await join.click();
  await app.getByText('No hub answers at that address.').waitFor();
  await app.getByLabel('The hub’s address').fill(hub.http);
  await join.click();
  await app.getByText('The code is not right.').waitFor();
});

test('the hub is killed in mid-upload and started again, and the page reloaded', { skip: withoutHub }, async (t) => {
  const hub = await hubOf(t);
  const browser = await startBrowser(t);
  const saved = await savedFile(t, { records: 2, photos: [2_500_000, 3_000_000, 2_000_000] });
  const app = await open(browser, hub);
  await bringIn(app, saved);
  const fast = await slowly(app, 1_500_000);
  await joinHub(app, hub);
  await app.getByText(/photo [12] of 3/).waitFor(PATIENCE);
  await hub.kill();
  await app.getByText('San Juan is not on this Wi-Fi.').waitFor(PATIENCE);
  await app.getByText('Connect this phone to the Wi-Fi of San Juan.').waitFor();
  const again = await hub.restart();
  await app.getByRole('button', { name: 'Hand over now' }).click();
  await app.getByText(/photo [123] of [123]/).waitFor(PATIENCE);
  await fast();
  await app.reload();
  await allThere(app);
  await assertArrived(browser, hub, saved, again.open);
});

test('the answer is lost after the hub took it: nothing is doubled', { skip: withoutHub }, async (t) => {
  const hub = await hubOf(t);
  const browser = await startBrowser(t);
  const saved = await savedFile(t, { records: 5 });
  const app = await open(browser, hub);
  await bringIn(app, saved);
  let lost = 0;
  await app.route('**/api/v1/revisions', async (route) => {
    if (lost > 0) return route.continue();
    lost += 1;
    await route.fetch();
    return route.abort();
  });
  await joinHub(app, hub);
  await allThere(app);
  assert.equal(lost, 1);
  await assertArrived(browser, hub, saved);
});

test('another hub at the same address is said, and gets nothing; when the first is back, all goes on', { skip: withoutHub }, async (t) => {
  const hub = await hubOf(t);
  const browser = await startBrowser(t);
  const saved = await savedFile(t, { records: 3, photos: [200_000] });
  const app = await open(browser, hub);
  await bringIn(app, saved);
  await joinHub(app, hub);
  await allThere(app);
  await hub.stop();
  const stranger = await hubOf(t, { port: hub.port, name: 'Other' });
  await app.getByRole('button', { name: 'Hand over now' }).click();
  await app.getByText('Where San Juan was, another hub answers now. Nothing was handed over to it.').waitFor(PATIENCE);
  assert.equal(await app.getByText('Everything is on').count(), 0);
  await joinHub(app, stranger);
  await app.getByText('This hub belongs to another project.').waitFor();
  await stranger.stop();
  await hub.restart();
  await app.getByRole('button', { name: 'Hand over now' }).click();
  await allThere(app);
});

test('the app opens with no hub and no network', { skip: withoutHub }, async (t) => {
  const hub = await hubOf(t);
  const browser = await startBrowser(t);
  const app = await open(browser, hub, 'settings/install');
  await app.getByText('It opens without a network.').waitFor(PATIENCE);
  const { icons } = await (await app.request.get(`${hub.http}/phone/manifest.webmanifest`)).json();
  for (const { src } of icons) assert.equal((await app.request.get(`${hub.http}/phone/${src}`)).status(), 200, src);
  const session = await app.context().newCDPSession(app);
  const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
  // A window without traces installs nothing; nothing else may be wrong.
  assert.deepEqual(installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== 'in-incognito'), []);
  await hub.stop();
  await app.context().setOffline(true);
  await app.reload();
  await app.getByText('It opens without a network.').waitFor(PATIENCE);
  for (const page of ['record', 'observations', 'handover', 'settings']) {
    await go(app, page);
    await app.locator(`nav a[href="#/${page}"][aria-current]`).waitFor();
    await app.locator('main h1').first().waitFor();
    assert.equal(await app.getByText('could not be').count(), 0);
  }
  // Nothing of a hub's API is ever kept.
  const kept = await app.evaluate(async () => (await Promise.all((await caches.keys()).map(async (name) => (await (await caches.open(name)).keys()).map(({ url }) => url)))).flat());
  assert.ok(kept.length > 10);
  assert.deepEqual(kept.filter((url) => url.includes('/api/')), []);
});

test('a new version waits while something is being recorded', { skip: withoutHub }, async (t) => {
  const pages = await mkdtemp(join(tmpdir(), 'maloca-pages-'));
  t.after(() => rm(pages, { recursive: true, force: true }));
  await cp(process.env.MALOCA_PAGES ?? join(import.meta.dirname, '../../../webui/dist'), pages, { recursive: true });
  const hub = await hubOf(t, { pages });
  const app = await open(await startBrowser(t), hub, 'settings/install');
  await app.getByText('It opens without a network.').waitFor(PATIENCE);
  await app.reload();
  await app.evaluate(() => navigator.serviceWorker.ready);
  const worker = join(pages, 'phone/sw.js');
  await writeFile(worker, `${await readFile(worker, 'utf8')}\n// newer`);
  for (const packed of ['.br', '.gz']) await rm(worker + packed);
  await app.evaluate(async () => (await navigator.serviceWorker.ready).update());
  await app.getByText('There is a new version of the app.').waitFor(PATIENCE);
  await app.evaluate(() => {
    void navigator.locks.request('maloca-recording', { mode: 'shared' }, () => new Promise((done) => (globalThis.end = done)));
    globalThis.isOld = true;
  });
  await app.getByRole('button', { name: 'Use it now' }).click();
  await app.getByText('Something is being recorded.').waitFor();
  assert.equal(await app.evaluate(() => globalThis.isOld), true);
  await app.evaluate(() => globalThis.end());
  await app.getByRole('button', { name: 'Use it now' }).click();
  await app.waitForFunction(() => globalThis.isOld === undefined && navigator.serviceWorker.controller !== null);
  await app.getByText('It opens without a network.').waitFor();
  assert.equal(await app.getByText('There is a new version').count(), 0);
});

test('over plain http it says what is missing, and warns before leaving with what no hub has', { skip: withoutHub }, async (t) => {
  const hub = await hubOf(t);
  // A name that is not this machine's own, so that the browser takes the page for what it is.
  const browser = await startBrowser(t, ['--host-resolver-rules=MAP maloca.local 127.0.0.1']);
  const plain = { ...hub, http: `http://maloca.local:${hub.port}` };
  const saved = await savedFile(t, { records: 2, photos: [50_000] });
  const app = await open(browser, plain, 'settings/install');
  await app.getByText('It does not open without the hub').waitFor();
  await app.getByText('Others on this Wi-Fi can read').waitFor();
  await app.getByRole('link', { name: `https://maloca.local:${new URL(hub.https).port}/phone/` }).waitFor();
  const [certificate] = await Promise.all([app.waitForEvent('download'), app.getByRole('link', { name: 'Download the certificate' }).click()]);
  assert.match(await readFile(await certificate.path(), 'utf8'), /BEGIN CERTIFICATE/);
  await bringIn(app, saved);
  await app.waitForTimeout(500);
  const warned = app.waitForEvent('dialog');
  // Not waited for: it does not come to pass.
  app.evaluate(() => location.reload()).catch(() => {});
  const dialog = await warned;
  assert.equal(dialog.type(), 'beforeunload');
  await dialog.dismiss();
  await joinHub(app, plain);
  await allThere(app);
  // Now there is nothing to lose, and the page goes without a word.
  app.on('dialog', (unwanted) => assert.fail(unwanted.message()));
  await app.waitForTimeout(500);
  await app.reload();
  await allThere(app);
  await assertArrived(browser, hub, saved);
});

test('a file saved here goes on elsewhere; a card with the key brings the records back from the hub', { skip: withoutHub }, async (t) => {
  const hub = await hubOf(t);
  const browser = await startBrowser(t);
  const saved = await savedFile(t, { records: 2 });
  const app = await open(browser, hub);
  await bringIn(app, saved);
  await joinHub(app, hub);
  await allThere(app);
  await go(app, 'settings');
  await app.getByLabel('With the key of this phone').check();
  const [file] = await Promise.all([app.waitForEvent('download'), app.getByRole('button', { name: 'Save the file' }).click()]);
  assert.match(file.suggestedFilename(), /^maloca-.*\.tar$/);
  await app.getByRole('button', { name: 'Show the code of the key' }).click();
  // What lies over the page would lie over the picture.
  await app.addStyleTag({ content: 'nav { display: none !important }' });
  const picture = await app.getByRole('img', { name: 'Code with the key of this phone' }).screenshot();

  const again = await open(browser, hub, 'settings');
  await again.locator('input[type=file]').first().setInputFiles(await file.path());
  await again.getByText(`Read: 2 changes and 0 files that are new here. This phone is ${saved.shortId}`).waitFor(PATIENCE);
  await go(again, 'handover');
  await allThere(again);

  const carded = await open(browser, hub, 'settings');
  await carded.getByText('Read the code of a key').first().click();
  await carded.locator('details input[type=file]').setInputFiles({ name: 'card.png', mimeType: 'image/png', buffer: picture });
  await carded.getByText(`This phone is ${saved.shortId}`).waitFor(PATIENCE);
  await go(carded, 'handover');
  await allThere(carded);

  // A phone that is somebody already stays who it is.
  const other = await open(browser, hub);
  await joinHub(other, hub, 'Berta');
  await allThere(other);
  await go(other, 'settings');
  await other.locator('input[type=file]').first().setInputFiles(await file.path());
  await other.getByText('This file is another phone’s').waitFor();
  await assertArrived(browser, hub, saved);
});

test('installed from elsewhere, it hands over to a hub that lets its origin in, and opens when all is away', { skip: withoutHub }, async (t) => {
  const origin = await elsewhere(t);
  const hub = await hubOf(t, { words: [...JOINING, '--allow-origin', origin] });
  const closed = await hubOf(t, { name: 'Closed' });
  const browser = await startBrowser(t);
  const saved = await savedFile(t, { records: 2, photos: [1_300_000] });
  const app = await open(browser, { http: origin, at: '/some/where/' }, 'settings/install');
  await app.getByText(`It was installed beforehand, from ${origin}.`).waitFor();
  await app.getByText('It opens without a network.').waitFor(PATIENCE);
  await bringIn(app, saved);
  // A hub that was not told of the origin is, to the page, as good as away.
  await go(app, 'handover');
  await app.getByLabel('The hub’s address').fill(closed.http);
  await app.getByLabel('Code', { exact: true }).fill(CODE);
  await app.getByLabel('Your name').fill('Ana');
  await app.getByRole('button', { name: 'Join', exact: true }).click();
  await app.getByText('No hub answers at that address.').waitFor();
  await joinHub(app, hub);
  await allThere(app);
  await assertArrived(browser, hub, saved);
  await hub.stop();
  await app.context().setOffline(true);
  await app.reload();
  await app.getByText('San Juan is not on this Wi-Fi.').waitFor(PATIENCE);
  await app.getByText(`--allow-origin ${origin}`).waitFor();
});

const withoutCertutil = spawnSync('certutil', ['-H']).error ? 'no certutil on this machine (libnss3-tools): no browser can be made to trust the hub' : false;

test('from the hub over https, with its authority trusted: the whole app', { skip: withoutHub || withoutCertutil }, async (t) => {
  const hub = await hubOf(t);
  const home = await mkdtemp(join(tmpdir(), 'maloca-home-'));
  t.after(() => rm(home, { recursive: true, force: true }));
  const store = join(home, '.pki/nssdb');
  await mkdir(store, { recursive: true });
  await writeFile(join(home, 'maloca.crt'), await (await fetch(`${hub.http}/api/v1/authority.crt`)).text());
  const run = (...words) => assert.equal(spawnSync('certutil', ['-d', `sql:${store}`, ...words]).status, 0, words.join(' '));
  run('-N', '--empty-password');
  run('-A', '-t', 'C,,', '-n', 'maloca', '-i', join(home, 'maloca.crt'));
  const browser = await startBrowser(t, ['--host-resolver-rules=MAP maloca.local 127.0.0.1'], { ...process.env, HOME: home });
  const secure = { ...hub, http: `https://maloca.local:${new URL(hub.https).port}` };
  const saved = await savedFile(t, { records: 2, photos: [80_000] });
  const app = await open(browser, secure, 'settings/install');
  await app.getByText('It comes from a hub, over a secure connection.').waitFor();
  await app.getByText('It opens without a network.').waitFor(PATIENCE);
  await bringIn(app, saved);
  // The code on the screen names the plain address; the page takes the one that it came from.
  await app.goto(`${secure.http}/phone/#/handover/join/${CODE}.${hub.hub}`);
  await app.getByLabel('Your name').fill('Ana');
  await app.getByRole('button', { name: 'Join', exact: true }).click();
  await allThere(app);
  await assertArrived(browser, hub, saved);
  await hub.stop();
  await app.context().setOffline(true);
  await app.reload();
  await app.getByText('San Juan is not on this Wi-Fi.').waitFor(PATIENCE);
});

test('at 360 by 740, light and dark, in each language: nothing in the way, nothing beside the screen', { skip: withoutHub }, async (t) => {
  const hub = await hubOf(t);
  const browser = await startBrowser(t);
  for (const colorScheme of ['light', 'dark']) {
    for (const locale of ['es', 'pt-BR', 'en', 'fr']) {
      const app = await open(browser, hub, 'handover', { locale, colorScheme });
      for (const page of ['handover', 'settings', 'settings/install', `handover/join/${CODE}.${hub.hub}`, 'handover']) {
        await go(app, page);
        await app.waitForTimeout(150);
        if (page.includes('join/')) {
          await app.getByRole('textbox').last().fill('Ana');
          await app.locator('form.join button[type=submit]').click();
          await app.locator('.notice.large').waitFor();
        }
        assert.equal(await overflow(app), 0, `${page} in ${locale}`);
        assert.deepEqual(await barriers(app), [], `${page} in ${locale}, ${colorScheme}`);
        // A message that is missing shows its id.
        assert.doesNotMatch(await app.locator('body').innerText(), /\b(handover|install|phone_settings|settings|count)\.[a-z_]+/);
      }
      await app.context().close();
    }
  }
});
