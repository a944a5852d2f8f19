/**
 * The upload of one file by tus 1.0: a small one in one request, a larger one created once and then sent in pieces of a MiB from
 * wherever the hub stands. The twin of `protocol/src/client/upload.rs`.
 *
 * `sync/upload.ts` calls it. It promises: what was sent is not sent again but for less than one piece; an upload that vanished is
 * begun anew a few times; bytes that cannot be read, or are not those that were hashed, are said, and no other file suffers.
 */

import { BLOCK_BYTES } from '../limits';
import { toBase64, utf8 } from '../record/bytes';
import { hashFile } from '../record/hash';
import type { MediaHash } from '../record/ids';
import { CallError } from './call-error';
import type { HubClient } from './client';
import type { Answer } from './fetching';
import { BASE } from './types';

export interface Upload {
  hash: MediaHash;
  bytes: Blob;
  name: string;
  type: string;
  /** An upload that was begun in an earlier contact, as a path on the hub. */
  begun?: string;
  /** Told, and awaited, before the first piece of a new upload: kept durably, a cut does not begin from nothing. */
  note(begun: string): Promise<void>;
  progress(sent: number): void;
  stop?: AbortSignal;
}

/** How it ended, other than by an error that ends all uploads. */
export type Ended = { held: true } | { held: false; code: string; detail: string };

const HELD: Ended = { held: true };
const RESUMABLE = { 'Tus-Resumable': '1.0.0' };
const PIECE = { ...RESUMABLE, 'Content-Type': 'application/offset+octet-stream' };
const PATH = `${BASE}/media/uploads`;

/** How often a vanished upload is begun anew in one contact, before the hub is taken for broken. */
const BEGINNINGS = 3;
/** How often in a row the hub may stand elsewhere than it said. */
const ASKS = 5;

export async function uploadTo(client: HubClient, upload: Upload): Promise<Ended> {
  try {
    return upload.bytes.size <= BLOCK_BYTES ? await inOne(client, upload) : await inPieces(client, upload);
  } catch (cause) {
    if (cause instanceof Unreadable) return unreadable;
    if (!(cause instanceof CallError) || cause.kind !== 'refused') throw cause;
    // Were these the bytes that were hashed? A card may have gone bad under them.
    const isSame = cause.code !== 'wrong_hash' || (await isUnchanged(upload));
    return isSame ? { held: false, code: cause.code, detail: cause.detail } : unreadable;
  }
}

class Unreadable extends Error {}

const unreadable: Ended = {
  held: false,
  code: 'file_changed',
  detail: 'The file is gone from this phone or has changed since it was attached; attach it anew.',
};

async function inOne(client: HubClient, { bytes, stop, progress, ...rest }: Upload): Promise<Ended> {
  const headers = { ...PIECE, 'Upload-Length': String(bytes.size), 'Upload-Metadata': metadata(rest) };
  await client.call({ method: 'POST', path: PATH, headers, body: await read(bytes, 0), stop });
  progress(bytes.size);
  return HELD;
}

async function inPieces(client: HubClient, upload: Upload): Promise<Ended> {
  let { begun } = upload;
  for (let beginning = 0; beginning < BEGINNINGS; beginning += 1) {
    if (begun === undefined) {
      const { path, offset } = await create(client, upload);
      if (offset === upload.bytes.size) return HELD;
      await upload.note(path);
      begun = path;
    }
    if (await goOn(client, upload, begun)) return HELD;
    begun = undefined;
  }
  const detail = 'The hub lost the upload again and again; it is tried at the next contact.';
  throw new CallError('busy', { code: 'upload_gone', status: 404, detail, retry: true });
}

async function create(client: HubClient, { bytes, stop, ...rest }: Upload): Promise<{ path: string; offset: number }> {
  const headers = { ...RESUMABLE, 'Upload-Length': String(bytes.size), 'Upload-Metadata': metadata(rest) };
  const answer = await client.call({ method: 'POST', path: PATH, headers, stop });
  const location = answer.headers.get('Location');
  if (!location) throw CallError.garbled('garbled', 'The hub names no upload.');
  // Only the path counts: an upload goes to the hub that we know, whatever address it gives.
  return { path: new URL(location, client.address).pathname, offset: Number(answer.headers.get('Upload-Offset') ?? 0) };
}

/** Whether the hub holds it whole; not where the upload is gone. */
async function goOn(client: HubClient, upload: Upload, path: string): Promise<boolean> {
  const { bytes, stop, progress } = upload;
  let [offset, asks] = [-1, 0];
  for (;;) {
    try {
      const answer = offset < 0
        ? await client.call({ method: 'HEAD', path, headers: RESUMABLE, stop })
        : await client.call({ method: 'PATCH', path, headers: { ...PIECE, 'Upload-Offset': String(offset) }, body: await read(bytes, offset), stop });
      const reached = offsetOf(answer, bytes.size);
      if (offset >= 0 && reached <= offset) throw CallError.garbled('garbled', 'The upload does not move.');
      if (offset >= 0) asks = 0;
      offset = reached;
      progress(offset);
      if (offset === bytes.size) return true;
    } catch (cause) {
      if (!(cause instanceof CallError)) throw cause;
      if (cause.kind === 'gone') return false;
      // Another connection of ours wrote on, or the hub stands elsewhere: ask where.
      asks += 1;
      if (cause.status !== 409 || asks > ASKS) throw cause;
      offset = -1;
    }
  }
}

function offsetOf({ headers }: Answer, size: number): number {
  const text = headers.get('Upload-Offset') ?? '';
  const offset = /^\d+$/.test(text) ? Number(text) : -1;
  if (offset < 0 || offset > size) throw CallError.garbled('garbled', 'The hub gives no sound Upload-Offset.');
  return offset;
}

async function read(bytes: Blob, from: number): Promise<Uint8Array<ArrayBuffer>> {
  const piece = bytes.slice(from, from + BLOCK_BYTES);
  const read = await piece.arrayBuffer().catch(() => new ArrayBuffer(0));
  if (read.byteLength !== piece.size) throw new Unreadable();
  return new Uint8Array(read);
}

const isUnchanged = async ({ bytes, hash }: Upload): Promise<boolean> => hash === (await hashFile(bytes).catch(() => null));

const metadata = (upload: { hash: string; name: string; type: string }): string =>
  (['hash', 'name', 'type'] as const).map((key) => `${key} ${toBase64(utf8(upload[key]))}`).join(',');
