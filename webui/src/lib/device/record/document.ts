/**
 * The merge: a document as a pure function of the set of its revisions; the twin of `protocol/src/document.rs`.
 *
 * The outbox and the pages call it. It promises: order-independent, idempotent, nothing dropped (what is not shown is listed as a
 * conflict), no clock asked; the result's canonical form is, byte for byte, the hub's.
 */

import { canonical, member, type Json, type JsonObject } from './canonical';
import { compareRank, History, type Node, type Thing } from './history';
import type { DeviceId, DocId, MediaHash, RevisionId } from './ids';
import type { Attachment, Revision } from './revision';
import { formatTime } from './time';

/** One of several values that were written to a property by people who did not know of each other. */
export interface Candidate {
  /** Absent where the property was unset. */
  value?: Json;
  /** The revisions that wrote it, sorted. */
  revisions: RevisionId[];
  author: DeviceId;
  created_at: string;
  /** Whether this is the value that `set` shows. */
  shown: boolean;
}

/** An attachment that stands, with the revision whose metadata it shows. */
export interface KeptAttachment extends Attachment {
  revision: RevisionId;
}

/** A merged document, in the form that travels. */
export interface Document {
  doc: DocId;
  kind: string;
  /** `incomplete` while a parent is missing: then nobody can say whether there is a conflict. */
  state: 'whole' | 'conflict' | 'incomplete';
  deleted: boolean;
  set: JsonObject;
  /** The properties with more than one candidate, and all their candidates, the shown one first. */
  conflicts: Record<string, Candidate[]>;
  attachments: KeptAttachment[];
  heads: RevisionId[];
  missing: RevisionId[];
  /** How many revisions there are. */
  revisions: number;
  author: DeviceId;
  authors: DeviceId[];
  created_at: string;
  changed_at: string;
}

/** Merges the revisions of `doc`; those of other documents among them are passed over. `null` where there is none. */
export function merge(doc: DocId, revisions: Iterable<Revision>): Document | null {
  const history = new History(doc, revisions);
  const ranked = history.nodes.toSorted(compareRank);
  const [first, greatest] = [ranked[0], ranked.at(-1)];
  if (!first || !greatest) return null;
  const { set, conflicts } = properties(history);
  const [heads, missing] = [history.heads(), history.missing()];
  return {
    doc,
    kind: first.content.kind,
    state: missing.length > 0 ? 'incomplete' : conflicts.size > 0 ? 'conflict' : 'whole',
    deleted: heads.every(({ content }) => content.deleted),
    // Of entries, as a property called `__proto__` is one like any other.
    set: Object.fromEntries(set),
    conflicts: Object.fromEntries(conflicts),
    attachments: attachments(history),
    heads: heads.map(({ id }) => id).sort(),
    missing,
    revisions: history.nodes.length,
    author: first.content.author,
    authors: [...new Set(history.nodes.map(({ content }) => content.author))].sort(),
    created_at: formatTime(first.content.createdAt),
    changed_at: formatTime(greatest.content.createdAt),
  };
}

function properties(history: History) {
  const writers = new Map<string, number[]>();
  history.nodes.forEach(({ content }, at) => {
    for (const name of [...Object.keys(content.set), ...content.unset]) push(writers, name, at);
  });
  const things: Thing[] = [...writers.values()].map((at) => ({ writers: at, coverers: at }));
  const winners = history.uncovered(things);
  const set = new Map<string, Json>();
  const conflicts = new Map<string, Candidate[]>();
  [...writers.keys()].forEach((name, index) => {
    const greatestFirst = (winners[index] as number[]).map((at) => history.at(at)).sort((a, b) => compareRank(b, a));
    const found = candidates(name, greatestFirst);
    const shown = found[0]?.value;
    if (shown !== undefined) set.set(name, shown);
    if (found.length > 1) conflicts.set(name, found);
  });
  return { set, conflicts };
}

/** Equal values are one candidate; `winners` come greatest first, so the first candidate is the one shown. */
function candidates(name: string, winners: Node[]): Candidate[] {
  // By canonical text, so that a thousand different values take no million comparisons.
  const seen = new Map<string, Candidate>();
  for (const { id, content } of winners) {
    const value = member(content.set, name);
    const key = value === undefined || winners.length === 1 ? '' : canonical(value);
    const same = seen.get(key);
    if (same) {
      same.revisions.push(id);
      continue;
    }
    const { author, createdAt } = content;
    const said = { revisions: [id], author, created_at: formatTime(createdAt), shown: seen.size === 0 };
    seen.set(key, value === undefined ? said : { value, ...said });
  }
  for (const { revisions } of seen.values()) revisions.sort();
  return [...seen.values()];
}

function attachments(history: History): KeptAttachment[] {
  const media = new Map<MediaHash, Thing>();
  const thing = (hash: MediaHash): Thing => {
    const known = media.get(hash) ?? { writers: [], coverers: [] };
    media.set(hash, known);
    return known;
  };
  history.nodes.forEach(({ content }, at) => {
    for (const { hash } of content.attach) thing(hash).writers.push(at);
    for (const hash of content.detach) thing(hash).coverers.push(at);
  });
  const standing = history.uncovered([...media.values()]);
  const kept: { node: Node; index: number }[] = [];
  [...media.keys()].forEach((hash, index) => {
    const nodes = (standing[index] as number[]).map((at) => history.at(at));
    const node = nodes.toSorted(compareRank).at(-1);
    if (node) kept.push({ node, index: node.content.attach.findIndex((attachment) => attachment.hash === hash) });
  });
  kept.sort((a, b) => compareRank(a.node, b.node) || a.index - b.index);
  return kept.map(({ node, index }) => ({ ...(node.content.attach[index] as Attachment), revision: node.id }));
}

function push(lists: Map<string, number[]>, name: string, at: number): void {
  const list = lists.get(name);
  if (list) list.push(at);
  else lists.set(name, [at]);
}
