/**
 * Pull: what others wrote, from a hub's feed into the store; the twin of `protocol/src/client/pull.rs`.
 *
 * It comes after the push, so that what is unsent has gone first. It promises: every revision is checked as a stranger's is before
 * it is stored; revisions of a page and the cursor behind it are one commit; an edit that waits is never overwritten (the
 * outbox's rules see to it).
 */

import { Outbox } from '../outbox/outbox';
import { Refusal } from '../record/refusal';
import { checkValue, type Revision } from '../record/revision';
import { CallError } from '../wire/call-error';
import type { Change } from '../wire/types';
import type { Contact } from './contact';

/** After so long the page may draw: a slow phone checks a signature in ten milliseconds. */
const BREATH_MS = 30;

/**
 * Reads the feed from where it was read last. `echo` asks for what this phone itself brought as well, which it lacks only if it was
 * restored. Not whole where the hub is not in the life that the cursor belongs to: everything must be offered again.
 */
export async function pull({ store, client, hub, options, report }: Contact, echo: boolean): Promise<boolean> {
  const known = await store.read((tx) => tx.hub(hub));
  let cursor = known?.cursor ?? undefined;
  for (;;) {
    const scope = options.pull === 'mine' ? 'mine' : undefined;
    const question = { since: cursor, wait: options.wait, scope, brought: echo ? undefined : ('others' as const) } as const;
    const page = await client.changes(question, options.stop).catch((cause: unknown) => {
      if (cause instanceof CallError && cause.code === 'cursor_void') return null;
      throw cause;
    });
    if (!page) return false;
    const { valid, refused } = await check(page.entries, options.stop);
    report.pullRefused += refused;
    report.pulled += await store.run(async (tx) => {
      let fresh = 0;
      for (const revision of valid) if (await new Outbox(tx, tx.me).pull(hub, revision)) fresh += 1;
      await tx.changeHub(hub, ({ filtered }) => ({ cursor: page.cursor, filtered: filtered || page.filtered }));
      return fresh;
      // Lost with a power cut, it is read again.
    }, 'relaxed');
    options.watch?.({ type: 'pulled', revisions: report.pulled });
    // A hub that says "more" and does not move would keep us here for ever.
    if (!page.more || page.cursor === cursor) return true;
    cursor = page.cursor;
  }
}

/** The valid revisions of a page. What a hub should never have admitted is passed over and counted. */
async function check(entries: Change[], stop?: AbortSignal): Promise<{ valid: Revision[]; refused: number }> {
  const valid: Revision[] = [];
  let refused = 0;
  let began = performance.now();
  for (const { type, id, rev, sig } of entries) {
    if (type !== 'revision') continue;
    try {
      valid.push(checkValue({ id: id ?? null, rev: rev ?? null, sig: sig ?? null }));
    } catch (cause) {
      // A value nested a hundred thousand times overflows the stack before any rule can speak.
      if (!(cause instanceof Refusal) && !(cause instanceof RangeError)) throw cause;
      refused += 1;
    }
    if (performance.now() - began > BREATH_MS) {
      await new Promise((resume) => setTimeout(resume, 0));
      stop?.throwIfAborted();
      began = performance.now();
    }
  }
  return { valid, refused };
}
