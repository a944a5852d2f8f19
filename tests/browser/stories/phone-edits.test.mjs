/** What is written while the phone talks with a hub: it is neither taken for sent, nor covered by what others wrote. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JOINING, PATIENCE, WITH_GPS, allThere, go, hubOf, joinHub, keeperOf, kept, open, record, rewrite } from '../fixture/app.mjs';
import { startBrowser } from '../fixture/browser.mjs';
import { withoutHub } from '../fixture/hub.mjs';

/** Holds back the answers to a call, once it is told to; `asked` comes when the hub has answered, `release` lets the answers through. */
async function held(app, path) {
  let [isHolding, seen, release] = [false, () => {}, () => {}];
  await app.route(path, async (route) => {
    const answer = await route.fetch();
    if (isHolding) {
      seen();
      await new Promise((let_go) => (release = let_go));
    }
    await route.fulfill({ response: answer });
  });
  return {
    hold() {
      isHolding = true;
      return new Promise((asked) => (seen = asked));
    },
    release() {
      isHolding = false;
      release();
    },
  };
}

const handOver = async (app) => {
  await go(app, 'handover');
  await app.getByRole('button', { name: 'Hand over now' }).click();
};

test('what is written while a change is on its way is sent by the next contact', { skip: withoutHub }, async (t) => {
  const hub = await hubOf(t);
  const browser = await startBrowser(t);
  const app = await open(browser, hub, 'handover', WITH_GPS);
  const answer = await held(app, '**/api/v1/revisions');
  await record(app, { note: 'one tree' });
  const asked = answer.hold();
  await joinHub(app, hub);
  // The hub has the first words now, and the phone does not know it yet.
  await asked;
  await go(app, 'observations');
  await app.getByRole('link', { name: /Water/ }).click();
  await rewrite(app, 'two trees');
  const keeper = await keeperOf(browser, hub);
  assert.deepEqual((await keeper.observations()).map(({ set }) => set.notes), ['one tree']);
  answer.release();
  await app.getByText(/On San Juan, confirmed/).waitFor(PATIENCE);
  const [{ doc, set, conflicts }] = await keeper.observations();
  assert.deepEqual([set.notes, Object.keys(conflicts)], ['two trees', []], 'the later one is made upon the one that was on its way');
  assert.equal((await keeper.ask(`/observations/${doc}/history`)).changes.length, 2);
});

test('what others wrote does not cover what was written here and not sent: both are seen', { skip: withoutHub }, async (t) => {
  const hub = await hubOf(t, { words: [...JOINING, '--devices-read', 'all'] });
  const browser = await startBrowser(t);
  const [rosa, luz] = [await open(browser, hub, 'handover', WITH_GPS), await open(browser, hub, 'handover', WITH_GPS)];
  await joinHub(rosa, hub, 'Rosa');
  await allThere(rosa);
  await record(rosa, { note: 'clear' });
  await rosa.getByText(/On San Juan, confirmed/).waitFor(PATIENCE);
  const answer = await held(luz, '**/api/v1/changes*');
  await joinHub(luz, hub, 'Luz');
  await allThere(luz);
  await go(luz, 'observations');
  await luz.getByText('All', { exact: true }).click();
  await luz.getByRole('link', { name: /Water/ }).click();
  await luz.getByText('clear').waitFor();

  await rewrite(rosa, 'muddy');
  await rosa.getByText(/On San Juan, confirmed/).waitFor(PATIENCE);
  // What Rosa wrote is on its way to Luz's phone while Luz writes.
  const asked = answer.hold();
  await handOver(luz);
  await asked;
  await luz.goBack();
  await rewrite(luz, 'green');
  const [before] = await kept(luz);
  assert.equal(before.set.notes, 'green');
  answer.release();
  await luz.getByRole('button', { name: /Choose this one.*muddy/ }).waitFor(PATIENCE);
  await luz.getByRole('button', { name: /Choose this one.*green/ }).waitFor();
  await luz.getByText(/On San Juan, confirmed/).waitFor(PATIENCE);
  const keeper = await keeperOf(browser, hub);
  const [{ state, conflicts }] = await keeper.observations();
  assert.equal(state, 'conflict');
  assert.deepEqual(conflicts.notes.map(({ value }) => value).sort(), ['green', 'muddy']);
});
