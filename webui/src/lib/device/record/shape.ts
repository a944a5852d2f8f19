/**
 * The shape of a revision: which members there are, and what each must look like. The meaning of `set` is never judged. The twin
 * of `protocol/src/revision/shape.rs`, rule by rule in the same order, so that both name the same refusal.
 */

import { utf8Length } from './bytes';
import { isObject, member, type Json, type JsonObject } from './canonical';
import { isDocId, isId, type DeviceId, type DocId, type MediaHash, type RevisionId } from './ids';
import { refuse, type RefusalCode } from './refusal';
import { parseTime } from './time';
import { ATTACHMENTS, KIND_BYTES, NAME_BYTES, PARENTS } from '../limits';

/** A media file that a revision attaches, as it travels. `size` is a claim until somebody holds the media. */
export interface Attachment {
  hash: MediaHash;
  /** The file's name as its author knew it; a stranger's text. */
  name: string;
  type: string;
  size: number;
  taken_at?: string;
}

/** What the merge needs to know of a revision; read out of the canonical form, never written back. */
export interface Content {
  kind: string;
  doc: DocId;
  parents: RevisionId[];
  author: DeviceId;
  /** The author's clock, milliseconds since 1970. */
  createdAt: number;
  set: JsonObject;
  unset: string[];
  attach: Attachment[];
  detach: MediaHash[];
  deleted: boolean;
}

/** Reads a revision out of its JSON value. */
export function contentOf(rev: JsonObject): Content {
  checkVersion(rev);
  const kind = textOf(rev, 'kind', 'bad_kind');
  if (kind === '' || utf8Length(kind) > KIND_BYTES) refuse('bad_kind');
  const doc = textOf(rev, 'doc', 'bad_doc');
  if (!isDocId(doc)) refuse('bad_doc');
  const parents = parentsOf(member(rev, 'parents') ?? missing(rev, 'parents'));
  const author = textOf(rev, 'author', 'bad_author');
  if (!isId(author)) refuse('bad_author');
  const createdAt = parseTime(textOf(rev, 'created_at', 'bad_time')) ?? refuse('bad_time');
  const unset = optional(rev, 'unset', unsetOf, []);
  const attach = optional(rev, 'attach', attachOf, []);
  const detach = optional(rev, 'detach', detachOf, []);
  const deleted = optional(rev, 'deleted', (value) => (typeof value === 'boolean' ? value : refuse('bad_deleted')), false);
  const set = optional(rev, 'set', (value) => (isObject(value) ? value : refuse('bad_set')), {});
  if (unset.some((name) => Object.hasOwn(set, name))) refuse('set_and_unset');
  const attached = new Set(attach.map(({ hash }) => hash));
  if (attached.size !== attach.length || detach.some((hash) => attached.has(hash))) refuse('duplicate_attachment');
  return { kind, doc, parents, author, createdAt, set, unset, attach, detach, deleted };
}

/** Version first: of a newer one nothing else is known, so nothing else is judged. */
function checkVersion(rev: JsonObject): void {
  const v = member(rev, 'v');
  if (v === undefined) refuse('missing_member');
  if (v === 1) return;
  refuse(typeof v === 'number' && Number.isInteger(v) && v > 1 ? 'too_new' : 'bad_version');
}

/** A member that is absent; one that is `null` is there, and wrong by its own rule. */
const missing = (rev: JsonObject, name: string): Json => (Object.hasOwn(rev, name) ? null : refuse('missing_member'));

function textOf(rev: JsonObject, name: string, code: RefusalCode): string {
  const value = member(rev, name) ?? missing(rev, name);
  return typeof value === 'string' ? value : refuse(code);
}

function optional<V>(rev: JsonObject, name: string, read: (value: Json) => V, otherwise: V): V {
  const value = member(rev, name);
  return value === undefined ? otherwise : read(value);
}

const isDistinct = (items: string[]): boolean => new Set(items).size === items.length;

function parentsOf(value: Json): RevisionId[] {
  if (!Array.isArray(value)) return refuse('bad_parents');
  if (value.length > PARENTS) refuse('too_many_parents');
  if (!value.every(isId)) return refuse('bad_parents');
  return isDistinct(value) ? value : refuse('duplicate_parent');
}

function unsetOf(value: Json): string[] {
  const isList = Array.isArray(value) && value.every((name) => typeof name === 'string');
  return isList && isDistinct(value) ? value : refuse('bad_unset');
}

function attachOf(value: Json): Attachment[] {
  if (!Array.isArray(value)) return refuse('bad_attachment');
  if (value.length > ATTACHMENTS) refuse('too_many_attachments');
  return value.map(attachmentOf);
}

function attachmentOf(value: Json): Attachment {
  if (!isObject(value)) return refuse('bad_attachment');
  const [hash, name, type, size, taken] = ['hash', 'name', 'type', 'size', 'taken_at'].map((of) => member(value, of));
  const isShort = (text: unknown): text is string => typeof text === 'string' && utf8Length(text) <= NAME_BYTES;
  const isSize = typeof size === 'number' && Number.isInteger(size) && size >= 0;
  if (!isId(hash) || !isShort(name) || !isShort(type) || !isSize) return refuse('bad_attachment');
  if (taken === undefined) return { hash, name, type, size };
  return isShort(taken) ? { hash, name, type, size, taken_at: taken } : refuse('bad_attachment');
}

function detachOf(value: Json): MediaHash[] {
  if (!Array.isArray(value)) return refuse('bad_detach');
  if (value.length > ATTACHMENTS) refuse('too_many_attachments');
  if (!value.every(isId)) return refuse('bad_detach');
  return isDistinct(value) ? value : refuse('duplicate_attachment');
}
