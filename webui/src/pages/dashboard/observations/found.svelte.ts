import { api, type ObservationQuery } from '$lib/api/client';
import { Problem } from '$lib/api/problem';
import type { Observation, ObservationPage } from '$lib/api/types';
import {
  NOTHING, begin, change, fill, forget, hasMore, isAlike, itemAt, lengthOf, letGo, needOf, stretchTo, unseen, type Pages,
} from '$lib/rules/paging';
import { ByName, OneAtATime } from '../one-at-a-time';

/** Observations on a page: some screens, in an answer of some 100 KB. */
const PAGE = 100;

/** The most that the hub gives at once. */
const LONGEST_PAGE = 500;

/** So far before its end the next page is fetched. */
const AHEAD = 200;

const SIZES = { page: PAGE, longest: LONGEST_PAGE, ahead: AHEAD };

/** So far from the reader a page is let go. */
const KEEP = 1500;

/** So many of the observations on the screen are asked for by name when they change. */
const BY_NAME = 60;

/**
 * The observations that match a filter, as far as somebody scrolled: fetched ahead, let go behind, and kept as the
 * hub has them without moving under the reader. The list and the photos have one each.
 */
export class Found {
  list = $state.raw<Pages>(NOTHING);
  /** Whether the answer to the present question is on the screen; what is there else belongs to the one before. */
  asked = $state(false);
  problem = $state.raw<Problem | null>(null);
  /** How many new ones are held back while somebody reads further down. */
  fresh = $state(0);
  /** There are more than `fresh`. */
  freshIsMore = $state(false);

  #question: ObservationQuery = {};
  #stop = new AbortController();
  #filling: AbortController | null = null;
  #seen = { start: 0, end: 0 };
  #total: number | null = null;
  /** Counts how often the list began anew: an answer to what was asked before that has no place in it. */
  #begun = 0;
  #news = new OneAtATime(() => this.#lookForNews());
  #renewing = new ByName((doc) => this.#renew(doc));

  /** @param hub where the observations come from */
  constructor(private readonly hub: Pick<typeof api, 'observations' | 'observation'> = api) {}

  get length(): number {
    return lengthOf(this.list);
  }

  get hasMore(): boolean {
    return hasMore(this.list);
  }

  at(index: number): Observation | null | undefined {
    return itemAt(this.list, index);
  }

  /** Another filter: what was asked before is of no use any more. */
  ask(question: ObservationQuery): void {
    this.#question = question;
    this.#total = null;
    this.#seen = { start: 0, end: 0 };
    this.#begin();
  }

  /** From the newest on; also how a reader gets to see what was held back. */
  #begin(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#renewing.forget();
    this.asked = false;
    this.problem = null;
    this.fresh = 0;
    this.#fill();
  }

  showFresh = (): void => {
    this.#seen = { start: 0, end: 0 };
    this.#begin();
  };

  /** After a failure. */
  again = (): void => {
    this.problem = null;
    this.#fill();
  };

  /** How many the hub counts; `null` while nobody knows, or where a place in the list could not be jumped to in reasonable time. */
  expect(total: number | null): void {
    this.#total = total;
    // Who reads further down keeps the places that he has: the count has the news in it, his list has not.
    if (total !== null && this.asked && (this.#seen.start === 0 || this.hasMore)) this.list = stretchTo(this.list, total - this.fresh);
  }

  /** Which places somebody sees now. */
  see(start: number, end: number): void {
    this.#seen = { start, end };
    // Whoever scrolls on after a failure has a button for it; the hub is not asked with each turn of the wheel.
    if (this.asked && !this.problem) this.#fill();
  }

  /** These were written, or, without names, anything may have been. */
  changed(docs: string[] | null): void {
    if (this.problem) this.again();
    this.#news.run();
    const { start, end } = this.#seen;
    // At the top the news bring everything that is on the screen.
    if (start === 0) return;
    const here = this.list.stretches.flatMap((one) => ('items' in one ? one.items : [])).map(({ doc }) => doc);
    const touched = new Set(docs ?? here);
    this.list = forget(this.list, touched, start, end);
    const named: string[] = [];
    for (let index = start; index < end && named.length < BY_NAME; index += 1) {
      const doc = this.at(index)?.doc;
      if (doc && touched.has(doc)) named.push(doc);
    }
    this.#renewing.want(named);
  }

  /** Photos have arrived: the observations that wait for them show them. */
  held(hashes: string[]): void {
    const arrived = new Set(hashes);
    this.list = change(this.list, (item) => {
      if (!item.attachments.some(({ hash, held }) => !held && arrived.has(hash))) return item;
      return { ...item, attachments: item.attachments.map((one) => (arrived.has(one.hash) ? { ...one, held: true } : one)) };
    });
  }

  close(): void {
    this.#stop.abort();
    this.#renewing.forget();
  }

  /** Fetches what is needed, one call after the other, until nothing is. */
  async #fill(): Promise<void> {
    const stop = this.#stop;
    if (this.#filling === stop) return;
    this.#filling = stop;
    try {
      if (!this.asked) {
        const first = await this.hub.observations({ ...this.#question, limit: PAGE }, stop.signal);
        if (stop.signal.aborted) return;
        this.#anew(first);
        this.asked = true;
      }
      for (;;) {
        const need = needOf(this.list, this.#seen.start, this.#seen.end, SIZES);
        if (!need) break;
        const [begun, before] = [this.#begun, this.list];
        const { skip, order } = need.question;
        // News that are held back lie above all that is in the list.
        const moved = skip !== undefined && order !== 'oldest' ? { skip: skip + this.fresh } : {};
        const answer = await this.hub.observations({ ...this.#question, ...need.question, ...moved }, stop.signal);
        if (stop.signal.aborted) return;
        // News may have made gaps and places others meanwhile; then it is asked what is needed now.
        if (begun !== this.#begun || !isAlike(before, this.list)) continue;
        const list = fill(this.list, need, answer);
        this.list = letGo(list, this.#seen.start, this.#seen.end, KEEP);
      }
    } catch (cause) {
      if (!stop.signal.aborted) this.problem = Problem.of(cause);
    } finally {
      if (this.#filling === stop) this.#filling = null;
    }
  }

  #anew(first: ObservationPage): void {
    this.#begun += 1;
    const list = begin(first);
    this.list = this.#total === null ? list : stretchTo(list, this.#total);
  }

  /** At the top the list is the hub's; for whoever reads further down, the news are counted and held back. */
  async #lookForNews(): Promise<void> {
    const { signal } = this.#stop;
    if (!this.asked) return;
    const limit = Math.min(LONGEST_PAGE, Math.max(PAGE, this.#seen.end + PAGE / 2));
    const newest = await this.hub.observations({ ...this.#question, limit }, signal);
    if (signal.aborted) return;
    if (this.#seen.start === 0) {
      this.#anew(newest);
      this.fresh = 0;
      this.#fill();
    } else {
      this.fresh = unseen(this.list, newest.observations);
      this.freshIsMore = newest.next !== null && this.fresh === newest.observations.length;
    }
  }

  /** One that is on the screen, as it is now, in its place: it may have stopped to match, and says so by its signs. */
  async #renew(doc: string): Promise<void> {
    const { signal } = this.#stop;
    const now = await this.hub.observation(doc, signal);
    if (!signal.aborted) this.list = change(this.list, (item) => (item.doc === doc ? now : item));
  }
}
