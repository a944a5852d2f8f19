/** Pauses, turns, and the task that goes on by itself. */

import { afterEach, expect, test, vi } from 'vitest';
import { Store } from '../store/store';
import { FakeHub } from '../testing/fake-hub';
import { phone } from '../testing/phone';
import { LONGEST_MS, pauseAfter } from './backoff';
import { inTurn, take } from './turn';

// A busy machine takes its time; a story that hangs is still ended.
vi.setConfig({ testTimeout: 60_000 });

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

test('pauses double, are never all the same, and stay below a minute', () => {
  expect([0, 1, 2, 3].map((tries) => pauseAfter(tries, 1))).toEqual([250, 500, 1000, 2000]);
  expect(pauseAfter(3, 0)).toBe(1000);
  expect(pauseAfter(1_000, 1)).toBe(LONGEST_MS);
  expect(pauseAfter(0, 0.5, 5_000)).toBe(5_000);
  expect(pauseAfter(0, 0.5, 3_600_000)).toBe(LONGEST_MS);
});

async function twoTabs() {
  const first = await phone();
  const second = await phone({ store: first.storeName });
  ends.push(() => first.close(), () => second.close());
  expect(second.id).toBe(first.id);
  return [first, second] as const;
}

test('a lease: one holds it, the other gets it when it lapses or is given back', async () => {
  const { storeName } = (await twoTabs())[0];
  const store = await Store.open(storeName);
  ends.push(() => store.close());
  const at = (holder: string, now: number) => take(store, holder, now, 1_000);
  expect(await at('a', 0)).toBe(true);
  expect(await at('b', 999)).toBe(false);
  expect(await at('a', 900)).toBe(true);
  expect(await at('b', 1_500)).toBe(false);
  expect(await at('b', 1_900)).toBe(true);
  expect(await at('a', 1_901)).toBe(false);
  // The clock was set back by a year: a lease that ends in a year counts for nothing.
  expect(await at('a', -31_536_000_000)).toBe(true);
});

test('who waits gets its turn as soon as the other ends, and who lost it hears of it', async () => {
  const store = await Store.open((await twoTabs())[0].storeName);
  ends.push(() => store.close());
  const order: string[] = [];
  const stop = new AbortController();
  const options = { locks: undefined, leaseMs: 60 };
  let end = () => {};
  const first = inTurn(store, () => new Promise<void>((done) => {
    order.push('first');
    end = done;
  }), stop.signal, options);
  await vi.waitFor(() => expect(order).toEqual(['first']));
  const second = inTurn(store, async () => void order.push('second'), stop.signal, options);
  await new Promise((done) => setTimeout(done, 200));
  expect(order).toEqual(['first']);
  end();
  await Promise.all([first, second]);
  expect(order).toEqual(['first', 'second']);

  const robbed = inTurn(store, (lost) => new Promise<void>((done) => lost.addEventListener('abort', () => done())), stop.signal, options);
  await new Promise((done) => setTimeout(done, 100));
  await store.run((tx) => tx.table('leases').put({ name: 'maloca-sync', holder: 'x', until: Date.now() + 60 }));
  await robbed;
});

test('Web Locks are used where there are any', async () => {
  const store = await Store.open((await twoTabs())[0].storeName);
  ends.push(() => store.close());
  const request = vi.fn(async (_name: string, _options: object, work: () => Promise<void>) => work());
  await inTurn(store, async () => {}, new AbortController().signal, { locks: { request } as unknown as LockManager });
  expect(request.mock.calls[0]?.[0]).toBe('maloca-sync');
});

test('of two tabs one syncs; what the other records goes at once, and it takes over when the first is closed', async () => {
  const hub = await FakeHub.start();
  ends.push(() => hub.stop());
  const first = await phone({ leaseMs: 90 });
  const second = await phone({ store: first.storeName, leaseMs: 90 });
  ends.push(() => first.close(), () => second.close());
  await first.join(hub.address, hub.code, 'Ana', hub.key.id);
  first.start();
  await vi.waitFor(() => expect(first.runner.statuses()[0]).toMatchObject({ phase: 'waiting', trouble: null }));
  second.start();
  await second.save(second.newDoc(), 'observation', { set: { notes: 'a' } });
  await vi.waitFor(() => expect(hub.feed).toHaveLength(1));
  expect(second.runner.statuses()).toEqual([]);
  first.stop();
  await second.save(second.newDoc(), 'observation', { set: { notes: 'b' } });
  await vi.waitFor(() => expect(hub.feed).toHaveLength(2), { timeout: 5_000 });
  expect(second.runner.statuses()).toHaveLength(1);
});

test('a hub that is away is tried again and again, and holds up no other', async () => {
  const [away, here] = [await FakeHub.start(), await FakeHub.start()];
  here.project = away.project;
  ends.push(() => here.stop());
  const device = await phone({ random: () => 0 });
  ends.push(() => device.close());
  for (const hub of [away, here]) await device.join(hub.address, hub.code, 'Ana', hub.key.id);
  await away.stop();
  device.start();
  await device.save(device.newDoc(), 'observation', { set: { notes: 'a' } });
  await vi.waitFor(() => expect(here.feed).toHaveLength(1), { timeout: 5_000 });
  const status = () => device.runner.statuses().find(({ hub }) => hub === away.key.id);
  await vi.waitFor(() => expect(status()).toMatchObject({ phase: 'waiting', trouble: { kind: 'unreachable' } }), { timeout: 5_000 });
  const { key, project, devices } = away;
  // It comes back, at another address that somebody typed.
  const back = await FakeHub.start({ key, project, devices });
  ends.push(() => back.stop());
  await device.join(back.address, back.code, 'Ana', key.id);
  expect(back.feed).toHaveLength(1);
});
