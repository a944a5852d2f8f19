import assert from 'node:assert/strict';
import { cp, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { barriers, manager, overflow, startBrowser } from '../fixture/browser.mjs';
import { recordings } from '../fixture/field.mjs';
import { startHub, withoutHub } from '../fixture/hub.mjs';

test('a copy from the page is written and verified', { skip: withoutHub }, async (t) => {
  const hub = await startHub(t);
  const browser = await startBrowser(t);
  const { page, quiet } = await manager(browser, hub);
  await page.getByRole('main').getByRole('button', { name: 'Let a phone join' }).click();
  const code = await page.locator('[data-code]').getAttribute('data-code');
  const source = await recordings(hub.folder, 'field', [{ category: 'felling', photo: true }, { category: 'nest' }]);
  await hub.send({ device: 'rosa', code, source });
  await page.keyboard.press('Escape');
  await page.getByText('Not on a drive yet: 2 observations and 1 photo.').waitFor();

  const to = hub.folder;
  await page.getByRole('button', { name: 'Copy to a drive' }).click();
  const dialog = page.getByRole('dialog', { name: 'Copy to a drive' });
  await dialog.getByText('Another folder').click();
  await dialog.getByLabel('Folder', { exact: true }).fill(to);
  const besides = dialog.getByRole('group', { name: 'Also for other programs' });
  assert.equal(await besides.getByRole('checkbox', { checked: true }).count(), 0);
  await besides.getByLabel('Google Earth and phones (KMZ)').check();
  await dialog.getByRole('button', { name: 'Start the copy' }).click();
  await dialog.locator('[data-state="done"]').waitFor();
  // The folder lies on the disk of the hub's data: verified, and the page says that it is no second copy.
  await dialog.getByText('not yet a second copy').waitFor();
  await dialog.getByRole('listitem').getByText('Same disk').waitFor();

  const files = (await readdir(to, { recursive: true })).map((path) => path.split('/').at(-1));
  for (const name of ['manifest-sha256.txt', 'observations.geojson', 'revisions.ndjson', 'open-in-QGIS.qgs', 'observations.kmz']) {
    assert.ok(files.includes(name), `${name} is in ${to}`);
  }
  assert.ok(!files.includes('observations.gpx'), 'what nobody asked for is not there');
  await page.keyboard.press('Escape');
  await page.getByText('Not on a drive yet: 2 observations and 1 photo.').waitFor();
  quiet();
});

test('a copy goes to a drive, and what is new in it comes in on another hub of the project', { skip: withoutHub }, async (t) => {
  const hub = await startHub(t, { name: 'Village' });
  const browser = await startBrowser(t);
  const { page } = await manager(browser, hub);
  const copies = join(hub.folder, 'Maloca');
  const copy = async () => {
    const before = new Set(await readdir(copies).catch(() => []));
    await hub.export(hub.folder);
    return (await readdir(copies)).find((name) => !before.has(name));
  };
  await page.getByRole('main').getByRole('button', { name: 'Let a phone join' }).click();
  const code = await page.locator('[data-code]').getAttribute('data-code');
  await hub.send({ device: 'rosa', code, source: await recordings(hub.folder, 'one', [{ category: 'felling', photo: true }]) });
  const first = await copy();

  // The second laptop begins with the first copy; the drive is its home folder.
  const town = await startHub(t, { name: 'Town', home: true, bundle: join(copies, first) });
  await hub.send({ device: 'rosa', source: await recordings(hub.folder, 'later', [{ category: 'nest', photo: true }, { category: 'track' }]) });
  const second = await copy();
  await cp(join(copies, second), join(town.folder, 'Maloca', second), { recursive: true });
  const other = await manager(browser, town);
  await other.page.goto(`${town.http}/settings`);
  const box = other.page.locator('section').filter({ has: other.page.getByRole('heading', { name: 'A copy from a drive' }) });
  await box.getByText('3 observations').waitFor();
  await box.getByRole('button', { name: 'Take it in' }).click();
  await box.getByRole('status').getByText('2 records are new. 1 photo or sound is new.').waitFor();
  await box.getByRole('button', { name: 'Take it in' }).click();
  await box.getByRole('status').getByText('All of it was here already.').waitFor();

  // A spoilt one says which file, and takes the rest.
  await writeFile(join(town.folder, 'Maloca', second, 'data/media.csv'), 'file,blake3\ndata/media/none.jpg,00\n');
  await box.getByRole('button', { name: 'Take it in' }).click();
  await box.getByText('1 piece of the copy is damaged or missing').waitFor();
  await box.getByText('Which ones').click();
  await box.getByText('data/media.csv').waitFor();
  assert.deepEqual(await barriers(other.page), []);
  assert.ok((await overflow(other.page)) <= 0);
  other.quiet();
});

test('a table of another program is looked at, taken in, and known the second time', { skip: withoutHub }, async (t) => {
  const hub = await startHub(t, { home: true });
  const browser = await startBrowser(t);
  await writeFile(join(hub.folder, 'walk.csv'), 'id,lat,lon,category\n1,-6.48,-76.36,tala\n2,-6.49,-76.37,pesca\n3,up,there,nido\n');
  const { page, quiet } = await manager(browser, hub);
  await page.goto(`${hub.http}/settings`);
  const box = page.locator('section').filter({ has: page.getByRole('heading', { name: 'A copy from a drive' }) });
  await box.getByText('walk.csv').waitFor();
  await box.getByRole('button', { name: 'Look what is in it' }).click();
  await box.getByText('3 observations and 0 photos. 1 has no place.').waitFor();
  await box.getByText('1 thing cannot be taken').click();
  await box.getByText('row 4: latitude and longitude are no degrees').waitFor();
  assert.deepEqual(await barriers(page), []);
  await box.getByRole('button', { name: 'Take it in' }).click();
  await box.getByRole('status').getByText('3 records are new.').waitFor();
  await box.getByRole('button', { name: /Look what is in it|Take it in/ }).first().waitFor();
  await page.reload();
  await box.getByRole('button', { name: 'Look what is in it' }).click();
  await box.getByText('3 are here already.').waitFor();
  quiet();
});

test('a copy that cannot be made says why', { skip: withoutHub }, async (t) => {
  const hub = await startHub(t);
  const browser = await startBrowser(t);
  const { page } = await manager(browser, hub);
  await page.getByRole('button', { name: 'Copy to a drive' }).click();
  const dialog = page.getByRole('dialog', { name: 'Copy to a drive' });
  await dialog.getByText('Another folder').click();
  await dialog.getByLabel('Folder', { exact: true }).fill(join(hub.folder, 'not', 'there'));
  await dialog.getByRole('button', { name: 'Start the copy' }).click();
  await dialog.getByRole('alert').filter({ hasText: /\S/ }).waitFor();
});
