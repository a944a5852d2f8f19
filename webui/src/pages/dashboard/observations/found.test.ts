import { describe, expect, it } from 'vitest';
import type { ObservationQuery } from '$lib/api/client';
import { Problem } from '$lib/api/problem';
import type { ObservationPage } from '$lib/api/types';
import { observation } from '$lib/rules/fixtures';
import { Found } from './found.svelte';

/** A hub with its observations in a list, newest first; an answer is given when the test says so. */
class Shelf {
  docs: string[] = [];
  gone = false;
  asked: ObservationQuery[] = [];
  /** Holds answers back from then on. */
  slow = false;
  #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.docs = Array.from({ length: count }, (_, index) => `${String(count - index).padStart(4, '0')}`);
  }

  async observations(query: ObservationQuery, stop?: AbortSignal): Promise<ObservationPage> {
    this.asked.push(query);
    // The answer is made when it is asked for and comes later, as over a network.
    const isTurned = query.order === 'oldest';
    const all = isTurned ? this.docs.toReversed() : this.docs;
    const beyond = (doc: string) => (isTurned ? doc > (query.after ?? '') : doc < (query.after ?? ''));
    const start = query.after === undefined ? (query.skip ?? 0) : all.findIndex(beyond);
    const from = start === -1 ? all.length : start;
    const docs = all.slice(from, from + (query.limit ?? 50));
    const next = from + docs.length < all.length ? (docs.at(-1) ?? null) : null;
    if (this.slow) await new Promise<void>((done) => this.#waiting.push(done));
    if (this.gone || stop?.aborted) throw Problem.unreachable();
    return { observations: docs.map((doc) => observation(doc)), next, previous: docs[0] ?? null };
  }

  async observation(doc: string) {
    return observation(doc, { deleted: true });
  }

  /** The last question is answered first. */
  release(): void {
    this.slow = false;
    for (const done of this.#waiting.splice(0).reverse()) done();
  }
}

const settle = () => new Promise((done) => setTimeout(done, 5));
const shown = (found: Found) => Array.from({ length: found.length }, (_, index) => found.at(index)?.doc ?? '·');

async function opened(count: number) {
  const shelf = new Shelf(count);
  const found = new Found(shelf);
  found.ask({});
  await settle();
  found.see(0, 8);
  await settle();
  return { shelf, found };
}

describe('what was found', () => {
  it('is fetched ahead, and all of it for who scrolls on', async () => {
    const { shelf, found } = await opened(2000);
    expect(found.length).toBeGreaterThanOrEqual(208);
    while (found.hasMore) {
      found.see(found.length - 8, found.length);
      await settle();
    }
    expect(found.length).toBe(2000);
    expect(found.at(1999)?.doc).toBe('0001');
    expect(found.at(0)).toBeNull();
    found.see(0, 8);
    await settle();
    expect(found.at(0)?.doc).toBe('2000');
    expect(shelf.asked.length).toBeLessThan(20);
  });

  it('is as long as the hub counts, and shows the oldest at its end at once', async () => {
    const { shelf, found } = await opened(9000);
    found.expect(9000);
    expect([found.length, found.hasMore]).toEqual([9000, false]);
    const before = shelf.asked.length;
    found.see(8990, 9000);
    await settle();
    expect(found.at(8999)?.doc).toBe('0001');
    expect(found.at(8990)?.doc).toBe('0010');
    expect(shelf.asked.length - before).toBeLessThan(5);
    found.see(4000, 4010);
    await settle();
    expect(found.at(4005)?.doc).toBe('4995');
    found.see(0, 8);
    await settle();
    expect(found.at(0)?.doc).toBe('9000');
  });

  it('keeps its places while news are held back', async () => {
    const { shelf, found } = await opened(3000);
    found.expect(3000);
    found.see(40, 48);
    await settle();
    shelf.docs.unshift('3002', '3001');
    found.changed(['3001', '3002']);
    found.expect(3002);
    await settle();
    expect([found.fresh, found.length]).toEqual([2, 3000]);
    found.see(1000, 1008);
    await settle();
    expect(found.at(1000)?.doc).toBe('2000');
    found.see(2992, 3000);
    await settle();
    expect(found.at(2999)?.doc).toBe('0001');
  });

  it('puts no answer where it does not belong, as news made other gaps meanwhile', async () => {
    const { shelf, found } = await opened(3000);
    found.expect(3000);
    found.see(200, 208);
    await settle();
    shelf.slow = true;
    found.see(2000, 2008);
    // What is above is let go of, and its gap becomes one with that which is being filled.
    found.changed(['2990', '2880', '2780', '2680']);
    await settle();
    shelf.release();
    await settle();
    const places = shown(found);
    expect(places.length).toBe(3000);
    for (const [at, doc] of places.entries()) expect(doc === '·' || Number(doc) === 3000 - at, `${at}: ${doc}`).toBe(true);
    expect(found.at(2004)?.doc).toBe('0996');
  });

  it('has no gap when news come while a page is on its way', async () => {
    const { shelf, found } = await opened(1000);
    shelf.slow = true;
    // Near enough to the end for the next page, and still at the top.
    found.see(0, 120);
    shelf.docs.unshift('1003', '1002', '1001');
    found.changed(['1001', '1002', '1003']);
    await settle();
    shelf.release();
    await settle();
    found.see(0, 8);
    await settle();
    expect(shown(found)).toEqual(shelf.docs.slice(0, found.length));
    expect(found.at(0)?.doc).toBe('1003');
  });

  it('holds news back from who reads further down, and shows there what changed', async () => {
    const { shelf, found } = await opened(1000);
    found.see(40, 48);
    const before = shown(found);
    shelf.docs.unshift('1002', '1001');
    found.changed(['1001', '1002', before[42] ?? '']);
    await settle();
    expect(found.fresh).toBe(2);
    expect(shown(found).slice(0, 60)).toEqual(before.slice(0, 60));
    expect(found.at(42)?.deleted).toBe(true);
    found.showFresh();
    await settle();
    expect(found.at(0)?.doc).toBe('1002');
    expect(found.fresh).toBe(0);
  });

  it('never shows the answer to an earlier question', async () => {
    const { shelf, found } = await opened(10);
    shelf.slow = true;
    found.ask({ q: 'old' });
    expect(found.asked).toBe(false);
    const later = new Shelf(3);
    shelf.docs = later.docs;
    found.ask({ q: 'new' });
    shelf.release();
    await settle();
    expect(shown(found)).toEqual(['0003', '0002', '0001']);
    expect(found.asked).toBe(true);
  });

  it('says that the hub is gone, asks no more by itself while somebody scrolls, and goes on when told', async () => {
    const { shelf, found } = await opened(1000);
    shelf.gone = true;
    found.see(found.length - 8, found.length);
    await settle();
    expect(found.problem?.code).toBe('unreachable');
    const { length } = shelf.asked;
    found.see(found.length - 7, found.length);
    expect(shelf.asked.length).toBe(length);
    shelf.gone = false;
    found.again();
    await settle();
    expect(found.problem).toBeNull();
    expect(shown(found)).toEqual(shelf.docs.slice(0, found.length));
  });
});
