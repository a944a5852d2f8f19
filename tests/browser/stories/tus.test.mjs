// A stranger's client for resumable uploads, unchanged: what it does with other servers it does here.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import tus from 'tus-js-client';
import { BINARY, startHub, withoutHub } from '../fixture/hub.mjs';

// The hub's certificate is its own; a device pins its key, this client cannot.
const httpStack = new tus.DefaultHttpStack({ rejectUnauthorized: false });

/** A token for something that cannot sign. */
async function token(hub) {
  const { stdout } = await promisify(execFile)(BINARY, ['devices', '--data', hub.data, 'add', 'Camera']);
  return stdout.match(/^token\s+(\S+)$/m)[1];
}

function upload(hub, bearer, bytes, options = {}) {
  return new Promise((done, failed) => {
    const upload = new tus.Upload(bytes, {
      endpoint: `${hub.https}/api/v1/media/uploads`,
      headers: { Authorization: `Bearer ${bearer}` },
      metadata: { name: 'IMG_1.jpg', type: 'image/jpeg' },
      httpStack,
      retryDelays: [0, 10, 20],
      onSuccess: () => done(upload),
      onError: failed,
      ...options,
    });
    options.begin ? options.begin(upload) : upload.start();
  });
}

/** The bytes of all media that the hub has published. */
async function held(hub) {
  const root = join(hub.data, 'media');
  const shards = await readdir(root);
  const files = await Promise.all(shards.map(async (shard) => (await readdir(join(root, shard))).map((name) => join(root, shard, name))));
  return Promise.all(files.flat().map((file) => readFile(file)));
}

test('tus-js-client uploads in pieces, resumes, and sends along with creation', { skip: withoutHub }, async (t) => {
  const hub = await startHub(t);
  const bearer = await token(hub);

  const whole = randomBytes(300_000);
  await upload(hub, bearer, whole, { uploadDataDuringCreation: true });
  assert.deepEqual(await held(hub), [whole]);

  const pieces = randomBytes(3_500_000);
  await upload(hub, bearer, pieces, { chunkSize: 1_000_000 });
  assert.equal((await held(hub)).filter((bytes) => bytes.equals(pieces)).length, 1);

  const resumed = randomBytes(2_500_000);
  const url = await new Promise((done, failed) => {
    const first = new tus.Upload(resumed, {
      endpoint: `${hub.https}/api/v1/media/uploads`,
      headers: { Authorization: `Bearer ${bearer}` },
      httpStack,
      chunkSize: 1_000_000,
      onError: failed,
      onChunkComplete: () => first.abort().then(() => done(first.url), failed),
    });
    first.start();
  });
  const sent = [];
  await upload(hub, bearer, resumed, { uploadUrl: url, chunkSize: 1_000_000, onChunkComplete: (size) => sent.push(size) });
  assert.equal(sent.reduce((a, b) => a + b, 0), 1_500_000, 'only what was missing is sent');
  assert.equal((await held(hub)).filter((bytes) => bytes.equals(resumed)).length, 1);
});

test('tus-js-client ends an upload, and hears why a wrong one is refused', { skip: withoutHub }, async (t) => {
  const hub = await startHub(t);
  const bearer = await token(hub);
  const bytes = randomBytes(200_000);
  const wrong = upload(hub, bearer, bytes, { metadata: { hash: 'ab'.repeat(32) }, retryDelays: null });
  await assert.rejects(wrong, (error) => error.originalResponse.getStatus() === 422 && /wrong_hash/.test(error.originalResponse.getBody()));
  assert.deepEqual(await held(hub), []);

  const begun = await new Promise((done, failed) => {
    const first = new tus.Upload(bytes, {
      endpoint: `${hub.https}/api/v1/media/uploads`,
      headers: { Authorization: `Bearer ${bearer}` },
      httpStack,
      chunkSize: 50_000,
      onError: failed,
      onChunkComplete: () => first.abort(true).then(() => done(first), failed),
    });
    first.start();
  });
  assert.ok(begun);
  assert.deepEqual(await readdir(join(hub.data, 'incoming')), []);
});
