/** Ids: which texts are some, and new documents. One textual form each; the twin of `protocol/src/ids.rs`. */

import { blake3 } from '@noble/hashes/blake3.js';
import { concat, isHex, toHex, utf8 } from './bytes';

/** 64 lower-case hex digits, the public key of a device; a hub is a device too. */
export type DeviceId = string;
/** 64 lower-case hex digits, the BLAKE3 hash of a revision's canonical form. */
export type RevisionId = string;
/** 64 lower-case hex digits, the BLAKE3 hash of a media file's bytes. */
export type MediaHash = string;
/** 32 lower-case hex digits. */
export type ProjectId = string;
/** A UUID, lower-case and with hyphens. */
export type DocId = string;

/** A key or a hash. */
export const isId = (text: unknown): text is string => isHex(text, 32);
export const isProjectId = (text: unknown): text is ProjectId => isHex(text, 16);

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
export const isDocId = (text: unknown): text is DocId => typeof text === 'string' && UUID.test(text);

/** A new document: a UUID of version 7, ordered by the time of its making. `crypto.randomUUID` is missing over plain http. */
export function newDocId(now: number): DocId {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let rest = Math.max(0, Math.floor(now));
  for (let at = 5; at >= 0; at -= 1) {
    bytes[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return uuid(bytes, 0x70);
}

/** The document that stands for `ownId` of `source`, the same whenever and wherever it is asked for: a UUID of version 8. */
export function docFromSource(source: string, ownId: string): DocId {
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(utf8(source).length));
  const context = utf8('maloca document id from source 1');
  return uuid(blake3(concat(length, utf8(source), utf8(ownId)), { context }).slice(0, 16), 0x80);
}

function uuid(bytes: Uint8Array, version: number): DocId {
  bytes[6] = ((bytes[6] as number) & 0x0f) | version;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The beginning of an id, in groups, for people to compare by eye. */
export const shortId = (id: string): string => (id.slice(0, 12).match(/.{4}/g) ?? []).join(' ');
