/**
 * Of several tabs only one syncs: by Web Locks where the browser has them, else by a lease in the store.
 *
 * `runner.ts` asks for its turn. Web Locks are missing over plain http. A lease lapses when its holder dies or the browser puts its
 * tab to sleep; should two tabs sync for a moment then, everything is repeated harmlessly, and the one that was asleep stops
 * as soon as it looks.
 */

import type { Store } from '../store/store';

/** How long a lease is good without being renewed. */
export const LEASE_MS = 15_000;

const NAME = 'maloca-sync';

export interface TurnOptions {
  locks?: LockManager;
  leaseMs?: number;
  now?: () => number;
}

/**
 * Runs `work` as soon as it is this tab's turn, and not before. `lost` fires when another tab has taken over; `stop` ends the
 * waiting.
 */
export async function inTurn(
  store: Store,
  work: (lost: AbortSignal) => Promise<void>,
  stop: AbortSignal,
  { locks = globalThis.navigator?.locks, leaseMs = LEASE_MS, now = Date.now }: TurnOptions = {},
): Promise<void> {
  if (locks) {
    await locks.request(NAME, { signal: stop }, () => work(new AbortController().signal));
    return;
  }
  const holder = crypto.getRandomValues(new Uint32Array(4)).join('-');
  while (!(await take(store, holder, now(), leaseMs))) await pause(leaseMs / 3, stop);
  const lost = new AbortController();
  const renewing = setInterval(() => {
    take(store, holder, now(), leaseMs)
      .then((mine) => mine || lost.abort())
      // What ails the store, the work itself will meet.
      .catch(() => {});
  }, leaseMs / 3);
  try {
    await work(lost.signal);
  } finally {
    clearInterval(renewing);
    await release(store, holder);
  }
}

/** Takes the lease or renews it; not where another holds it. */
export const take = (store: Store, holder: string, now: number, leaseMs: number): Promise<boolean> =>
  store.run(async (tx) => {
    const lease = await tx.table('leases').get(NAME);
    // One that ends later than any could was made before the phone's clock was set back.
    const isHeld = lease !== undefined && lease.holder !== holder && lease.until > now && lease.until <= now + 2 * leaseMs;
    if (!isHeld) await tx.table('leases').put({ name: NAME, holder, until: now + leaseMs });
    return !isHeld;
  }, 'quiet');

const release = (store: Store, holder: string): Promise<void> =>
  store.run(async (tx) => {
    if ((await tx.table('leases').get(NAME))?.holder === holder) await tx.table('leases').delete(NAME);
  }, 'quiet');

/** Waits, or fails where `stop` fires. */
export function pause(ms: number, stop: AbortSignal, ...wakers: ((wake: () => void) => () => void)[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const ends: (() => void)[] = [];
    const end = (then: () => void) => () => {
      for (const end of ends) end();
      then();
    };
    const failed = end(() => reject(stop.reason));
    if (stop.aborted) return failed();
    const timer = setTimeout(end(resolve), ms);
    stop.addEventListener('abort', failed, { once: true });
    ends.push(() => clearTimeout(timer), () => stop.removeEventListener('abort', failed), ...wakers.map((on) => on(end(resolve))));
  });
}
