/**
 * BLAKE3: at once for small things, streaming for files.
 *
 * `hashOf` works everywhere and at once, within a transaction of IndexedDB too. `hashFile` and `hashBytes` use WebAssembly, some
 * fifteen times as fast, where the page's policy allows it (`script-src 'wasm-unsafe-eval'`), and come to the same without it.
 */

import { blake3 } from '@noble/hashes/blake3.js';
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

/** The fast one is fetched for the first file; a hub that is half away must not hold up a photo for longer. */
const PATIENCE_MS = 1500;
let coming: Promise<typeof import('./fast-hash')> | undefined;

/** Fetches the fast one before there is a file. */
export function prepareHashing(): Promise<typeof import('./fast-hash')> {
  coming ??= import('./fast-hash');
  // What could not be fetched is asked for again the next time.
  coming.catch(() => (coming = undefined));
  return coming;
}

async function newHasher(): Promise<Hasher> {
  return (withoutWasm ? null : await fastHasher()) ?? slowHasher();
}

async function fastHasher(): Promise<Hasher | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((tell) => (timer = setTimeout(() => tell(null), PATIENCE_MS)));
  const fetched = await Promise.race([prepareHashing().catch(() => null), late]);
  clearTimeout(timer);
  if (!fetched) return null;
  try {
    const fast = await fetched.createBLAKE3();
    fast.init();
    return { update: (bytes) => fast.update(bytes), digest: () => fast.digest('hex') };
  } catch {
    withoutWasm = true;
    return null;
  }
}

function slowHasher(): Hasher {
  const slow = blake3.create({});
  return { update: (bytes) => slow.update(bytes), digest: () => toHex(slow.digest()) };
}
