import type { Device } from '$lib/device/device';

/** Among the settings: the browser was asked, and said no. */
const REFUSED = 'keeping.refused';

/**
 * Whether the browser has promised not to clear what is recorded when space is short.
 *
 * It is asked at joining, since whoever joins has something to lose, and when somebody presses. A refusal is remembered: the browser
 * itself tells later only that it has not promised, as it would of one that was never asked.
 */
class Keeping {
  /** `null`: it does not say, as browsers do not on a plain page. */
  isPromised = $state<boolean | null>(null);
  wasRefused = $state(false);

  /** Browsers have it in secure contexts alone. */
  readonly #storage = globalThis.navigator?.storage as StorageManager | undefined;

  get canAsk(): boolean {
    return this.#storage !== undefined;
  }

  /** The answer to the question; `null` as long as it was not asked, or where it cannot be. */
  get answer(): boolean | null {
    return this.isPromised || (this.wasRefused ? false : null);
  }

  async look(device: Device): Promise<void> {
    this.isPromised = (await this.#storage?.persisted().catch(() => null)) ?? null;
    this.wasRefused = this.isPromised === false && (await device.setting<boolean>(REFUSED)) === true;
  }

  async ask(device: Device): Promise<void> {
    if (!this.#storage) return;
    const isPromised = await this.#storage.persist().catch(() => false);
    Object.assign(this, { isPromised, wasRefused: !isPromised });
    await device.setSetting(REFUSED, !isPromised);
  }
}

export const keeping = new Keeping();
