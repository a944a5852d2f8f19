import type { Device, DeviceOptions, HubInfo, HubStatus, KnownHub, Progress, Restored, Unsent } from '$lib/device/device';
import { BackupError, StoreError } from '$lib/device/errors';
import { along, atRisk, isMuch, NO_COURSE, type Course } from '$lib/rules/handover';
import { wayOf, type Way } from '$lib/rules/way';
import { VERSION } from '$lib/version';
import { Awake } from './awake';
import { asHub, isBlocked } from './install/surroundings';
import { firstPage } from './record/first-page.svelte';

/** How long changes of the store gather before they are counted: a contact makes hundreds of them. */
const COUNTING_MS = 200;

/**
 * What the phone app knows, kept as the engine tells it. Pages read it; only this file writes it.
 *
 * `revision` grows with each change of the store, in any tab: whoever shows something of the store reads it again then.
 */
export class Phone {
  device = $state.raw<Device | null>(null);
  /** The store does not open, or the engine does not come: on a plain page it is fetched from a hub that may be gone by now. */
  failed = $state<'store' | 'page' | null>(null);
  revision = $state(0);
  hubs = $state.raw<KnownHub[]>([]);
  /** How it stands with each hub, and what is being handed over. */
  statuses = $state.raw<HubStatus[]>([]);
  progress = $state.raw<Progress | null>(null);
  /** How far the contact with each hub is, by its id. */
  courses = $state.raw<Record<string, Course>>({});
  /** What each hub has not acknowledged, by its id. */
  unsent = $state.raw<Record<string, Unsent>>({});
  /** How much no hub at all has. */
  atRisk = $state(0);
  /** The hub that this page came from; `null` where it came from elsewhere, or is not reached. */
  here = $state.raw<HubInfo | null>(null);
  way = $state<Way>(wayOf({ isSecure: window.isSecureContext, isHub: true }));
  /** Whether the browser forbids this page to speak with devices around it. */
  isBlocked = $state(false);
  /** What a saved file brought, or why it did not; for the page that is drawn anew with it. */
  restored = $state.raw<Restored | BackupError | StoreError | null>(null);

  readonly #awake = new Awake();
  #opening: Promise<void> | null = null;
  #ends: (() => void)[] = [];
  #counting: ReturnType<typeof setTimeout> | null = null;

  /** `drawn` tells when the first page is on the screen: what that page does not need waits for it. */
  constructor(readonly drawn: Promise<void>) {}

  open(): Promise<void> {
    return (this.#opening ??= this.#open());
  }

  /** The engine, once it is there; `null` where it failed, which is said on the page. */
  async opened(): Promise<Device | null> {
    if (!this.device) await this.open();
    return this.device;
  }

  async #open(): Promise<void> {
    const come = await engine().catch(() => null);
    if (!come) return void (this.failed = 'page');
    try {
      await this.#adopt(await come.Device.open(options()));
    } catch (cause) {
      console.error(cause);
      this.failed = 'store';
    }
  }

  /** Takes in a saved file: this phone's own, or, where nothing was recorded or joined here yet, that of another, going on as it. */
  async restore(file: Blob): Promise<void> {
    this.restored = null;
    try {
      this.restored = await (this.device as Device).readFile(file);
    } catch (cause) {
      if (!(cause instanceof BackupError) || cause.code !== 'another_device') return this.#notRestored(cause);
      await this.#becomeAnother(file);
    }
  }

  async #becomeAnother(file: Blob): Promise<void> {
    this.close();
    try {
      const { Device } = await engine();
      const { device, restored } = await Device.openFrom(file, options());
      await this.#adopt(device);
      this.restored = restored;
    } catch (cause) {
      await this.open();
      this.#notRestored(cause);
    }
  }

  #notRestored(cause: unknown): void {
    this.restored = cause instanceof BackupError || cause instanceof StoreError ? cause : new StoreError('failed', cause);
  }

  async #adopt(device: Device): Promise<void> {
    this.#ends.push(device.onChange(() => this.#changed(device)));
    this.#ends.push(device.runner.onStatus((status, progress) => this.#follow(device, status, progress)));
    this.device = device;
    await Promise.all([this.#readHubs(device), firstPage.read(device)]);
    void this.drawn.then(() => this.#begin(device));
  }

  async #readHubs(device: Device): Promise<void> {
    this.hubs = await device.hubs();
  }

  #begin(device: Device): void {
    if (device !== this.device) return;
    this.#countSoon(device);
    this.#lookAround(device).catch(() => {});
    device.start();
  }

  close(): void {
    this.#opening = null;
    for (const end of this.#ends.splice(0)) end();
    if (this.#counting) clearTimeout(this.#counting);
    this.#counting = null;
    this.device?.close();
    this.#awake.keep(false);
    this.device = null;
    this.statuses = [];
    this.courses = {};
  }

  #follow(device: Device, status: HubStatus, progress: Progress | null): void {
    this.statuses = device.runner.statuses();
    this.progress = progress;
    const course = progress ? along(this.courses[status.hub] ?? NO_COURSE, progress) : NO_COURSE;
    this.courses = { ...this.courses, [status.hub]: course };
    this.#awake.keep(this.statuses.some(({ hub, phase }) => phase === 'talking' && isMuch(this.courses[hub] ?? NO_COURSE)));
    if (status.trouble?.kind === 'unreachable') void this.lookWhetherBlocked();
  }

  /** Whether the browser forbids this page to speak with devices around it, asked anew; one that a hub served may. */
  async lookWhetherBlocked(): Promise<boolean> {
    return (this.isBlocked = this.way === 'elsewhere' && (await isBlocked()));
  }

  async #changed(device: Device): Promise<void> {
    this.revision += 1;
    this.#countSoon(device);
    await Promise.all([this.#readHubs(device), firstPage.read(device)]);
  }

  #countSoon(device: Device): void {
    this.#counting ??= setTimeout(() => this.#count(device).catch(() => {}), COUNTING_MS);
  }

  async #count(device: Device): Promise<void> {
    this.#counting = null;
    const hubs = await device.hubs();
    const counted = await Promise.all(hubs.map(async ({ id }) => [id, await device.unsent(id)] as const));
    if (device !== this.device) return;
    const recorded = hubs.length > 0 ? 0 : (await Promise.all(KINDS.map((kind) => device.list(kind)))).flat().length;
    this.unsent = Object.fromEntries(counted);
    this.atRisk = atRisk(counted.map(([, unsent]) => unsent), recorded);
  }

  /** Where this page came from. A hub that was there once counts while it is away: then the page is its kept copy. */
  async #lookAround(device: Device): Promise<void> {
    const remembered = (await device.setting<boolean>(FROM_HUB)) ?? false;
    this.here = await asHub(location.origin);
    if (this.here && !remembered) await device.setSetting(FROM_HUB, true);
    this.way = wayOf({ isSecure: window.isSecureContext, isHub: remembered || this.here !== null });
  }
}

/** Signing, hashing, the store and the sync: more code than all that the first page shows, so it comes by itself. */
const engine = () => import('$lib/device/device');

/** What people record. */
const KINDS = ['observation', 'track'];

/** Among the settings: this page is a hub's. */
const FROM_HUB = 'from_hub';

/** Where a hub may be that was joined elsewhere: where this page came from, and the name that hubs answer to. */
const options = (): DeviceOptions => ({ app: `maloca-phone ${VERSION}`, addresses: [location.origin, 'http://maloca.local:8733'] });
