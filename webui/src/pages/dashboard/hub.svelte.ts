import { api } from '$lib/api/client';
import { EventStream } from '$lib/api/events';
import { Problem } from '$lib/api/problem';
import type { DeviceCard, ExportJob, LedgerEntry, Observation, ObservationPage, Overview, Pairing, Preset } from '$lib/api/types';
import { absorb, append, markHeld, namesOther, putDevice, putJob, replace, unseen, type Shown } from '$lib/rules/lists';
import { known } from '$lib/categories/known.svelte';
import { i18n } from '$lib/i18n/i18n.svelte';
import { ByName, OneAtATime } from './one-at-a-time';

const PAGE = 50;

const RETRY_MS = 3000;

/** Between two looks at the categories, as many documents may be named that are none. */
const PRESETS_REST_MS = 5000;

/** Deleted ones are shown as deleted: nothing vanishes without a word. */
const NEWEST = { limit: PAGE, sort: 'received', deleted: 'include' } as const;

/** What a page that shows observations of its own wants to hear. */
export interface Watcher {
  /** These changed or came; `null`: anything may have, as the connection was gone or a copy was made. */
  changed: (docs: string[] | null) => void;
  /** The bytes of these media have arrived. */
  held: (hashes: string[]) => void;
}

/** What the dashboard shows, kept as the hub tells it. Components read it; only this file writes it. */
export class Hub {
  overview = $state.raw<Overview | null>(null);
  devices = $state.raw<DeviceCard[]>([]);
  shown = $state.raw<Shown>({ items: [], next: null });
  /** The newest page, held back while somebody reads further down. */
  heldBack = $state.raw<ObservationPage | null>(null);
  jobs = $state.raw<ExportJob[]>([]);
  ledger = $state.raw<LedgerEntry[]>([]);
  pairing = $state.raw<Pairing | null>(null);
  /** Since when the hub has not answered. */
  lostSince = $state.raw<string | null>(null);
  live = $state(false);
  /** Whether everything was asked for once; before that, nothing here is no reason to say that there is nothing. */
  asked = $state(false);

  /** Whether somebody reads the list further down; news would pull it away under the eyes. */
  isReading: () => boolean = () => false;

