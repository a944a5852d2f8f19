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
 * Offers a hub everything again, media included, and reads its feed from the beginning: it is not the one it was. `receipt` is
 * its word that told so, kept in the same commit: were it kept before, a kill in between would hide it.
 */
export async function beginAgain(tx: Tx, hub: DeviceId, receipt: SignedReceipt | null): Promise<void> {
  await new Outbox(tx, tx.me).offerEverything(hub);
  await forgetSaid(tx, hub);
  await wantAllMedia(tx, hub);
  await tx.changeHub(hub, (known) => ({ cursor: null, filtered: false, receipt: receipt ?? known.receipt }));
}
