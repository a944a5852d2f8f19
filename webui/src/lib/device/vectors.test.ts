/**
 * Holds the phone against the conformance vectors that the hub's own code is held against: `protocol/vectors`. A file that is not
 * known here, a member of a vector that is not understood, or a count that differs fails.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { take } from './outbox/freeze';
import { Memory } from './outbox/memory';
import { Outbox, type Entry } from './outbox/outbox';
import type { Unfrozen, Waiting } from './outbox/rows';
import { concat, fromHex, utf8 } from './record/bytes';
import { canonical, parse, type JsonObject } from './record/canonical';
import { merge } from './record/document';
import { hashOf } from './record/hash';
import { DeviceKey, verify } from './record/keys';
import { REFUSALS, Refusal } from './record/refusal';
import { check, envelope, fromStored } from './record/revision';

// A busy machine takes its time; a story that hangs is still ended.
vi.setConfig({ testTimeout: 60_000 });

const FOLDER = fileURLToPath(new URL('../../../../protocol/vectors/', import.meta.url));

/** Vectors are read as whatever they are. */
type Any = any;
const file = (name: string): Any => JSON.parse(readFileSync(FOLDER + name, 'utf8'));

/** A vector says only what this test reads; anything else would be a rule that nobody checks. */
const understood = (vector: object, ...names: string[]) => expect(names).toEqual(expect.arrayContaining(Object.keys(vector)));

test('every file of vectors is run here', () => {
  const known = ['histories-1.json', 'histories-2.json', 'histories-3.json', 'histories-4.json', 'outbox.json', 'refused.json', 'signatures.json'];
  expect(readdirSync(FOLDER).sort()).toEqual(known);
});

describe('histories', () => {
  let seen = 0;
  test.each([1, 2, 3, 4])('part %i merges as written', (part) => {
    const vectors = file(`histories-${part}.json`);
    understood(vectors, 'about', 'histories');
    for (const history of vectors.histories) {
      understood(history, 'doc', 'revisions', 'ids', 'merged');
      const revisions = history.revisions.map((rev: JsonObject, at: number) => fromStored(history.ids[at], canonical(rev), ''));
      expect(canonical(merge(history.doc, revisions))).toBe(canonical(history.merged));
      seen += 1;
    }
  });
  test('there are two thousand', () => expect(seen).toBe(2_000));
});

test('two hundred lines are refused by name', () => {
  const vectors = file('refused.json');
  understood(vectors, 'about', 'refused');
  const codes = new Set<string>();
  for (const { code, line } of vectors.refused) {
    const bytes = concat(...line.map(partOf));
    let refused: unknown = null;
    try {
      check(bytes);
    } catch (cause) {
      refused = cause;
    }
    expect(refused instanceof Refusal && refused.code, JSON.stringify(line).slice(0, 300)).toBe(code);
    codes.add(code);
  }
  expect(vectors.refused).toHaveLength(200);
  expect([...codes].sort()).toEqual(Object.keys(REFUSALS).sort());
});

function partOf(part: Any): Uint8Array {
  if (typeof part === 'string') return utf8(part);
  if (part.hex !== undefined) return fromHex(part.hex) as Uint8Array;
  understood(part, 'repeat', 'times');
  return utf8(part.repeat.repeat(part.times));
}

test('signatures at the edge are judged as ZIP 215 does', () => {
  const vectors = file('signatures.json');
  understood(vectors, 'about', 'signatures');
  for (const vector of vectors.signatures) {
    understood(vector, 'about', 'author', 'message', 'sig', 'valid');
    expect(verify(vector.author, 'revision', fromHex(vector.message) as Uint8Array, vector.sig), JSON.stringify(vector)).toBe(vector.valid);
  }
  expect(vectors.signatures).toHaveLength(327);
});

describe('outbox', () => {
  const vectors = file('outbox.json');
  test('the file is understood', () => {
    understood(vectors, 'about', 'device_seed', 'scripts');
    expect(vectors.scripts).toHaveLength(100);
  });
  for (const script of vectors.scripts) {
    test(script.name, async () => {
      understood(script, 'name', 'steps');
      const player = new Player(DeviceKey.fromSeed(fromHex(vectors.device_seed) as Uint8Array));
      for (const [number, step] of script.steps.entries()) {
        expect(canonical(await player.play(step)), `step ${number}: ${step.do}`).toBe(canonical(step.expect));
      }
    });
  }
});

/** Plays an outbox script; the twin of `protocol/tests/common/script.rs`. */
class Player {
  readonly memory = new Memory();
  readonly outbox: Outbox;

  constructor(readonly key: DeviceKey) {
    this.outbox = new Outbox(this.memory, key.id);
  }

