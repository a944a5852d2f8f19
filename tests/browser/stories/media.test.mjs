import assert from 'node:assert/strict';
import test from 'node:test';
import { arrived } from '../fixture/arrival.mjs';
import { startBrowser } from '../fixture/browser.mjs';
import { withoutHub } from '../fixture/hub.mjs';

/** A real recording, by the browser's own recorder: two seconds of a moving square, or of a tone. */
async function recorded(page, kind) {
  const base64 = await page.evaluate(async (kind) => {
    const stream = new MediaStream();
    if (kind === 'film') {
      const canvas = document.createElement('canvas');
      const brush = canvas.getContext('2d');
      let step = 0;
      setInterval(() => {
        brush.fillStyle = `hsl(${(step += 9)} 80% 50%)`;
        brush.fillRect(0, 0, canvas.width, canvas.height);
      }, 30);
      for (const track of canvas.captureStream(25).getTracks()) stream.addTrack(track);
    } else {
      const sound = new AudioContext();
      const [tone, out] = [new OscillatorNode(sound), new MediaStreamAudioDestinationNode(sound)];
      tone.connect(out);
      tone.start();
      for (const track of out.stream.getTracks()) stream.addTrack(track);
    }
    const parts = [];
    const recorder = new MediaRecorder(stream, { mimeType: kind === 'film' ? 'video/webm' : 'audio/webm' });
    recorder.ondataavailable = ({ data }) => parts.push(data);
    recorder.start();
    await new Promise((done) => setTimeout(done, 2000));
    const ended = new Promise((done) => (recorder.onstop = done));
    recorder.stop();
    await ended;
    const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  }, kind);
  return Buffer.from(base64, 'base64');
}

/** A JPEG of 120 by 60 pixels, red to the left and blue to the right, of which its EXIF says that the camera was held upright. */
async function turned(page) {
  const base64 = await page.evaluate(() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 120, height: 60 });
    const brush = canvas.getContext('2d');
    brush.fillStyle = '#f00';
    brush.fillRect(0, 0, 60, 60);
    brush.fillStyle = '#00f';
    brush.fillRect(60, 0, 60, 60);
    return canvas.toDataURL('image/jpeg').split(',')[1];
  });
  const plain = Buffer.from(base64, 'base64');
  // Orientation 6: what is stored as the left edge is the top of the picture.
  const tiff = Buffer.from('4d4d002a00000008000101120003000000010006000000000000', 'hex');
  const exif = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(exif.length + 2);
  return Buffer.concat([plain.subarray(0, 2), Buffer.from([0xff, 0xe1]), length, exif, plain.subarray(2)]);
}

test('sound and film from the field play, from any moment on', { skip: withoutHub }, async (t) => {
  const studio = await (await startBrowser(t)).newPage();
  const files = { 'river.webm': await recorded(studio, 'film'), 'frogs.weba': await recorded(studio, 'sound') };
  const { page, quiet } = await arrived(t, [{ category: 'felling', files }]);
  const parts = [];
  page.on('response', (response) => {
    if (response.url().includes('/media/')) parts.push([response.status(), response.request().headers().range]);
  });
  await page.getByRole('main').getByRole('button', { name: /felling/ }).first().click();
  const dialog = page.getByRole('dialog', { name: 'felling' });
  for (const kind of ['video', 'audio']) {
    const player = dialog.locator(kind);
    await player.evaluate((element) => {
      element.muted = true;
      return element.play();
    });
    await page.waitForFunction((kind) => document.querySelector(kind).currentTime > 0.3, kind);
    // From near its end on, as somebody who pulls the bar does.
    await player.evaluate((element) => {
      element.pause();
      element.currentTime = 1.5;
    });
    await page.waitForFunction((kind) => !document.querySelector(kind).seeking, kind);
    assert.ok((await player.evaluate((element) => element.currentTime)) > 1, kind);
    assert.equal(await player.evaluate((element) => element.error), null);
  }
  assert.ok((await dialog.locator('video').evaluate((element) => element.videoWidth)) > 0);
  assert.ok(parts.some(([status, range]) => status === 206 && range), JSON.stringify(parts));
  quiet();
});

test('a photo that was taken with the camera upright stands upright, large and small', { skip: withoutHub }, async (t) => {
  const studio = await (await startBrowser(t)).newPage();
  const { page, quiet } = await arrived(t, [{ category: 'felling', files: { 'upright.jpg': await turned(studio) } }]);
  const row = page.getByRole('main').getByRole('button', { name: /felling/ }).first();
  /** Width and height as the browser shows them, and which colour is on top. */
  const looks = (picture) =>
    picture.evaluate(async (image) => {
      await image.decode();
      const { naturalWidth: width, naturalHeight: height } = image;
      const canvas = Object.assign(document.createElement('canvas'), { width, height });
      const brush = canvas.getContext('2d');
      brush.drawImage(image, 0, 0, width, height);
      const [red, , blue] = brush.getImageData(width / 2, height / 6, 1, 1).data;
      return { upright: height > width, top: red > blue ? 'red' : 'blue' };
    });
  const small = row.locator('img');
  await small.waitFor();
  assert.deepEqual(await looks(small), { upright: true, top: 'red' });
  await row.click();
  const large = page.getByRole('dialog', { name: 'felling' }).locator('img').first();
  await large.waitFor();
  assert.deepEqual(await looks(large), { upright: true, top: 'red' });
  quiet();
});
