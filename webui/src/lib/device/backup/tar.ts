/**
 * A tar archive, as much of it as a backup needs: plain files with short names, one after the other (POSIX ustar).
 *
 * Chosen over zip, as it needs neither a checksum of the bytes beforehand nor a directory at the end: the archive is put together
 * from blobs that stay on the disk, and is read slice by slice. Any program that opens tar files opens it.
 */

import { concat, utf8 } from '../record/bytes';

const BLOCK = 512;
/** What a number of eleven octal digits holds. */
const LARGEST = 8 ** 11 - 1;

export interface Entry {
  /** At most 100 bytes of ASCII. */
  name: string;
  bytes: Blob;
}

/** The archive, of which only the headers are in memory. */
export function tarOf(entries: Entry[], now: number): Blob {
  const parts = entries.flatMap(({ name, bytes }) => [header(name, bytes.size, now), bytes, padding(bytes.size)]);
  return new Blob([...parts, new Uint8Array(2 * BLOCK)], { type: 'application/x-tar' });
}

const padding = (size: number): Uint8Array<ArrayBuffer> => new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);

function header(name: string, size: number, now: number): Uint8Array<ArrayBuffer> {
  if (name.length > 100 || size > LARGEST) throw new RangeError(`${name} does not fit into a tar archive`);
  const text = (value: string, length: number) => utf8(value.padEnd(length, '\0'));
  const octal = (value: number, length: number) => text(`${Math.floor(value).toString(8).padStart(length - 1, '0')}\0`, length);
  const before = concat(text(name, 100), octal(0o644, 8), octal(0, 8), octal(0, 8), octal(size, 12), octal(now / 1000, 12));
  const behind = concat(text('0', 1), text('', 100), text('ustar\u000000', 8), text('', 247));
  const sum = [...before, ...behind].reduce((sum, byte) => sum + byte, 8 * 0x20);
  return concat(before, octal(sum, 7), utf8(' '), behind);
}

/** The files of an archive, in order. Ends at the first thing that is no file of an archive: one that was cut off gives what is whole. */
export async function* entriesOf(archive: Blob): AsyncGenerator<Entry> {
  for (let at = 0; at + BLOCK <= archive.size; ) {
    const head = new Uint8Array(await archive.slice(at, at + BLOCK).arrayBuffer());
    const text = (from: number, length: number) => String.fromCharCode(...head.slice(from, from + length)).split('\0')[0] as string;
    const size = Number.parseInt(text(124, 12).trim(), 8);
    const isFile = text(257, 5) === 'ustar' && Number.isFinite(size) && at + BLOCK + size <= archive.size;
    if (!isFile) return;
    yield { name: text(0, 100), bytes: archive.slice(at + BLOCK, at + BLOCK + size) };
    at += BLOCK + size + ((BLOCK - (size % BLOCK)) % BLOCK);
  }
}
