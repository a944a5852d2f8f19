import type { StyleSpecification } from 'maplibre-gl';
import { api } from '$lib/api/client';
import { Problem } from '$lib/api/problem';
import type { Basemap, FoundMap, MapCopy } from '$lib/api/types';
import { NONE, chosenOf, isCopying, remember, remembered } from './choice';

/** Often enough for a bar that moves. */
const LOOK_MS = 500;

const CHANNEL = 'maloca-basemaps-1';

/** What is asked of the hub. */
export type MapHub = Pick<
  typeof api,
  | 'basemaps'
  | 'basemapStyle'
  | 'foundBasemaps'
  | 'copyBasemap'
  | 'sendBasemap'
  | 'basemapCopy'
  | 'stopBasemapCopy'
  | 'removeBasemap'
>;

/** The basemaps of the hub, which of them is shown, and the one that is being copied. Components read it; only this file writes it. */
export class Basemaps {
  /** `null`: not known yet. */
  maps = $state.raw<Basemap[] | null>(null);
  copy = $state.raw<MapCopy | null>(null);
  found = $state.raw<{ maps: FoundMap[]; complete: boolean } | null>(null);
  /** Why the last thing that was asked for was not done. */
  problem = $state.raw<Problem | null>(null);
  busy = $state(false);

  #wish = $state(remembered());
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sending: AbortController | null = null;
  #closed = false;
  /** The other tabs of this browser: the hub has no event for its maps. */
  #others = 'BroadcastChannel' in globalThis ? new BroadcastChannel(CHANNEL) : null;

  constructor(
    private readonly hub: MapHub = api,
    private readonly pause = LOOK_MS,
  ) {
    if (this.#others) this.#others.onmessage = () => this.refresh();
  }

  readonly chosen = $derived(chosenOf(this.maps ?? [], this.#wish));

  async load(): Promise<void> {
    await this.#try(() => this.#fetch());
  }

  /** Somebody may have brought a map, or taken one away; where that cannot be learnt, all stays as it is. */
  async refresh(): Promise<void> {
    if (!this.#closed) await this.#fetch().catch(() => undefined);
  }

  /** What the dialog shows beside: the drives, and a copy that may be under way since before. */
  async look(): Promise<void> {
    await this.#try(async () => {
      this.#heard((await this.hub.basemapCopy()).copy);
      this.found = await this.hub.foundBasemaps();
    });
  }

  choose(map: Basemap | null): void {
    this.#wish = map?.id ?? NONE;
    remember(this.#wish);
  }

  copyFrom(path: string): Promise<void> {
    return this.#try(async () => this.#heard(await this.hub.copyBasemap(path)));
  }

  async send(file: File): Promise<void> {
    this.problem = null;
    this.#sending = new AbortController();
    this.copy = { name: file.name, state: 'copying', bytes: 0, bytes_total: file.size, map: null, trouble: null };
    this.#lookAgain();
    try {
      const map = await this.hub.sendBasemap(file, this.#sending.signal);
      this.#sending = null;
      this.#heard({ name: file.name, state: 'done', bytes: file.size, bytes_total: file.size, map: map.id, trouble: null });
    } catch (cause) {
      // The hub notes why, also where its answer does not get through to a browser that is still sending.
      const { copy } = await this.hub.basemapCopy().catch(() => ({ copy: null }));
      this.#heard(copy);
      const isTold = copy?.name === file.name && (copy.trouble !== null || copy.state === 'cancelled');
      if (!isTold && !this.#sending?.signal.aborted) this.problem = Problem.of(cause);
    } finally {
      this.#sending = null;
    }
  }

  async stop(): Promise<void> {
    await this.#try(() => this.hub.stopBasemapCopy());
    this.#sending?.abort();
  }

  remove(map: Basemap): Promise<void> {
    return this.#try(async () => {
      await this.hub.removeBasemap(map.id);
      this.#others?.postMessage('maps');
      await this.#fetch();
    });
  }

  /** The map's own style, for one that brings it. */
  async styleOf(map: Basemap): Promise<StyleSpecification | null> {
    return map.schema === 'own' ? ((await this.hub.basemapStyle(map.id)) as StyleSpecification) : null;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#others?.close();
    this.#others = null;
  }

  async #fetch(): Promise<void> {
    this.maps = (await this.hub.basemaps()).basemaps;
  }

  #heard(copy: MapCopy | null): void {
    const before = this.copy;
    this.copy = copy;
    if (isCopying(copy)) return this.#lookAgain();
    if (copy?.state === 'done' && isCopying(before)) this.#arrived(copy.map);
  }

  /** Whoever copies a map wants to see it. */
  async #arrived(id: string | null): Promise<void> {
    this.#others?.postMessage('maps');
    await this.load();
    const map = this.maps?.find((one) => one.id === id);
    if (map) this.choose(map);
  }

  #lookAgain(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    this.#timer = setTimeout(async () => {
      try {
        const { copy } = await this.hub.basemapCopy();
        // The hub may not have heard yet that a file is on its way, and tell of the one before; how this one ends, its own answer says.
        if (this.#sending && !isCopying(copy)) this.#lookAgain();
        else this.#heard(copy);
      } catch {
        // A hub that does not answer now may do so soon; the page says elsewhere that it is gone.
        this.#lookAgain();
      }
    }, this.pause);
  }

  async #try(task: () => Promise<void>): Promise<void> {
    this.busy = true;
    this.problem = null;
    try {
      await task();
    } catch (cause) {
      this.problem = Problem.of(cause);
    } finally {
      this.busy = false;
    }
  }
}
