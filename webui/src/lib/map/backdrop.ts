/**
 * A basemap and nothing else, for whoever draws over it: it follows the view that it is given, and hears no finger.
 *
 * What it needs it asks `read` for, since a phone must sign what it asks of a hub. A part that does not come is asked for again; till
 * then the ground behind it is seen.
 */
import type { StyleSpecification } from 'maplibre-gl';
import type { Basemap } from '$lib/api/types';
import { groundOf } from './basemap/ground';
import { GlMap, addProtocol, removeProtocol } from './maplibre';
import { onPaletteChange, readPalette } from './palette';
import type { View } from './view';

/** A hub's basemap, and the way to it. */
export interface Under {
  map: Basemap;
  /** The map's own, where it brings one. */
  style: StyleSpecification | null;
  /** The bytes at a path of the hub. */
  read: (path: string, stop: AbortSignal) => Promise<ArrayBuffer>;
}

const RETRY_MS = 10_000;

let backdrops = 0;

export class Backdrop {
  readonly #map: GlMap;
  /** MapLibre asks for all that it needs by this scheme. */
  readonly #scheme = `basemap-${(backdrops += 1)}`;
  readonly #unhear: () => void;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(
    container: HTMLElement,
    private readonly under: Under,
    view: View,
  ) {
    const origin = `${this.#scheme}://hub`;
    addProtocol(this.#scheme, async ({ url, type }, { signal }) => {
      const bytes = await under.read(url.slice(origin.length), signal);
      return { data: type === 'json' ? JSON.parse(new TextDecoder().decode(bytes)) : bytes };
    });
    this.#map = new GlMap({
      container,
      style: this.#style(origin),
      ...cameraOf(view),
      maxZoom: 22,
      interactive: false,
      // Whoever draws over it writes its own, as text; MapLibre would take a source's as markup.
      attributionControl: false,
      fadeDuration: 0,
    });
    this.#map.on('error', ({ error }) => {
      console.error(error);
      this.#askAgain();
    });
    this.#unhear = onPaletteChange(() => this.#map.setStyle(this.#style(origin)));
  }

  setView(view: View): void {
    this.#map.jumpTo(cameraOf(view));
  }

  destroy(): void {
    clearTimeout(this.#again);
    this.#unhear();
    this.#map.remove();
    removeProtocol(this.#scheme);
  }

  #style(origin: string): StyleSpecification {
    const palette = readPalette();
    const { sources, layers, sprites } = groundOf(this.under.map, this.under.style, palette, origin);
    const behind = { id: 'behind', type: 'background', paint: { 'background-color': palette.surface } } as const;
    return { version: 8, sources, layers: [behind, ...layers], ...(sprites.length > 0 && { sprite: sprites }) };
  }

  #askAgain(): void {
    this.#again ??= setTimeout(() => {
      this.#again = undefined;
      for (const source of Object.keys(this.#map.getStyle().sources)) this.#map.refreshTiles(source);
    }, RETRY_MS);
  }
}

const cameraOf = ({ lat, lon, zoom }: View) => ({ center: [lon, lat] as [number, number], zoom });