  async play(step: Any): Promise<JsonObject> {
    const result = await this.#take(step);
    return { ...(await this.#state()), ...(result === undefined ? {} : { result }) } as JsonObject;
  }

  async #take(step: Any): Promise<unknown> {
    const { outbox } = this;
    switch (step.do) {
      case 'hub':
        understood(step, 'do', 'hub', 'expect');
        this.memory.knownHubs.put(step.hub, step.hub);
        return outbox.offerEverything(step.hub);
      case 'edit':
        understood(step, 'do', 'doc', 'edit', 'at', 'expect');
        understood(step.edit, 'set', 'unset', 'attach', 'detach', 'deleted');
        return outbox.edit(step.doc, 'observation', step.at, step.edit);
      case 'take': {
        understood(step, 'do', 'hub', 'limit', 'expect');
        const taken = await take(outbox, this.key, step.hub, { limit: step.limit, bytes: 1 << 20 });
        return taken.map(({ revision }) => envelope(revision));
      }
      case 'ack':
        understood(step, 'do', 'hub', 'revision', 'expect');
        return outbox.ack(step.hub, await this.#waiting(step.revision));
      case 'refuse':
        understood(step, 'do', 'hub', 'revision', 'code', 'detail', 'expect');
        return outbox.refuse(step.hub, await this.#waiting(step.revision), step.code, step.detail);
      case 'pull':
        understood(step, 'do', 'hub', 'line', 'expect');
        return outbox.pull(step.hub, check(utf8(step.line)));
      case 'offer_everything':
        understood(step, 'do', 'hub', 'expect');
        return outbox.offerEverything(step.hub);
      case 'settle':
        understood(step, 'do', 'hub', 'expect');
        return outbox.settle(step.hub);
      default:
        throw new Error(`unknown step ${step.do}`);
    }
  }

  async #waiting(id: string): Promise<Waiting> {
    const found = (await this.memory.own()).find((own) => own.id === id);
    if (!found) throw new Error(`${id} is no own revision`);
    return found;
  }

  async #state() {
    const queue: Record<string, unknown> = {};
    for (const hub of await this.memory.hubs()) {
      const entries = await this.outbox.queue(hub, 0, Number.POSITIVE_INFINITY);
      queue[hub] = entries.map((entry) => this.#entry(entry));
    }
    const docs = Object.fromEntries(
      this.memory.locals.list().map(({ doc, version, versionSynced }) => [doc, { version, version_synced: versionSynced }]),
    );
    const parked: Record<string, unknown[]> = {};
    for (const { by, doc, id, code } of this.memory.parkedBy.list()) {
      parked[by] = [...(parked[by] ?? []), { doc, revision: id ?? null, code }];
    }
    return { queue, docs, parked, drafts: this.memory.draftPlaces.list().map((entry) => this.#entry(entry)) };
  }

  #entry({ doc, id }: Omit<Entry, 'place'>): JsonObject {
    if (id !== undefined) return { revision: id, doc };
    return { draft: { ...written(this.memory.locals.get(doc)?.draft as Unfrozen), doc } };
  }
}

/** A draft as Rust writes it: without its place, and without what is empty. */
function written(draft: Unfrozen): JsonObject {
  const { parents, createdAt, deleted, refused, set, ...lists } = draft;
  const full = Object.entries({ unset: lists.unset, attach: lists.attach, detach: lists.detach }).filter(([, list]) => list.length > 0);
  return {
    parents,
    created_at: createdAt,
    deleted,
    ...(Object.keys(set).length > 0 && { set }),
    ...(refused !== undefined && { refused }),
    ...(Object.fromEntries(full) as unknown as JsonObject),
  };
}

test('what is read strictly is written canonically', () => {
  const cases: [string, string][] = [
    ['1.0', '1'],
    ['-0.0', '0'],
    ['1e3', '1000'],
    ['9007199254740991', '9007199254740991'],
    ['1e-7', '1e-7'],
    ['5e-324', '5e-324'],
    ['333333333.33333329', '333333333.3333333'],
    ['0.000001', '0.000001'],
    ['1e-400', '0'],
    ['{"\ue000":1,"\u{1f600}":2,"a":3}', '{"a":3,"\u{1f600}":2,"\ue000":1}'],
    ['{"__proto__":{"a":1},"constructor":2}', '{"__proto__":{"a":1},"constructor":2}'],
    ['"\\ud83d\\ude00\\/\\u0007"', '"\u{1f600}/\\u0007"'],
  ];
  for (const [given, expected] of cases) expect(canonical(parse(utf8(given))), given).toBe(expected);
  expect(hashOf('')).toBe('af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262');
});
