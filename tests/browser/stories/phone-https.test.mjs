/**
 * The app was installed in town from an https site; the phone then meets a hub that speaks plain http on the village's Wi-Fi, with the
 * site out of reach. Both networks are made here: a namespace with an address of each, of which one is cut.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { JOINING, PATIENCE, allThere, assertArrived, bringIn, elsewhere, go, hubOf, joinHub, openIn, phoneAt } from '../fixture/app.mjs';
import { startBrowser } from '../fixture/browser.mjs';
import { withoutHub } from '../fixture/hub.mjs';
import { savedFile } from '../fixture/phone.mjs';

const INSIDE = 'MALOCA_STORY_INSIDE';
const TOWN = '203.0.113.1';
const VILLAGE = '192.168.77.1';
const SITE = 'maps.example';

/** Makes the two networks, then becomes the words. */
const NETWORKS = `
  ip link set lo up && ip addr add ${TOWN}/32 dev lo && ip addr add ${VILLAGE}/32 dev lo && exec "$@"`;

const succeeds = (...words) => spawnSync(words[0], words.slice(1)).status === 0;
const refusal = () => {
  if (!succeeds('openssl', 'version')) return 'no openssl on this machine: no site over https can be made';
  return succeeds('unshare', '-Urn', 'sh', '-c', NETWORKS, 'networks', 'true') ? false : 'this machine gives no network namespace';
};

if (process.env[INSIDE]) {
  test('installed from https, cut off from it, it hands over to a hub that speaks plain http', inside);
} else {
  test('in two networks of its own', { skip: withoutHub || refusal() }, () => {
    const words = ['-Urn', 'sh', '-c', NETWORKS, 'networks', process.execPath, '--test', '--test-reporter=spec', import.meta.filename];
    const env = { ...process.env, [INSIDE]: '1' };
    // The runner's own word to its children would make this one report to it.
    delete env.NODE_TEST_CONTEXT;
    const { status, stdout, stderr } = spawnSync('unshare', words, { env, encoding: 'utf8' });
    assert.equal(status, 0, stdout + stderr);
  });
}

async function inside(t) {
  const tls = await certificate(t);
  const site = await elsewhere(t, { tls, address: TOWN, name: SITE });
  const hub = await hubOf(t, { address: '0.0.0.0', words: [...JOINING, '--allow-origin', site] });
  const near = { ...hub, http: `http://${VILLAGE}:${new URL(hub.http).port}` };
  const saved = await savedFile(t, { records: 2, photos: [1_300_000] });
  const phone = await phoneAt(t, { args: [`--host-resolver-rules=MAP ${SITE} ${TOWN}`, `--ignore-certificate-errors-spki-list=${tls.spki}`] });
  const context = await phone.on();
  const app = await openIn(context, { http: site, at: '/some/where/' }, 'settings/install');
  assert.equal(await app.evaluate(() => isSecureContext), true);
  await app.getByText(`It was installed beforehand, from ${site}.`).waitFor();
  await app.getByText('It opens without a network.').waitFor(PATIENCE);
  await bringIn(app, saved);

  // The way to town is cut; what is installed stays.
  assert.ok(succeeds('ip', 'addr', 'del', `${TOWN}/32`, 'dev', 'lo'));
  await app.reload();
  await go(app, 'handover');

  // The person says no to "devices on your local network", and reads why nothing is found.
  const session = await context.newCDPSession(app);
  const permit = (setting) => session.send('Browser.setPermission', { permission: { name: 'local-network' }, setting, origin: site });
  await permit('denied');
  await joinHub(app, near);
  await app.getByText('The browser does not let this app speak with devices on this Wi-Fi.').waitFor();

  await permit('granted');
  await joinHub(app, near);
  await allThere(app);
  const browser = await startBrowser(t);
  await assertArrived(browser, hub, saved);
}

/** A certificate of the site, and by what the browser is told that it is good. */
async function certificate(t) {
  const folder = await mkdtemp(join(tmpdir(), 'maloca-site-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name));
  const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', `/CN=${SITE}`];
  assert.ok(succeeds('openssl', ...words, '-addext', `subjectAltName=DNS:${SITE}`, '-keyout', key, '-out', cert));
  const pem = await readFile(cert);
  const spki = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' });
  return { key: await readFile(key), cert: pem, spki: createHash('sha256').update(spki).digest('base64') };
}
