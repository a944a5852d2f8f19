/** What the pages show of a document: the merge of its revisions, with this phone's own draft upon it. Pure; `store/tx.ts` keeps it. */

import type { Kept, Local } from '../outbox/rows';
import { merge, type Document } from '../record/document';
import type { DeviceId } from '../record/ids';
import { formatTime } from '../record/time';
import type { ShownAttachment, View } from './schema';

/** `null` where there is nothing to show: no revision and no draft. */
export function viewOf({ doc, kind, draft }: Local, history: Kept[], me: DeviceId): View | null {
  const merged = merge(doc, history.map(({ revision }) => revision));
  if (!draft) return merged && { ...merged, draft: false };
  const base = merged ?? unborn(doc, kind, me, formatTime(draft.createdAt));
  const unset = new Set(draft.unset);
  const set = Object.entries({ ...base.set, ...draft.set }).filter(([name]) => !unset.has(name));
  const isSettled = (name: string) => Object.hasOwn(draft.set, name) || unset.has(name);
  const gone = new Set([...draft.detach, ...draft.attach.map(({ hash }) => hash)]);
  const kept: ShownAttachment[] = base.attachments.filter(({ hash }) => !gone.has(hash));
  return {
    ...base,
    set: Object.fromEntries(set),
    conflicts: Object.fromEntries(Object.entries(base.conflicts).filter(([name]) => !isSettled(name))),
    attachments: kept.concat(draft.attach.map((attachment) => ({ ...attachment, revision: null }))),
    deleted: draft.deleted,
    changed_at: formatTime(draft.createdAt),
    draft: true,
  };
}

const unborn = (doc: string, kind: string, me: DeviceId, at: string): Document => ({
  doc,
  kind,
  state: 'whole',
  deleted: false,
  set: {},
  conflicts: {},
  attachments: [],
  heads: [],
  missing: [],
  revisions: 0,
  author: me,
  authors: [me],
  created_at: at,
  changed_at: at,
});
