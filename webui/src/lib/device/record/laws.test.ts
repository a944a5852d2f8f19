/** Laws that hold for any history, and the ids that must come out as Rust's do. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createBLAKE3 } from 'hash-wasm';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { compareUtf8, fromBase64Url, toBase64Url, utf8 } from './bytes';
import { canonical, parse, type Json } from './canonical';
import { merge } from './document';
import { add, isEqual, NOTHING } from './fingerprint';
import { blake3Of, hashBytes, hashFile, hashOf } from './hash';
import { docFromSource, isDocId, newDocId, shortId } from './ids';
import { DeviceKey, isWeak } from './keys';
import { sign, type Revision } from './revision';
import { formatTime, parseTime } from './time';

// A busy machine takes its time; a story that hangs is still ended.
vi.setConfig({ testTimeout: 60_000 });

const DOC = '0193e2f1-0000-7000-8000-00000000000a';
const KEYS = [1, 2, 3].map((n) => DeviceKey.fromSeed(new Uint8Array(32).fill(n)));

/** A history: each revision names some of those before it. */
const histories = fc
  .array(
    fc.record({
      author: fc.nat(2),
      parents: fc.array(fc.nat(30), { maxLength: 3 }),
      set: fc.dictionary(fc.constantFrom('a', 'b', '__proto__'), fc.constantFrom<Json>(1, 2, null, 'x', { y: 1 })),
      unset: fc.subarray(['c', 'd']),
      attach: fc.option(fc.nat(2), { nil: undefined }),
      detach: fc.option(fc.nat(2), { nil: undefined }),
      deleted: fc.boolean(),
    }),
    { minLength: 1, maxLength: 9 },
  )
  .map((plans) => {
    const made: Revision[] = [];
    const hash = (n: number) => hashOf(`media ${n}`);
    plans.forEach(({ author, parents, set, unset, attach, detach, deleted }, at) => {
      const named = [...new Set(parents.map((parent) => made[parent % (at || 1)]?.id).filter((id) => id !== undefined))];
      const draft = {
        kind: 'observation', doc: DOC, parents: named, createdAt: at * 1000, set, unset, deleted,
        attach: attach === undefined ? [] : [{ hash: hash(attach), name: `${at}`, type: 'x', size: at }],
        detach: detach === undefined || detach === attach ? [] : [hash(detach)],
      };
      made.push(sign(draft, KEYS[author] as DeviceKey));
    });
    return made;
  });

describe('the merge', () => {
  test('does not ask in which order revisions came, nor how often', () => {
    fc.assert(
      fc.property(histories, fc.infiniteStream(fc.nat()), (history, luck) => {
        const expected = canonical(merge(DOC, history));
        const shuffled = [...history, ...history].map((revision) => ({ revision, at: luck.next().value as number }));
        const other = shuffled.sort((a, b) => a.at - b.at).map(({ revision }) => revision);
        expect(canonical(merge(DOC, other))).toBe(expected);
      }),
      { numRuns: 60 },
    );
  });

  test('drops nothing: each head\'s writes are shown or listed', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const document = merge(DOC, history);
        for (const { content } of history.filter(({ id }) => document?.heads.includes(id))) {
          for (const [name, value] of Object.entries(content.set)) {
            const conflicts = Object.hasOwn(document?.conflicts ?? {}, name) ? document?.conflicts[name] : undefined;
            const said = conflicts?.map((candidate) => candidate.value) ?? [document?.set[name]];
            expect(said.map((value) => (value === undefined ? '' : canonical(value)))).toContain(canonical(value));
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

test('what was written canonically is read as it was', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5, noUnicodeString: false }), (value) => {
      let text: string;
      try {
        text = canonical(value);
        parse(utf8(text));
      } catch {
        // Integers beyond 2^53 and halves of characters, which are refused.
        return;
      }
      expect(canonical(parse(utf8(text)))).toBe(text);
      expect(parse(utf8(text))).toEqual(JSON.parse(text));
    }),
  );
});

test('base64url is read in its one form only', () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => void expect(fromBase64Url(toBase64Url(bytes))).toEqual(new Uint8Array(bytes))));
  for (const bad of ['A', 'AB', 'A===', 'AA==', 'A+', 'A A']) expect(fromBase64Url(bad), bad).toBeNull();
});

