import { Device, StoreError, type HubStatus, type KnownHub, type Progress } from '$lib/device/device';
import { VERSION } from '$lib/version';

/**
 * What the phone app knows, kept as the engine tells it. Pages read it; only this file writes it.
 *
 * `revision` grows with each change of the store, in any tab: whoever shows something of the store reads it again then.
 */
export class Phone {
  device = $state.raw<Device | null>(null);
  /** Why the store does not open. */
  failed = $state.raw<StoreError | null>(null);
  revision = $state(0);
  hubs = $state.raw<KnownHub[]>([]);
  /** How it stands with each hub, and what is being handed over. */
  statuses = $state.raw<HubStatus[]>([]);
  progress = $state.raw<Progress | null>(null);

  #ends: (() => void)[] = [];

  async open(): Promise<void> {
    try {
      const device = await Device.open({ app: `maloca-phone ${VERSION}`, addresses: usual() });
      this.#ends.push(device.onChange(() => this.#changed(device)));
      this.#ends.push(
        device.runner.onStatus((_, progress) => {
          this.statuses = device.runner.statuses();
          this.progress = progress;
        }),
      );
      this.device = device;
      await this.#changed(device);
      device.start();
    } catch (cause) {
      this.failed = cause instanceof StoreError ? cause : new StoreError('failed', cause);
    }
  }

  close(): void {
    for (const end of this.#ends.splice(0)) end();
    this.device?.close();
    this.device = null;
  }

  async #changed(device: Device): Promise<void> {
    this.revision += 1;
    this.hubs = await device.hubs();
  }
}

/** Where a hub may be that was joined elsewhere: where this page came from, and the name that hubs answer to. */
function usual(): string[] {
  return [location.origin, 'http://maloca.local:8733'];
}
