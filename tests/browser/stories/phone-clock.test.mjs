/** A phone whose clock is years off: what it records arrives whole, its order rests on no clock, and people are told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE, WITH_GPS, allThere, go, hubOf, joinHub, keeperOf, kept, open, record, rewrite } from '../fixture/app.mjs';
import { startBrowser } from '../fixture/browser.mjs';
import { withoutHub } from '../fixture/hub.mjs';
import { noise } from '../fixture/phone.mjs';
import { jpeg } from '../fixture/photo.mjs';

const YEARS_MS = 5 * 365.25 * 86_400_000;

/** The page's clock is off by so much from its next opening on. Timers go on as ever: only the date is wrong. */
const shiftClock = (app, byMs) =>
  app.addInitScript((byMs) => {
    const Right = globalThis.rightDate ?? Date;
    globalThis.rightDate = Right;
    globalThis.Date = class extends Right {
      constructor(...words) {
        if (words.length === 0) super(Right.now() + byMs);
        else super(...words);
      }
      static now() {
        return Right.now() + byMs;
      }
    };
  }, byMs);

for (const [which, byMs, words] of [['behind', -YEARS_MS, 'Its clock is 5 years behind.'], ['ahead', YEARS_MS, 'Its clock is 5 years ahead.']]) {
  test(`a phone clock five years ${which}: everything arrives, the hub's page says so, and later words stand`, { skip: withoutHub }, async (t) => {
    const hub = await hubOf(t);
    const browser = await startBrowser(t);
    const app = await open(browser, hub, 'handover', WITH_GPS);
    // The first words are of a good clock.
    const photo = { name: 'IMG_1.jpg', bytes: Buffer.concat([await jpeg(app), noise(100_000, 1)]) };
    await joinHub(app, hub);
    await allThere(app);
    await record(app, { note: 'one tree', photo });
    await app.getByText(/On San Juan, confirmed/).waitFor(PATIENCE);
    const page = new URL(app.url()).hash.slice(2);

    // The battery was empty, and the phone has begun its time anew.
    await shiftClock(app, byMs);
    await app.reload();
    const year = new Date(Date.now() + byMs).getUTCFullYear();
    assert.equal(await app.evaluate(() => new Date().getUTCFullYear()), year);
    await go(app, page);
    await rewrite(app, 'two trees');
    await app.getByText(/On San Juan, confirmed/).waitFor(PATIENCE);
    await record(app, { category: 'Fire', note: 'smoke', photo: { ...photo, bytes: Buffer.concat([photo.bytes, noise(9, 2)]) } });
    await app.getByText(/On San Juan, confirmed/).waitFor(PATIENCE);
    await go(app, 'handover');
    await allThere(app);

    const keeper = await keeperOf(browser, hub);
    const there = await keeper.observations();
    assert.deepEqual(there.map(({ set }) => set.notes).sort(), ['smoke', 'two trees']);
    const [tree, fire] = ['two trees', 'smoke'].map((note) => there.find(({ set }) => set.notes === note));
    assert.deepEqual([Object.keys(tree.conflicts), Object.keys(fire.conflicts)], [[], []], 'what was written later stands, whatever the clock said');
    for (const { set, attachments, files } of await kept(app)) {
      const arrived = there.find((one) => one.set.notes === set.notes);
      assert.equal(arrived.attachments[0].hash, attachments[0].hash);
      assert.ok((await keeper.photo(attachments[0].hash)).equals(files[0]));
    }
    // The dates are the phone's own, never rewritten; how far off it was stands beside them.
    assert.equal(new Date(fire.set.observed_at).getUTCFullYear(), year);
    assert.ok(Math.abs(fire.clock_offset_ms - byMs) < 60_000, `${fire.clock_offset_ms}`);
    const { devices } = await keeper.ask('/admin/devices');
    assert.ok(Math.abs(devices[0].clock_offset_ms - byMs) < 60_000);
    await keeper.page.getByText(words).first().waitFor();
    await keeper.page.getByRole('navigation').getByRole('link', { name: 'Observations' }).click();
    await keeper.page.getByRole('main').getByRole('button', { name: /Fire/ }).getByText('Clock doubtful').waitFor();
  });
}
