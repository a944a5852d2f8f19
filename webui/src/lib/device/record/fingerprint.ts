/**
 * The fingerprint of a set of revisions: a count and a sum mod 2^256, equal exactly when the sets are; the twin of
 * `protocol/src/fingerprint.rs`. The key is the project's. Hub and phone each keep one per author and compare them in the receipt.
 */

import { blake3 } from '@noble/hashes/blake3.js';
import { fromHex, toHex, utf8 } from './bytes';
import type { ProjectId, RevisionId } from './ids';

export interface Fingerprint {
  count: number;
  /** Hex, least significant byte first. */
  sum: string;
}

export const NOTHING: Fingerprint = { count: 0, sum: '00'.repeat(32) };

const keys = new Map<ProjectId, Uint8Array>();

function keyOf(project: ProjectId): Uint8Array {
  const known = keys.get(project);
  if (known) return known;
  const key = blake3(fromHex(project) ?? new Uint8Array(), { context: utf8('maloca set fingerprint 1') });
  keys.set(project, key);
  return key;
}

/** With one more revision, which must not be in the set yet. */
export function add(before: Fingerprint, project: ProjectId, id: RevisionId): Fingerprint {
  const [sum, term] = [fromHex(before.sum) ?? new Uint8Array(32), blake3(fromHex(id) ?? new Uint8Array(), { key: keyOf(project) })];
  let carry = 0;
  for (let at = 0; at < 32; at += 1) {
    const total = (sum[at] as number) + (term[at] as number) + carry;
    sum[at] = total & 0xff;
    carry = total >> 8;
  }
  return { count: before.count + 1, sum: toHex(sum) };
}

export const isEqual = (a: Fingerprint, b: Fingerprint): boolean => a.count === b.count && a.sum === b.sum;
