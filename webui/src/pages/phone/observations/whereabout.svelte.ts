import type { View, Whereabouts } from '$lib/device/device';
import { foremost, standings, type Standing } from '$lib/rules/standing';
import type { Phone } from '../phone.svelte';

/** A change of the store is read so soon; many of them at once. */
const READ_MS = 300;

/** The documents of a kind and where each of them is, read again when the phone's store changes. */
export class Whereabout {
  views = $state.raw<View[]>([]);
  ready = $state(false);
  #said = $state.raw<Whereabouts | null>(null);
  #reading: Promise<void> | null = null;
  #again = false;

  constructor(
    private readonly kind: string,
    private readonly phone: Phone,
  ) {}

  /** Reads it; while that is under way, once more afterwards. */
  read(): Promise<void> {
    this.#again = this.#reading !== null;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
      if (this.#again) void this.read();
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    const { device } = this.phone;
    if (!device) return;
    try {
      this.#said = await device.whereabouts(this.kind);
      this.views = this.#said.views;
      this.ready = true;
    } catch (cause) {
      console.error(cause);
    }
    await new Promise((done) => setTimeout(done, READ_MS));
  }

  /** How it stands with each hub; `null`: it came from others. */
  standingsOf(doc: string): Standing[] | null {
    const said = this.#said;
    if (!said) return null;
    const files = new Set(this.views.find((view) => view.doc === doc)?.attachments.map(({ hash }) => hash));
    const talking = this.phone.statuses.filter(({ phase }) => phase === 'talking').map(({ hub }) => hub);
    return standings({
      local: said.locals.get(doc),
      hubs: said.hubs,
      talking,
      parked: said.parked.filter((one) => one.doc === doc),
      wanted: said.wanted.filter(({ hash }) => files.has(hash)),
    });
  }

  foremostOf = (doc: string): Standing | null => foremost(this.standingsOf(doc));
}
