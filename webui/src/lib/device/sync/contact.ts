/**
 * One contact with a hub: state, push, media, pull, state; the twin of `protocol/src/client/sync.rs`.
 *
 * `runner.ts` calls it, in one tab at a time. It promises: with nothing new, one round trip; what was interrupted anywhere goes on
 * from there the next time; a hub that was restored or replaced, or lacks what it once acknowledged, is offered everything
 * again; "in sync" is said only of nothing unsent or parked, equal fingerprints and nothing wanted, in a receipt that the hub signed.
 */

import { ASKED_HASHES } from '../limits';
import { fromBase64Url, toHex, utf8 } from '../record/bytes';
import { canonical, type Json } from '../record/canonical';
import { isEqual } from '../record/fingerprint';
import { blake3Of } from '../record/hash';
import type { DeviceId, MediaHash } from '../record/ids';
import { verify } from '../record/keys';
import { beginAgain } from '../store/hubs';
import { mediaWaiting, noteReceipt, unsentFor, wantAllMedia } from '../store/media';
import type { KnownHub } from '../store/schema';
import type { Store } from '../store/store';
import type { Tx } from '../store/tx';
import { CallError } from '../wire/call-error';
import type { HubClient } from '../wire/client';
import type { Receipt, SignedReceipt, Unsent } from '../wire/types';
import { pull } from './pull';
import { push } from './push';
import { newReport, type Progress, type SyncReport } from './report';
import { upload } from './upload';

export interface ContactOptions {
  app: string;
  /** Whether to read what others wrote, and how much of it. Default: all that the hub lets this phone read. */
  pull?: 'all' | 'mine' | 'nothing';
  /** Seconds that the hub may wait for news while pulling where there is none. */
  wait?: number;
  /** Charge of the battery, 0 to 1, where known. */
  battery?: number;
  /** Whether to ask again of each file that the hub has said to hold: how many copies are elsewhere by now. */
  confirm?: boolean;
  watch?: (progress: Progress) => void;
  stop?: AbortSignal;
  now?: () => number;
}

/** What all parts of a contact share. */
export interface Contact {
  store: Store;
  client: HubClient;
  hub: DeviceId;
  options: ContactOptions;
  report: SyncReport;
}

/** The hub's word, and how it stands to ours. */
interface Standing {
  receipt: Receipt;
  known: KnownHub;
  unsent: Unsent;
  /** It is in another life than last time, or behind; then its receipt is not kept yet. */
  another: SignedReceipt | null;
  /** It asks for media again that it had; then its receipt is kept only when they were offered. */
  asking: SignedReceipt | null;
}

/** One contact. Whatever was acknowledged before it failed is noted; nothing is lost. */
export async function contact(store: Store, client: HubClient, hub: DeviceId, options: ContactOptions): Promise<SyncReport> {
  const contact: Contact = { store, client, hub, options, report: newReport() };
  await run(contact);
  return contact.report;
}

async function run(contact: Contact): Promise<void> {
  const { store, hub, options, report } = contact;
  let now = await tell(contact);
  report.beganWith = now.unsent;
  options.watch?.({ type: 'met', unsent: now.unsent });
  // What the hub has of ours and we lack comes back only if we ask for it: this phone was restored, or an answer was lost.
  let echo = now.receipt.author.count > now.known.acked.count && now.known.cursor === null;
  let again = now.another !== null || differs(now);
  let asked = false;
  for (let round = 0; round < 2; round += 1) {
    if (again) {
      const { another } = now;
      await store.run((tx) => beginAgain(tx, hub, another));
      [report.beganAgain, echo] = [true, true];
    }
    if (now.asking && !asked) {
      asked = true;
      await store.run((tx) => wantAllMedia(tx, hub));
    }
    const busy = again || asked || now.unsent.revisions > 0 || now.unsent.media > 0;
    if (busy) {
      await push(contact, now.unsent.revisions);
      await upload(contact);
    }
    const news = now.known.cursor !== now.receipt.head;
    let isVoid = false;
    if (echo || (options.pull !== 'nothing' && (busy || news))) isVoid = !(await pull(contact, echo));
    else if (!busy) break;
    now = await tell(contact);
    again = (isVoid || now.another !== null || differs(now)) && !again;
    if (!again) break;
  }
  // Only now: a kill before everything was offered must not hide that the hub asked.
  if (asked && now.asking) {
    const receipt = now.asking;
    await store.run((tx) => tx.changeHub(hub, () => ({ receipt })));
  }
  report.unsent = now.unsent;
  report.receipt = now.receipt;
  report.inSync = isNothing(now.unsent) && now.receipt.wanted === 0 && isEqual(now.receipt.author, now.known.acked);
}

