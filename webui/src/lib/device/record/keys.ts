/**
 * Ed25519 as Maloca uses it: every signature has a context, and validity is ZIP 215; the twin of `protocol/src/keys.rs`.
 *
 * WebCrypto's Ed25519 follows other rules and is missing over plain http, so there is one path for all pages. It promises that a
 * signature made for one purpose is never taken for another.
 *
 * `@noble/ed25519` rather than its large sister `@noble/curves`: the same rules, at a fifth of what a phone fetches before it shows
 * anything.
 */

import { getPublicKey, hashes, sign, verify as isSigned } from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';
import { concat, fromBase64Url, fromHex, toBase64Url, toHex, utf8 } from './bytes';
import type { DeviceId } from './ids';

// Its own SHA-512 would be WebCrypto's, which makes one wait, as a transaction of IndexedDB does not.
hashes.sha512 = sha512;

/** What a signature is for; the line stands before the message. */
const CONTEXTS = {
  revision: utf8('maloca revision 1\n'),
  receipt: utf8('maloca receipt 1\n'),
  pair: utf8('maloca pair 1\n'),
  tls: utf8('maloca tls 1\n'),
  request: utf8('maloca request 1\n'),
};

export type Context = keyof typeof CONTEXTS;

/** The secret key of this device. */
export class DeviceKey {
  private constructor(
    readonly seed: Uint8Array,
    readonly id: DeviceId,
  ) {}

  static generate(): DeviceKey {
    return DeviceKey.fromSeed(crypto.getRandomValues(new Uint8Array(32)));
  }

  /** A key with the id that was reckoned when it was made: reckoning it takes an old phone half a second. */
  static kept(seed: Uint8Array, id: DeviceId): DeviceKey {
    return new DeviceKey(seed, id);
  }

  /** The key that grows from 32 secret bytes (RFC 8032's private key). */
  static fromSeed(seed: Uint8Array): DeviceKey {
    return new DeviceKey(Uint8Array.from(seed), toHex(getPublicKey(Uint8Array.from(seed))));
  }

  /** Base64url of the signature. */
  sign(context: Context, message: Uint8Array): string {
    return toBase64Url(sign(concat(CONTEXTS[context], message), this.seed));
  }
}

/** A signature's 64 bytes; `null` where the text is none. */
export function readSig(text: unknown): Uint8Array | null {
  const bytes = typeof text === 'string' && text.length === 86 ? fromBase64Url(text) : null;
  return bytes?.length === 64 ? bytes : null;
}

/** Whether `sig` is the author's over `message` for this purpose. */
export function verify(author: DeviceId, context: Context, message: Uint8Array, sig: unknown): boolean {
  const [key, bytes] = [fromHex(author), readSig(sig)];
  if (!key || !bytes) return false;
  try {
    return isSigned(bytes, concat(CONTEXTS[context], message), key, { zip215: true });
  } catch {
    return false;
  }
}

/** Whether it is a point under which anyone could sign anything: no hub is trusted with such a key. */
export function isWeak(id: DeviceId): boolean {
  const trivial = new Uint8Array(64);
  trivial[0] = 1;
  return verify(id, 'pair', utf8('anything'), toBase64Url(trivial));
}
