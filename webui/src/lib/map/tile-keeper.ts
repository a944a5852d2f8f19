/**
 * Fetches observation tiles for MapLibre and keeps the last good ones. MapLibre never asks again for a tile that failed
 * once; so it never hears of a failure here, gets what is known already, and the page says that it may be old.
 */

/** A screen has a few dozen tiles of some kilobytes; this remembers the way that somebody came. */
const KEEP = 200;

export class TileKeeper {
  /** Whether any tile failed since this was last set back. */
  failed = false;
  readonly #kept = new Map<string, ArrayBuffer>();

  constructor(private readonly get: typeof fetch = (...args) => fetch(...args)) {}

  async load(address: string, signal?: AbortSignal): Promise<ArrayBuffer> {
    try {
      const response = await this.get(address, { credentials: 'same-origin', cache: 'no-cache', signal });
      if (!response.ok) throw new Error(`${response.status}`);
      // 204: nothing is there.
      const bytes = response.status === 204 ? new ArrayBuffer(0) : await response.arrayBuffer();
      this.#keep(address, bytes);
      return bytes;
    } catch (cause) {
      // MapLibre does not want it any longer, which is no failure.
      if (signal?.aborted) throw cause;
      this.failed = true;
      return this.#kept.get(address)?.slice(0) ?? new ArrayBuffer(0);
    }
  }

  #keep(address: string, bytes: ArrayBuffer): void {
    this.#kept.delete(address);
    // A copy: what is handed out is moved to the worker and gone from here.
    this.#kept.set(address, bytes.slice(0));
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEEP && oldest !== undefined) this.#kept.delete(oldest);
  }
}