const isNothing = ({ revisions, media, parked }: Unsent): boolean => revisions + media + parked === 0;

/** All was acknowledged, yet the hub holds another set. */
const differs = ({ unsent, receipt, known }: Standing): boolean =>
  unsent.revisions + unsent.parked === 0 && !isEqual(receipt.author, known.acked);

/** Tells the hub what waits, and keeps its receipt. */
async function tell({ store, client, hub, options }: Contact): Promise<Standing> {
  const { known, unsent, media, ask } = await store.read(async (tx) => ({
    known: await tx.hub(hub),
    unsent: await unsentFor(tx, hub),
    media: (await mediaWaiting(tx, hub, null, ASKED_HASHES)).map(({ hash }) => hash),
    ask: await unconfirmed(tx, hub, options.confirm ?? false),
  }));
  if (!known) throw new CallError('join_again', { code: 'not_joined', status: 0, detail: 'This phone has not joined that hub.', retry: false });
  const { app, battery } = options;
  const report = { unsent, author: known.acked, app, ...(battery !== undefined && { battery }) };
  const signed = await client.state({ ...report, ...(media.length > 0 && { media }), ...(ask.length > 0 && { ask }) }, options.stop);
  const { receipt } = signed;
  if (receipt?.hub !== hub || receipt.project !== known.project || receipt.device !== store.key.id || !isSigned(signed)) {
    throw CallError.garbled('bad_receipt', "The hub's receipt is not signed by it, or is for another phone; nothing of it was believed.");
  }
  const before = known.receipt?.receipt;
  const standing: Standing = { receipt, known, unsent, another: null, asking: null };
  if (before && !follows(receipt, before)) return { ...standing, another: signed };
  // Nothing of ours waits, yet the hub wants more than it did: its disk has spoilt what it had.
  const asksAgain = unsent.media === 0 && receipt.wanted > (before?.wanted ?? 0);
  // With nothing new the receipt says what the last one said, and is not worth a flush.
  const isNews = ask.length > 0 || before?.head !== receipt.head || before.wanted !== receipt.wanted || known.forgotten;
  if (isNews) {
    await store.run(async (tx) => {
      await noteReceipt(tx, receipt);
      if (!asksAgain) await tx.changeHub(hub, () => ({ receipt: signed, forgotten: false }));
    });
  }
  return { ...standing, asking: asksAgain ? signed : null };
}

/**
 * Media that this hub has not said by name to hold, though nothing of them waits for it: asked for, so that they may once be freed.
 * With `all`, those too that it has said to hold, the longest ago first.
 */
async function unconfirmed(tx: Tx, hub: DeviceId, all: boolean): Promise<MediaHash[]> {
  const waiting = new Set((await mediaWaiting(tx, hub, null, Number.POSITIVE_INFINITY)).map(({ hash }) => hash));
  const here = (await tx.table('media').getAll()).filter(({ hash, freedAt }) => freedAt === null && !waiting.has(hash));
  const open = all ? here.toSorted((a, b) => compareTimes(a.said[hub]?.at, b.said[hub]?.at)) : here.filter(({ said }) => !said[hub]);
  return open.map(({ hash }) => hash).slice(0, ASKED_HASHES);
}

const compareTimes = (a = '', b = ''): number => (a < b ? -1 : a > b ? 1 : 0);

/** Whether the hub that the receipt names has signed it. */
export const isSigned = ({ receipt, sig }: SignedReceipt): boolean =>
  verify(receipt.hub, 'receipt', blake3Of(utf8(canonical(receipt as unknown as Json))), sig);

/** Whether a receipt can come after another in one unbroken life of a feed. */
export function follows(now: Receipt, before: Receipt): boolean {
  const [head, last] = [headOf(now.head), headOf(before.head)];
  if (!head || !last || now.epoch !== before.epoch) return false;
  return head.seq > last.seq || (head.seq === last.seq && head.chain === last.chain);
}

/** A cursor: epoch (16 bytes), sequence (8, big endian), chain hash (24). */
function headOf(text: string): { seq: bigint; chain: string } | null {
  const bytes = fromBase64Url(text);
  if (bytes?.length !== 48) return null;
  return { seq: new DataView(bytes.buffer).getBigUint64(16), chain: toHex(bytes.slice(24)) };
}
