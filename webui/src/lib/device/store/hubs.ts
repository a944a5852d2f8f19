/** The hubs that this phone has joined; the twin of `protocol/src/client/store/hubs.rs`. Each takes the transaction of its caller. */

import { Outbox } from '../outbox/outbox';
import { NOTHING } from '../record/fingerprint';
import type { DeviceId } from '../record/ids';
import type { SignedReceipt } from '../wire/types';
import { forgetSaid, wantAllMedia } from './media';
import type { KnownHub } from './schema';
import type { Tx } from './tx';

/** Addresses that are kept of a hub: those of a few networks. */
const ADDRESSES = 4;

/** With an address put first. */
export const reachedAt = (addresses: string[], address: string): string[] =>
  [address, ...addresses.filter((other) => other !== address)].slice(0, ADDRESSES);

export const newHub = (hub: Pick<KnownHub, 'id' | 'project' | 'name' | 'addresses'>): KnownHub => ({
  ...hub,
  acked: NOTHING,
  receipt: null,
  cursor: null,
  filtered: false,
  forgotten: false,
});

/** Notes a hub that let this phone in. One that is new is offered everything; one that was known keeps what it acknowledged. */
export async function joinHub(tx: Tx, joined: Pick<KnownHub, 'id' | 'project' | 'name' | 'addresses'>): Promise<void> {
  const before = await tx.hub(joined.id);
  if (before) {
    const addresses = joined.addresses.reduceRight(reachedAt, before.addresses);
    await tx.changeHub(joined.id, () => ({ name: joined.name, addresses, forgotten: false }));
    return;
  }
  await tx.table('hubs').put(newHub(joined));
  await new Outbox(tx, tx.me).offerEverything(joined.id);
  await wantAllMedia(tx, joined.id);
}

/**
 * Leaves a hub: nothing is brought there any more, and its word on what it holds counts no more. What was recorded here goes to the
 * hubs of the same project alone, also when none of them is known any more.
 */
export async function leaveHub(tx: Tx, id: DeviceId): Promise<void> {
  const hub = await tx.hub(id);
  if (!hub) return;
  if ((await tx.own()).length > 0) await tx.table('settings').put(hub.project, PROJECT);
  // With all that it has acknowledged forgotten, it is a new one if it is ever joined again.
  await new Outbox(tx, tx.me).offerEverything(id);
  await forgetSaid(tx, id);
  const [from, to] = [[id], [id, []]];
  for (const { place } of await tx.waiting(id, 0, Number.POSITIVE_INFINITY)) await tx.removeWaiting(id, place);
  for (const { hash } of await tx.table('wanted').getAll(IDBKeyRange.bound(from, to))) await tx.table('wanted').delete([id, hash]);
  await tx.removeHub(id);
}

/** Which project the records here are of, among the settings, once no hub tells it. */
export const PROJECT = 'project';

/**
 * Offers a hub everything again, media included, and reads its feed from the beginning: it is not the one it was. `receipt` is
 * its word that told so, kept in the same commit: were it kept before, a kill in between would hide it.
 */
export async function beginAgain(tx: Tx, hub: DeviceId, receipt: SignedReceipt | null): Promise<void> {
  await new Outbox(tx, tx.me).offerEverything(hub);
  await forgetSaid(tx, hub);
  await wantAllMedia(tx, hub);
  await tx.changeHub(hub, (known) => ({ cursor: null, filtered: false, receipt: receipt ?? known.receipt }));
}
