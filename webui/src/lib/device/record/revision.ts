/**
 * A revision: one immutable, signed change to a document; the twin of `protocol/src/revision.rs`.
 *
 * The outbox freezes drafts here, the pull checks what a hub sends. It promises that a `Revision` comes out of `sign`, `check`,
 * `checkValue` or `fromStored` alone: its id is the hash of its canonical form, its shape is sound, its signature its author's.
 */

import { fromHex, utf8, utf8Length } from './bytes';
import { canonical, isObject, judge, parse, type Json, type JsonObject } from './canonical';
import { hashOf } from './hash';
import { isId, type DocId, type MediaHash, type RevisionId } from './ids';
import { readSig, verify, type DeviceKey } from './keys';
import { refuse } from './refusal';
import { contentOf, type Attachment, type Content } from './shape';
import { formatTime } from './time';
import { DEPTH, LINE_BYTES, REVISION_BYTES } from '../limits';

export type { Attachment, Content } from './shape';

export interface Revision {
  readonly id: RevisionId;
  /** Base64url. */
  readonly sig: string;
  /** What is stored, sent and hashed. Unknown members stay in it, unharmed. */
  readonly canonical: string;
  readonly content: Content;
}

/** The envelope in canonical form, without a line end. */
export const envelope = ({ id, canonical: rev, sig }: Revision): string => `{"id":"${id}","rev":${rev},"sig":"${sig}"}`;

/** Bytes of the canonical form. */
export const sizeOf = (revision: Revision): number => utf8Length(revision.canonical);

/** Checks one line entirely. */
export function check(line: Uint8Array): Revision {
  if (line.length > LINE_BYTES) refuse('too_big');
  return checkValue(parse(line, DEPTH + 1));
}

/** Checks an envelope that was parsed already, as one out of a page of the feed. */
export function checkValue(value: Json): Revision {
  if (!isObject(value)) return refuse('bad_envelope');
  const { id, rev, sig } = value;
  if (!isId(id) || typeof sig !== 'string' || !readSig(sig) || !isObject(rev)) return refuse('bad_envelope');
  judge(rev);
  const revision = sound(rev, sig);
  if (revision.id !== id) refuse('wrong_id');
  return verify(revision.content.author, 'revision', fromHex(id) as Uint8Array, sig) ? revision : refuse('bad_signature');
}

/**
 * A revision that was checked before it was stored. The hash is checked again, since memory rots; the signature is not, since
 * the hash vouches for the bytes that it was checked over.
 */
export function fromStored(id: RevisionId, text: string, sig: string): Revision {
  if (hashOf(text) !== id) refuse('wrong_id');
  return { id, sig, canonical: text, content: contentOf(JSON.parse(text) as JsonObject) };
}

function sound(rev: JsonObject, sig: string): Revision {
  const text = canonical(rev);
  if (utf8Length(text) > REVISION_BYTES) refuse('too_big');
  const content = contentOf(rev);
  return { id: hashOf(text), sig, canonical: text, content };
}

/** A revision in the making. */
export interface Draft {
  kind: string;
  doc: DocId;
  parents: RevisionId[];
  createdAt: number;
  set: JsonObject;
  unset: string[];
  attach: Attachment[];
  detach: MediaHash[];
  deleted: boolean;
}

/** Freezes a draft: canonical form, id, signature. The result is held to the same rules as a stranger's. */
export function sign(draft: Draft, key: DeviceKey): Revision {
  const text = canonical(toValue(draft, key.id));
  if (utf8Length(text) > REVISION_BYTES) refuse('too_big');
  // Parsed again, so that depth, numbers and texts of `set` meet the same judge as everybody's.
  const content = contentOf(parse(utf8(text)) as JsonObject);
  const id = hashOf(text);
  return { id, sig: key.sign('revision', fromHex(id) as Uint8Array), canonical: text, content };
}

/** Empty members are left out, but `parents` and `set`, which every reader expects. */
function toValue(draft: Draft, author: string): object {
  const { kind, doc, parents, createdAt, set, unset, attach, detach, deleted } = draft;
  return {
    v: 1,
    kind,
    doc,
    parents,
    author,
    created_at: formatTime(createdAt),
    set,
    ...(unset.length > 0 && { unset }),
    ...(attach.length > 0 && { attach }),
    ...(detach.length > 0 && { detach }),
    ...(deleted && { deleted }),
  };
}
