/**
 * What counts only from hubs of the project: which hubs there are, and the categories.
 *
 * Anybody may write a revision of any kind, so what others wrote of these kinds is passed over here, as on the hub
 * (`hub/src/trust/members.rs`, `hub/src/query/presets.rs`). The hubs that this phone has joined are where trust begins.
 */

import { member, type JsonObject } from '../record/canonical';
import { merge, type Document } from '../record/document';
import { docFromSource, isId, type DeviceId, type DocId } from '../record/ids';
import type { Tx } from './tx';

/** A category as hubs say it; the properties are those of `PresetSet` in `$lib/api/types`. */
export type Category = Pick<Document, 'doc' | 'heads' | 'state' | 'set' | 'changed_at'>;

/** The categories, those that are retired included, in their order. */
export async function categories(tx: Tx): Promise<Category[]> {
  const hubs = await hubsOfProject(tx);
  const merged = await Promise.all((await docsOf(tx, 'preset')).map((doc) => mergeBy(tx, 'preset', doc, hubs)));
  const order = ({ order }: JsonObject) => (typeof order === 'number' ? order : Number.POSITIVE_INFINITY);
  return merged
    .filter((preset) => preset !== null && !preset.deleted && typeof member(preset.set, 'key') === 'string')
    .map((preset) => preset as Document)
    .sort((a, b) => compare(order(a.set), order(b.set)) || (a.doc < b.doc ? -1 : 1))
    .map(({ doc, heads, state, set, changed_at }) => ({ doc, heads, state, set, changed_at }));
}

const compare = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0);

/** The hubs that this phone has joined, and those for which they vouch. */
async function hubsOfProject(tx: Tx): Promise<Set<DeviceId>> {
  const trusted = new Set(await tx.hubs());
  const docs = await docsOf(tx, 'hub');
  let before: number;
  do {
    before = trusted.size;
    for (const doc of docs) {
      const said = await mergeBy(tx, 'hub', doc, trusted);
      const device = said && member(said.set, 'device');
      if (!isId(device) || docFromSource('maloca hub', device) !== doc) continue;
      // Where hubs disagree about a revocation, it is out until they agree.
      const isOut = said?.set.revoked === true || said?.conflicts.revoked?.some(({ value }) => value === true);
      if (!isOut) trusted.add(device);
    }
  } while (trusted.size > before);
  return trusted;
}

const docsOf = async (tx: Tx, kind: string): Promise<DocId[]> =>
  (await tx.table('views').index('kind').getAllKeys(IDBKeyRange.bound([kind], [kind, []]))) as DocId[];

async function mergeBy(tx: Tx, kind: string, doc: DocId, authors: Set<DeviceId>): Promise<Document | null> {
  const revisions = (await tx.history(doc)).map(({ revision }) => revision);
  return merge(doc, revisions.filter(({ content }) => content.kind === kind && authors.has(content.author)));
}
