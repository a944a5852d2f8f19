import type { Preset } from '$lib/api/types';
import { drawFrom } from '$lib/categories/CategoryIcon.svelte';
import { DEFAULTS } from '$lib/categories/defaults';
import { DRAWINGS } from '$lib/categories/icons-default';
import { known } from '$lib/categories/known.svelte';
import type { Device, View } from '$lib/device/device';
import { readCategories } from './categories.svelte';
import { unfinished } from './unfinished';

// The first page draws them, so they come with it.
drawFrom(DRAWINGS);

/** What a row of an observation that was begun shows. */
export type Begun = Pick<View, 'doc' | 'set' | 'created_at'>;

interface Shown {
  /** What kept it: another version of the app may show other things. */
  by: string;
  presets: Preset[];
  open: Begun[];
  track: boolean;
}

/** Where it is kept beside the store. Pictures as icons may be too large for it; then the page waits for the store. */
const KEPT = 'maloca.first_page';
const LARGEST = 256 * 1024;

/** This version, as its files are named by what is in them. */
const BY = import.meta.url;

/**
 * What the app's first page shows of the store. An old phone takes as long to open the store, with the engine around it, as to draw the
 * page, so the page is drawn as it was shown last, and what the store says takes its place a moment later.
 *
 * `Phone` reads it anew with each change of the store; nothing else may be done with what is recalled than to show it.
 */
class FirstPage {
  open = $state.raw<Begun[]>([]);
  /** Whether a walk is being noted, or was interrupted. */
  track = $state(false);
  /** There is something to show. */
  isKnown = $state(false);
  #turn = 0;

  /** Shows what was shown last; whether that is known. */
  recall(): boolean {
    const shown = kept();
    if (!shown) return false;
    known.presets = shown.presets;
    known.beginWith(DEFAULTS);
    [this.open, this.track, this.isKnown] = [shown.open, shown.track, true];
    return true;
  }

  async read(device: Device): Promise<void> {
    const turn = ++this.#turn;
    const [, open, track] = await Promise.all([readCategories(device), begun(device), device.setting('track.open')]);
    // A later reading knows more.
    if (turn !== this.#turn) return;
    [this.open, this.track, this.isKnown] = [open, track !== undefined && track !== null, true];
    keep({ presets: known.presets, open: this.open, track: this.track });
  }
}

export const firstPage = new FirstPage();

async function begun(device: Device): Promise<Begun[]> {
  const views = await Promise.all((await unfinished(device)).map(device.document));
  return views
    .filter((view) => view !== undefined && !view.deleted)
    .map((view) => view as View)
    .map(({ doc, set, created_at }) => ({ doc, created_at, set: pick(set, 'category', 'observed_at') }));
}

const pick = (set: View['set'], ...names: string[]): View['set'] =>
  Object.fromEntries(names.filter((name) => name in set).map((name) => [name, set[name] ?? null]));

// Storage may be forbidden by the browser's settings, or full; then there is nothing to recall.

function kept(): Shown | null {
  try {
    const shown = JSON.parse(localStorage.getItem(KEPT) ?? 'null') as Shown | null;
    return shown?.by === BY ? shown : null;
  } catch {
    return null;
  }
}

function keep(shown: Omit<Shown, 'by'>): void {
  const text = JSON.stringify({ ...shown, by: BY } satisfies Shown);
  try {
    if (text.length > LARGEST) localStorage.removeItem(KEPT);
    else if (text !== localStorage.getItem(KEPT)) localStorage.setItem(KEPT, text);
  } catch {
    return;
  }
}
