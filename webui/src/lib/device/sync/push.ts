/**
 * Push: what waits for a hub goes to it in batches, and is known to have arrived; the twin of `protocol/src/client/push.rs`.
 *
 * It promises: a revision is frozen and durable before its first byte is sent; a line that is refused is set aside with the reason
 * while its neighbours go on; any number of repeats is harmless.
 */

import { take, type Taken } from '../outbox/freeze';
import { Outbox } from '../outbox/outbox';
import type { Waiting } from '../outbox/rows';
import { envelope, sizeOf } from '../record/revision';
import { ENVELOPE_BYTES } from '../limits';
import { CallError } from '../wire/call-error';
import type { LineRun } from '../wire/types';
import type { Contact } from './contact';

/** What goes in one request. A hub takes four times as much, but a Wi-Fi that breaks off makes all of it be sent again. */
const BATCH = { limit: 500, bytes: 1024 * 1024 };

/** What is frozen in one transaction: a slow phone signs one in ten milliseconds, and the page waits. */
const FROZEN_AT_ONCE = 20;

type Verdict = Pick<LineRun, 'status' | 'code' | 'detail' | 'retry'>;

/** Sends all that waits. `of` is how much that was, for the progress. */
export async function push(contact: Contact, of: number): Promise<void> {
  const { store, hub, options, report } = contact;
  let [after, done] = [0, 0];
  for (;;) {
    const batch = await freezeBatch(contact, after);
    const last = batch.at(-1);
    if (!last) break;
    after = last.waiting.place;
    const verdicts = await send(contact, batch);
    // Lost with a power cut, the batch is sent again and is a duplicate.
    await store.run(async (tx) => {
      const outbox = new Outbox(tx, tx.me);
      for (const [waiting, verdict] of verdicts) await settle(outbox, hub, waiting, verdict);
    }, 'relaxed');
    for (const [{ doc }, verdict] of verdicts) {
      if (verdict.status !== 'refused') report[verdict.status] += 1;
      else if (verdict.retry) report.later += 1;
      else report.refused.push({ doc, ...reason(verdict) });
    }
    done += batch.length;
    options.watch?.({ type: 'revisions', done, of: Math.max(of, done) });
  }
  await store.run((tx) => new Outbox(tx, tx.me).settle(hub), 'relaxed');
}

/** The next batch, frozen a few at a time so that the page can breathe. What comes back is durable. */
async function freezeBatch({ store, hub, options }: Contact, after: number): Promise<Taken[]> {
  const batch: Taken[] = [];
  let [from, room] = [after, BATCH.bytes];
  while (batch.length < BATCH.limit && room > 0) {
    options.stop?.throwIfAborted();
    const some = { after: from, limit: Math.min(FROZEN_AT_ONCE, BATCH.limit - batch.length), bytes: room };
    const taken = await store.run((tx) => take(new Outbox(tx, tx.me), store.key, hub, some));
    const bytes = taken.reduce((sum, { revision }) => sum + sizeOf(revision) + ENVELOPE_BYTES, 0);
    // Of each listing the first comes always, however long; here it must fit beside those before it.
    if (taken.length === 0 || (batch.length > 0 && bytes > room)) break;
    batch.push(...taken);
    room -= bytes;
    from = taken.at(-1)?.waiting.place ?? from;
  }
  return batch;
}

/**
 * The hub's verdict on each item. Where it takes a batch not at all, halves are tried, so that one bad revision is set aside and no
 * other with it.
 */
async function send(contact: Contact, batch: Taken[]): Promise<[Waiting, Verdict][]> {
  const { client, options } = contact;
  try {
    const answer = await client.revisions(batch.map(({ revision }) => `${envelope(revision)}\n`).join(''), options.stop);
    return batch.flatMap(({ waiting }, at): [Waiting, Verdict][] => {
      // An item without a verdict is left waiting.
      const verdict = answer.results.find(({ from, to }) => from <= at + 1 && at + 1 <= to);
      return verdict ? [[waiting, verdict]] : [];
    });
  } catch (cause) {
    if (!(cause instanceof CallError) || cause.kind !== 'refused') throw cause;
    const [only] = batch;
    if (only && batch.length === 1) return [[only.waiting, { status: 'refused', code: cause.code, detail: cause.detail, retry: cause.retry }]];
    const half = Math.ceil(batch.length / 2);
    return [...(await send(contact, batch.slice(0, half))), ...(await send(contact, batch.slice(half)))];
  }
}

async function settle(outbox: Outbox, hub: string, waiting: Waiting, verdict: Verdict): Promise<void> {
  if (['stored', 'duplicate', 'quarantined'].includes(verdict.status)) return outbox.ack(hub, waiting);
  // What may be taken another day goes on waiting, and so does what a newer hub calls by a name that is not known here.
  if (verdict.status !== 'refused' || verdict.retry) return;
  const { code, detail } = reason(verdict);
  await outbox.refuse(hub, waiting, code, detail);
}

const reason = ({ code, detail }: Verdict) => ({ code: code ?? 'refused', detail: detail ?? 'The hub did not say why.' });
