/**
 * A draft: what a person changed and nobody was offered yet, always as the difference from what they had seen. Pure.
 *
 * The outbox builds one a document. It promises that a draft holds no more than the difference: what is set back is forgotten,
 * and a draft that says nothing is noticed. The twin of `protocol/src/client/outbox/draft.rs`.
 */

import { compareUtf8 } from '../record/bytes';
import { canonical, member, type Json, type JsonObject } from '../record/canonical';
import type { Document } from '../record/document';
import type { RevisionId } from '../record/ids';
import type { Attachment } from '../record/revision';
import type { Edit, Unfrozen } from './rows';

/** An empty draft upon `parents`, which show `base`. A deleted document stays so until somebody brings it back. */
export const emptyDraft = (parents: RevisionId[], base: Document | null): Unfrozen => ({
  place: 0,
  parents,
  createdAt: 0,
  set: {},
  unset: [],
  attach: [],
  detach: [],
  deleted: base?.deleted ?? false,
});

/** Takes a change in, and forgets what does not differ from `base` any more. */
export function applied(draft: Unfrozen, edit: Edit, base: Document | null): Unfrozen {
  const set = new Map(Object.entries(draft.set));
  const unset = new Set(draft.unset);
  for (const [name, value] of Object.entries(edit.set ?? {})) {
    unset.delete(name);
    const shown = base ? member(base.set, name) : undefined;
    if (!isContested(base, name) && shown !== undefined && isSame(shown, value)) set.delete(name);
    else set.set(name, value);
  }
  for (const name of edit.unset ?? []) {
    set.delete(name);
    if (isContested(base, name) || (base && Object.hasOwn(base.set, name))) unset.add(name);
  }
  return {
    ...draft,
    set: Object.fromEntries(set),
    unset: [...unset].sort(compareUtf8),
    ...appliedMedia(draft, edit, base),
    deleted: edit.deleted ?? draft.deleted,
  };
}

function appliedMedia(draft: Unfrozen, edit: Edit, base: Document | null): Pick<Unfrozen, 'attach' | 'detach'> {
  const held = base?.attachments ?? [];
  // A Map keeps the place of what is described anew.
  const attach = new Map(draft.attach.map((attachment) => [attachment.hash, attachment]));
  const detach = new Set(draft.detach);
  for (const attachment of edit.attach ?? []) {
    detach.delete(attachment.hash);
    if (held.some((kept) => isSameAttachment(kept, attachment))) attach.delete(attachment.hash);
    else attach.set(attachment.hash, attachment);
  }
  for (const hash of edit.detach ?? []) {
    attach.delete(hash);
    if (held.some((kept) => kept.hash === hash)) detach.add(hash);
  }
  return { attach: [...attach.values()], detach: [...detach].sort() };
}

/** Whether a revision made of it would change nothing. */
export const saysNothing = (draft: Unfrozen, base: Document): boolean =>
  Object.keys(draft.set).length + draft.unset.length + draft.attach.length + draft.detach.length === 0 &&
  draft.deleted === base.deleted;

/** Whether both would make the same revision, their time aside. */
export const saysTheSame = (a: Unfrozen, b: Unfrozen): boolean => isSame(essence(a), essence(b));

const essence = ({ set, unset, attach, detach, deleted }: Unfrozen): Json => ({
  set,
  unset,
  attach: attach.map(describe),
  detach,
  deleted,
});

const describe = ({ hash, name, type, size, taken_at }: Attachment): JsonObject => ({ hash, name, type, size, taken_at: taken_at ?? null });

const isSameAttachment = (a: Attachment, b: Attachment): boolean => isSame(describe(a), describe(b));

const isContested = (base: Document | null, name: string): boolean => base !== null && Object.hasOwn(base.conflicts, name);

/** Two values are one if they are written alike. */
const isSame = (a: Json, b: Json): boolean => canonical(a) === canonical(b);
