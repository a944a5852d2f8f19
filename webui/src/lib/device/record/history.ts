/**
 * The graph of one document's revisions: parents before children, depth, who supersedes whom. The merge alone asks it; the twin
 * of `History` in `protocol/src/document.rs`, with the same costs: linear where the history is one chain, as nearly all are.
 */

import type { Content, Revision } from './revision';
import type { DocId, RevisionId } from './ids';

export interface Node {
  id: RevisionId;
  content: Content;
  /** The longest chain of present parents. */
  depth: number;
  /** Positions of the present parents, all smaller than the node's own. */
  parents: number[];
  hasChild: boolean;
}

/** A property or a media, by the positions that write (or attach) it and those that supersede (or detach) it. */
export interface Thing {
  writers: number[];
  coverers: number[];
}

/** By (depth, id). */
export const compareRank = (a: Node, b: Node): number => a.depth - b.depth || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

/** Bits of a number that shifting works on. */
const BITS = 32;

export class History {
  readonly nodes: Node[] = [];
  readonly #isChain: boolean;

  constructor(doc: DocId, revisions: Iterable<Revision>) {
    const distinct = new Map<RevisionId, Content>();
    for (const { id, content } of revisions) if (content.doc === doc) distinct.set(id, content);
    const position = new Map<RevisionId, number>();
    for (const id of parentsFirst(distinct)) {
      const content = distinct.get(id) as Content;
      const parents = content.parents.map((parent) => position.get(parent)).filter((at) => at !== undefined);
      const depth = Math.max(-1, ...parents.map((at) => this.at(at).depth)) + 1;
      for (const at of parents) this.at(at).hasChild = true;
      position.set(id, this.nodes.length);
      this.nodes.push({ id, content, depth, parents, hasChild: false });
    }
    this.#isChain = this.nodes.every((node, at) => at === 0 || node.parents.includes(at - 1));
  }

  at(position: number): Node {
    return this.nodes[position] as Node;
  }

  heads(): Node[] {
    return this.nodes.filter((node) => !node.hasChild);
  }

  /** Named parents that are not here, sorted. One that belongs to another document is not here either. */
  missing(): RevisionId[] {
    const present = new Set(this.nodes.map(({ id }) => id));
    const named = this.nodes.flatMap(({ content }) => content.parents);
    return [...new Set(named.filter((parent) => !present.has(parent)))].sort();
  }

  /** For each thing: those of its writers that no coverer of the same thing descends from. */
  uncovered(things: Thing[]): number[][] {
    if (this.#isChain) return things.map(uncoveredInChain);
    const result: number[][] = [];
    for (let from = 0; from < things.length; from += BITS) {
      const chunk = things.slice(from, from + BITS);
      const covered = this.#covered(chunk);
      chunk.forEach((thing, bit) => result.push(thing.writers.filter((at) => !((covered[at] as number) & (1 << bit)))));
    }
    return result;
  }

  /** For each node, a bit for each thing that something which descends from it covers. */
  #covered(chunk: Thing[]): Uint32Array {
    const covers = new Uint32Array(this.nodes.length);
    chunk.forEach((thing, bit) => {
      for (const at of thing.coverers) covers[at] = (covers[at] as number) | (1 << bit);
    });
    const covered = new Uint32Array(this.nodes.length);
    for (let at = this.nodes.length - 1; at >= 0; at -= 1) {
      const above = (covered[at] as number) | (covers[at] as number);
      for (const parent of this.at(at).parents) covered[parent] = (covered[parent] as number) | above;
    }
    return covered;
  }
}

/** In a chain everything descends from everything before it. */
function uncoveredInChain({ writers, coverers }: Thing): number[] {
  const last = coverers.reduce((last, at) => Math.max(last, at), -1);
  return writers.filter((at) => at >= last);
}

/** The ids, parents before children. Hashes allow no cycle, so every id comes out. */
function parentsFirst(distinct: Map<RevisionId, Content>): RevisionId[] {
  const waiting = new Map<RevisionId, number>();
  const children = new Map<RevisionId, RevisionId[]>();
  const order: RevisionId[] = [];
  for (const id of [...distinct.keys()].sort()) {
    const present = (distinct.get(id) as Content).parents.filter((parent) => distinct.has(parent));
    for (const parent of present) {
      const known = children.get(parent);
      if (known) known.push(id);
      else children.set(parent, [id]);
    }
    if (present.length === 0) order.push(id);
    else waiting.set(id, present.length);
  }
  // The list grows while it is walked.
  for (const id of order) {
    for (const child of children.get(id) ?? []) {
      const left = (waiting.get(child) ?? 0) - 1;
      waiting.set(child, left);
      if (left === 0) order.push(child);
    }
  }
  return order;
}
