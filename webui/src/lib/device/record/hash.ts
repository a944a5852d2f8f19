/**
 * BLAKE3: at once for small things, streaming for files.
 *
 * `hashOf` works everywhere and at once, within a transaction of IndexedDB too. `hashFile` and `hashBytes` use WebAssembly, some
 * fifteen times as fast, where the page's policy allows it (`script-src 'wasm-unsafe-eval'`), and come to the same without it.
 */

import { blake3 } from '@noble/hashes/blake3.js';
import { createBLAKE3 } from 'hash-wasm';
import { toHex, utf8 } from './bytes';
import type { MediaHash } from './ids';

/** The hash's bytes. */
export const blake3Of = (bytes: Uint8Array): Uint8Array => blake3(bytes);

/** The hash of something small, in hex. */
export const hashOf = (bytes: Uint8Array | string): string => toHex(blake3(typeof bytes === 'string' ? utf8(bytes) : bytes));

/** Beneath that, waiting for WebAssembly takes longer than hashing. */
const SMALL = 16 * 1024;
/** What is read of a file at once. */
const PIECE = 1024 * 1024;

/** The hash of bytes that are in memory. */
export async function hashBytes(bytes: Uint8Array): Promise<string> {
  if (bytes.length <= SMALL) return hashOf(bytes);
  const hasher = await newHasher();
  hasher.update(bytes);
  return hasher.digest();
}

/** The hash of a file, read piece by piece; `progress` hears how many bytes are done. */
export async function hashFile(file: Blob, progress?: (done: number) => void): Promise<MediaHash> {
  const hasher = await newHasher();
  for (let at = 0; at < file.size; at += PIECE) {
    hasher.update(new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer()));
    progress?.(Math.min(at + PIECE, file.size));
  }
  return hasher.digest();
}

interface Hasher {
  update(bytes: Uint8Array): unknown;
  digest(): string;
}

/** Said once: a policy that forbids WebAssembly does not change while the page is open. */
let withoutWasm = false;

async function newHasher(): Promise<Hasher> {
  if (!withoutWasm) {
    try {
      const fast = await createBLAKE3();
      fast.init();
      return { update: (bytes) => fast.update(bytes), digest: () => fast.digest('hex') };
    } catch {
      withoutWasm = true;
    }
  }
  const slow = blake3.create({});
  return { update: (bytes) => slow.update(bytes), digest: () => toHex(slow.digest()) };
}