  /** What a list had of the observation that was opened from it, so that it shows at once. */
  #atHand: Observation | null = null;
  #stream: EventStream;
  #watchers = new Set<Watcher>();
  #everything = new OneAtATime(() => this.#fetchEverything());
  #newest = new OneAtATime(() => this.#fetchNewest());
  #below = new ByName(async (doc) => void (this.shown = replace(this.shown, await api.observation(doc))));
  #presets = new OneAtATime(async () => {
    await this.fetchPresets();
    await new Promise((done) => setTimeout(done, PRESETS_REST_MS));
  });
  /** What was named and not looked for yet. */
  #named = new Set<string>();

  constructor(private readonly sessionEnded: () => void) {
    this.#stream = new EventStream(
      {
        hello: () => {
          this.live = true;
          this.#everything.run();
          for (const { changed } of this.#watchers) changed(null);
        },
        device: (card) => (this.devices = putDevice(this.devices, card)),
        device_removed: ({ id }) => (this.devices = this.devices.filter((device) => device.id !== id)),
        observations: ({ count, docs }) => this.#changed(docs, count),
        media: ({ hashes }) => {
          this.shown = markHeld(this.shown, hashes);
          for (const { held } of this.#watchers) held(hashes);
        },
        overview: (overview) => (this.overview = overview),
        export: (job) => this.#jobChanged(job),
        pairing: (pairing) => (this.pairing = pairing),
      },
      () => this.#lost(),
    );
    // Not only at `hello`: the stream may have to wait, and the page need not.
    this.#everything.run();
  }

  close(): void {
    this.#stream.close();
  }

  /** Tells `watcher` of observations until what it returns is called. */
  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  keepAtHand(observation: Observation): void {
    this.#atHand = observation;
  }

  /** An observation that is here already. */
  known(doc: string): Observation | null {
    if (this.#atHand?.doc === doc) return this.#atHand;
    return this.shown.items.find((item) => item.doc === doc) ?? null;
  }

  /** How many observations are held back. */
  get fresh(): number {
    return this.heldBack ? unseen(this.shown, this.heldBack) : 0;
  }

  showFresh(): void {
    if (this.heldBack) this.shown = absorb(this.shown, this.heldBack);
    this.heldBack = null;
  }

  async more(): Promise<void> {
    if (!this.shown.next) return;
    this.shown = append(this.shown, await api.observations({ ...NEWEST, after: this.shown.next }));
  }

  /** The categories, those that are retired included. */
  get presets(): Preset[] {
    return known.presets;
  }

  async fetchPresets(): Promise<void> {
    ({ presets: known.presets } = await api.presets());
  }

  putDevice(card: DeviceCard): void {
    this.devices = putDevice(this.devices, card);
  }

  putJob(job: ExportJob): void {
    this.jobs = putJob(this.jobs, job);
  }

  async renameHub(name: string): Promise<void> {
    const hub = await api.renameHub(name);
    if (this.overview) this.overview = { ...this.overview, hub };
  }

  async endSession(): Promise<void> {
    // A hub that does not answer keeps the session; its page is left all the same.
    await api.closeSession().catch(() => undefined);
    this.sessionEnded();
  }

  /**
   * Each part for itself: one that fails takes no other from the screen, and only a hub that does not answer is one
   * that is not connected.
   */
  async #fetchEverything(): Promise<void> {
    const parts: Promise<void>[] = [
      api.overview().then((overview) => void (this.overview = overview)),
      api.devices().then(({ devices }) => void (this.devices = devices)),
      api.exports().then(({ jobs, ledger }) => void Object.assign(this, { jobs, ledger })),
      api.pairing().then((pairing) => void (this.pairing = pairing)),
      this.#fetchNewest(),
      this.fetchPresets(),
      // A community's file may be damaged; the page then speaks what it can.
      i18n.addFromHub().catch(() => undefined),
    ];
    const answers = await Promise.allSettled(parts);
    const problems = answers.flatMap((answer) => (answer.status === 'rejected' ? [Problem.of(answer.reason)] : []));
    const ended = problems.find(({ status }) => status === 401);
    if (ended) return this.#failed(ended);
    const silent = problems.find(isSilence);
    if (silent) return this.#failed(silent);
    this.lostSince = null;
    this.asked = true;
    if (problems.some(({ retry }) => retry)) this.#again();
  }

  async #fetchNewest(): Promise<void> {
    const page = await api.observations(NEWEST);
    if (namesOther(this.#named, [...page.observations, ...this.shown.items])) this.#presets.run();
    this.#named.clear();
    if (this.isReading() && this.shown.items.length) {
      // What is on the screen already still changes in place.
      for (const one of page.observations) this.shown = replace(this.shown, one);
      this.heldBack = page;
    } else {
      this.shown = absorb(this.shown, page);
      this.heldBack = null;
    }
  }

  /** The newest come as one page; what is shown further down is fetched by name. */
  #changed(docs: string[], count: number): void {
    // The overview comes once a second at most; the sentence on top must not say meanwhile that there is nothing.
    const { overview } = this;
    if (overview) this.overview = { ...overview, counts: { ...overview.counts, observations: count } };
    for (const { changed } of this.#watchers) changed(docs);
    for (const doc of docs) this.#named.add(doc);
    this.#newest.run();
    this.#below.want(this.shown.items.slice(PAGE).flatMap(({ doc }) => (docs.includes(doc) ? [doc] : [])));
  }

  async #jobChanged(job: ExportJob): Promise<void> {
    this.putJob(job);
    if (job.state !== 'done') return;
    // What was not on a drive before may be now.
    for (const { changed } of this.#watchers) changed(null);
    this.ledger = await api.exports().then(({ ledger }) => ledger, () => this.ledger);
  }

  #lost(): void {
    this.live = false;
    this.lostSince ??= new Date().toISOString();
    // An event stream does not say why it failed; a call does.
    api.session().catch((cause) => this.#failed(Problem.of(cause)));
  }

  #failed(problem: Problem): void {
    if (problem.status === 401) return this.sessionEnded();
    if (!isSilence(problem)) return;
    this.lostSince ??= new Date().toISOString();
    this.#again();
  }

  /** The stream comes back by itself and says hello; when it never broke, try again here. */
  #again(): void {
    if (this.live) setTimeout(() => this.live && this.#everything.run(), RETRY_MS);
  }
}

/** No answer at all; an answer that says no is one. */
const isSilence = ({ code }: Problem) => code === 'unreachable';
