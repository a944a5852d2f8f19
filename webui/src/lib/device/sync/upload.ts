/**
 * Upload: the media that a hub lacks, from the phone's store. It promises: nothing is sent before the hub was asked whether it has
 * it; one file that cannot be sent holds up no other; memory holds a few pieces of a MiB. The twin of `protocol/src/client/upload.rs`.
 */

import { ASKED_HASHES } from '../limits';
import type { MediaHash } from '../record/ids';
import { mediaWaiting } from '../store/media';
import type { WantedRow } from '../store/schema';
import { uploadTo, type Ended } from '../wire/tus';
import type { Contact } from './contact';

/** Files that are sent at once: the hub flushes one while the other is on its way. */
const AT_ONCE = 2;

/** Sends all media that the hub lacks and this phone has. */
export async function upload(contact: Contact): Promise<void> {
  const { store, client, hub, options, report } = contact;
  let after: MediaHash | null = null;
  for (;;) {
    const from: MediaHash | null = after;
    const page: WantedRow[] = await store.read((tx) => mediaWaiting(tx, hub, from, ASKED_HASHES));
    const last = page.at(-1);
    if (!last) return;
    after = last.hash;
    const missing = new Set(await client.mediaMissing(page.map(({ hash }) => hash), options.stop));
    const had = page.filter(({ hash }) => !missing.has(hash));
    report.mediaHad += had.length;
    await store.run(async (tx) => {
      for (const { hash } of had) await tx.table('wanted').delete([hub, hash]);
    }, 'relaxed');
    await sendAll(contact, page.filter(({ hash }) => missing.has(hash)));
  }
}

/** What ends one ends all: the hub is gone, or full. Those that had ended before are noted all the same. */
async function sendAll(contact: Contact, wanted: WantedRow[]): Promise<void> {
  const rest = wanted.values();
  const failures: unknown[] = [];
  const lane = async () => {
    for (const row of rest) {
      if (failures.length > 0) return;
      await sendOne(contact, row).catch((cause: unknown) => failures.push(cause));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  if (failures.length > 0) throw failures[0];
}

async function sendOne(contact: Contact, { hash, upload: begun, refused }: WantedRow): Promise<void> {
  const { store, client, hub, options, report } = contact;
  const { media, bytes } = await store.read(async (tx) => ({
    media: await tx.table('media').get(hash),
    bytes: await tx.table('blobs').get(hash),
  }));
  // What only a draft names is not offered yet: it may be taken back.
  if (!media?.named || !bytes) return;
  const { name, type, size } = media;
  if (refused) {
    report.mediaRefused.push({ hash, name, ...refused });
    return;
  }
  const keep = (row: Partial<WantedRow>, how: 'strict' | 'quiet') =>
    store.run((tx) => tx.table('wanted').put({ hub, hash, ...row }), how);
  let path = begun;
  const ended: Ended = await uploadTo(client, {
    hash,
    bytes,
    name,
    type,
    begun,
    stop: options.stop,
    async note(begun) {
      path = begun;
      await keep({ upload: begun, offset: 0 }, 'strict');
    },
    progress(sent) {
      options.watch?.({ type: 'media', hash, sent, size });
      // For a page that is opened later: where to go on is the hub's to say.
      if (path && sent < size) keep({ upload: path, offset: sent }, 'quiet').catch(() => {});
    },
  });
  if (ended.held) {
    report.mediaSent += 1;
    report.mediaBytes += size;
    await store.run((tx) => tx.table('wanted').delete([hub, hash]), 'relaxed');
    return;
  }
  const { code, detail } = ended;
  report.mediaRefused.push({ hash, name, code, detail });
  await keep({ refused: { code, detail } }, 'strict');
}