test('texts are ordered as their bytes', () => {
  const sign = (n: number) => Math.sign(n);
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '\u00e9', '\uffee', '\u{1f600}', '\u{10ffff}') });
  fc.assert(fc.property(text, text, (a, b) => void expect(sign(compareUtf8(a, b))).toBe(sign(Buffer.compare(Buffer.from(a), Buffer.from(b))))));
});

test('a fingerprint is of the set, not of the order, and of the project', () => {
  const ids = [1, 2, 3, 4, 5].map((n) => hashOf(`${n}`));
  const sum = (ids: string[], project = '03'.repeat(16)) => ids.reduce((sum, id) => add(sum, project, id), NOTHING);
  expect(isEqual(sum(ids), sum(ids.toReversed()))).toBe(true);
  expect(isEqual(sum(ids), sum(ids.slice(1)))).toBe(false);
  expect(isEqual(sum(ids), sum(ids, '04'.repeat(16)))).toBe(false);
});

test('times have one form', () => {
  expect(parseTime('2026-11-21T05:28:00.123Z')).toBe(1_795_238_880_123);
  for (const bad of ['2026-11-21T05:28:00Z', '2026-02-29T05:28:00.000Z', '2026-02-30T05:28:00.000Z', '2026-11-21T24:00:00.000Z', '2026-11-21T23:59:60.000Z', '+02026-11-21T05:28:00.000Z', '']) {
    expect(parseTime(bad), bad).toBeNull();
  }
  for (const text of ['0000-01-01T00:00:00.000Z', '1969-12-31T23:59:59.999Z', '2024-02-29T12:00:00.001Z', '9999-12-30T21:59:59.999Z']) {
    expect(formatTime(parseTime(text) as number)).toBe(text);
  }
});

test('ids: documents of a source come out as in Rust, new ones sort by time', () => {
  const folder = fileURLToPath(new URL('../../../../../protocol/vectors/', import.meta.url));
  const { histories } = JSON.parse(readFileSync(`${folder}histories-1.json`, 'utf8')) as { histories: { doc: string }[] };
  histories.slice(0, 20).forEach(({ doc }, at) => expect(docFromSource('vectors', String(at))).toBe(doc));
  const docs = [1, 2, 3].map((n) => newDocId(1_795_000_000_000 + n));
  expect(docs.every(isDocId)).toBe(true);
  expect(docs).toEqual(docs.toSorted());
  expect(docs[0]?.[14]).toBe('7');
  expect(shortId('ab12cd34ef56'.padEnd(64, '0'))).toBe('ab12 cd34 ef56');
});

test('weak keys are known as such', () => {
  expect(isWeak(`01${'00'.repeat(31)}`)).toBe(true);
  expect(isWeak('00'.repeat(32))).toBe(true);
  expect(isWeak((KEYS[0] as DeviceKey).id)).toBe(false);
});

describe('hashes', () => {
  const sizes = [0, 1, 1023, 1024, 1025, 16_384, 16_385, 1024 * 1024, 1024 * 1024 + 1, 3_000_000];
  const bytes = (size: number) => new Uint8Array(size).map((_, at) => at % 251);

  test.each(sizes)('%i bytes come to the same by every way', async (size) => {
    const expected = hashOf(bytes(size));
    expect(await hashBytes(bytes(size))).toBe(expected);
    const done: number[] = [];
    expect(await hashFile(new Blob([bytes(size)]), (at) => done.push(at))).toBe(expected);
    expect(done.at(-1) ?? 0).toBe(size);
    const wasm = await createBLAKE3();
    expect(wasm.init().update(bytes(size)).digest('hex')).toBe(expected);
    expect(blake3Of(bytes(size))).toHaveLength(32);
  });

  test('where the page\'s policy forbids WebAssembly, the slow way is taken', async () => {
    vi.resetModules();
    const createBLAKE3 = vi.fn().mockRejectedValue(new WebAssembly.CompileError('refused by policy'));
    vi.doMock('hash-wasm', () => ({ createBLAKE3 }));
    const slow = await import('./hash');
    for (let n = 0; n < 2; n += 1) expect(await slow.hashFile(new Blob([bytes(3_000_000)]))).toBe(hashOf(bytes(3_000_000)));
    expect(createBLAKE3).toHaveBeenCalledTimes(1);
    vi.doUnmock('hash-wasm');
  });
});
