import { StoreError, type Device } from '$lib/device/device';
import { fixOf } from '$lib/rules/fix';
import { SAVE_EVERY_MS, bytesOf, isFull, isNews, metresOfTrack, pointOf, readPoints, walks, type TrackPoint } from '$lib/rules/track';

/** The setting that names the track under way: one that was not ended is gone on with after the app was closed. */
const OPEN = 'track.open';

/**
 * The walk that is noted just now, whichever page is shown. One a page of the browser; it ends with it, and what was walked until
 * then is in the store.
 */
class Tracker {
  running = $state(false);
  points = $state.raw<TrackPoint[]>([]);
  /** Of the documents before this one. */
  metresBefore = $state(0);
  beganAt = $state(0);
  accuracy = $state<number | null>(null);
  trouble = $state<'insecure' | 'denied' | 'full' | 'failed' | null>(null);
  /** Whether the screen stays on by itself. */
  awake = $state(false);

  #device: Device | null = null;
  #doc = '';
  /** When this document's seconds begin. */
  #startedAt = 0;
  #continues: string | undefined;
  #offered = { bytes: 0, times: 0 };
  #watch: number | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #lock: WakeLockSentinel | null = null;
  #dirty = false;
  #saving: Promise<void> = Promise.resolve();

  get metres(): number {
    return this.metresBefore + metresOfTrack(this.points);
  }

  /** A track that was not ended, and is not going on. */
  interrupted = async (device: Device): Promise<boolean> => !this.running && (await device.setting<string>(OPEN)) != null;

  async start(device: Device): Promise<void> {
    Object.assign(this, { metresBefore: 0, beganAt: Date.now() });
    this.#begin(device, device.newDoc(), Date.now(), []);
    await device.setSetting(OPEN, this.#doc);
    this.#dirty = true;
    await this.#save();
  }

  /** Goes on with the one that was interrupted. */
  async resume(device: Device): Promise<void> {
    const doc = await device.setting<string>(OPEN);
    const view = doc ? await device.document(doc) : undefined;
    const startedAt = Date.parse(String(view?.set.started_at));
    if (!doc || !view || view.deleted || !Number.isFinite(startedAt)) return this.start(device);
    const tracks = (await device.list('track')).filter(({ deleted }) => !deleted);
    const before = walks(tracks).find((walk) => walk.some((part) => part.doc === doc))?.filter((part) => part.doc !== doc) ?? [];
    const began = Date.parse(String(before[0]?.set.started_at));
    Object.assign(this, {
      metresBefore: before.reduce((metres, { set }) => metres + metresOfTrack(readPoints(set.points)), 0),
      beganAt: Number.isFinite(began) ? began : startedAt,
    });
    const continues = view.set.continues;
    this.#begin(device, doc, startedAt, readPoints(view.set.points), typeof continues === 'string' ? continues : undefined);
  }

  async end(): Promise<void> {
    this.#stop();
    this.#dirty = true;
    await this.#save(true);
    if (!this.#dirty) await this.#device?.setSetting(OPEN, null);
  }

  /** Ends the one that was interrupted, as it is. */
  async leave(device: Device): Promise<void> {
    await device.setSetting(OPEN, null);
  }

  #begin(device: Device, doc: string, startedAt: number, points: TrackPoint[], continues?: string): void {
    this.#device = device;
    this.#next(doc, startedAt, points, continues);
    if (!isSecureContext || !('geolocation' in navigator)) {
      this.trouble = 'insecure';
      return;
    }
    Object.assign(this, { running: true, trouble: null, accuracy: null });
    this.#watch = navigator.geolocation.watchPosition(this.#heard, this.#failed, { enableHighAccuracy: true, maximumAge: 0 });
    this.#timer = setInterval(() => void this.#save(), SAVE_EVERY_MS);
    document.addEventListener('visibilitychange', this.#shown);
    void this.#keepAwake();
  }

  #next(doc: string, startedAt: number, points: TrackPoint[], continues?: string): void {
    this.#doc = doc;
    this.#startedAt = startedAt;
    this.#continues = continues;
    this.#offered = { bytes: 0, times: 0 };
    this.points = points;
  }

  #heard = ({ coords, timestamp }: GeolocationPosition): void => {
    const fix = fixOf(coords);
    if (!fix || fix.accuracy_m === undefined) return;
    this.accuracy = fix.accuracy_m;
    const point = pointOf(fix.lat, fix.lon, fix.accuracy_m, (timestamp - this.#startedAt) / 1000);
    if (!isNews(point, this.points.at(-1))) return;
    this.points = [...this.points, point];
    this.#dirty = true;
    if (this.points.length % 50 === 0) void this.#save();
  };

  #failed = ({ code }: GeolocationPositionError): void => {
    // Under trees the signal goes and comes; only a refusal ends the track.
    if (code !== 1) return;
    this.trouble = 'denied';
    this.#stop();
  };

  #shown = (): void => {
    if (document.hidden) void this.#save();
    else void this.#keepAwake();
  };

  async #keepAwake(): Promise<void> {
    try {
      this.#lock = (await navigator.wakeLock?.request('screen')) ?? null;
    } catch {
      // A low battery may forbid it; the page says so.
      this.#lock = null;
    }
    this.awake = this.#lock !== null;
  }

  #stop(): void {
    if (this.#watch !== undefined) navigator.geolocation.clearWatch(this.#watch);
    clearInterval(this.#timer);
    document.removeEventListener('visibilitychange', this.#shown);
    this.#lock?.release().catch(() => {});
    this.#watch = undefined;
    Object.assign(this, { running: false, awake: false });
  }

  #save(isLast = false): Promise<void> {
    this.#saving = this.#saving.then(() => this.#write(isLast));
    return this.#saving;
  }

  async #write(isLast: boolean): Promise<void> {
    const device = this.#device;
    if (!device || !this.#dirty) return;
    const points = this.points;
    const full = !isLast && isFull(points, this.#offered);
    try {
      const before = await device.local(this.#doc);
      // Without a draft, what was kept last has been offered to a hub, and this will be one more revision.
      if (before && !before.draft) this.#offered = { bytes: this.#offered.bytes + bytesOf(points), times: this.#offered.times + 1 };
      await device.save(this.#doc, 'track', {
        set: {
          started_at: new Date(this.#startedAt).toISOString(),
          points,
          ...(this.#continues && { continues: this.#continues }),
          ...((isLast || full) && { ended_at: new Date().toISOString() }),
        },
      });
      this.#dirty = this.points !== points;
      if (this.trouble === 'full' || this.trouble === 'failed') this.trouble = null;
      if (full) await this.#continue(device, points);
    } catch (cause) {
      console.error(cause);
      this.trouble = cause instanceof StoreError && cause.code === 'full' ? 'full' : 'failed';
    }
  }

  /** The next points go into another document, which names this one. */
  async #continue(device: Device, points: TrackPoint[]): Promise<void> {
    const [before, now] = [this.#doc, Date.now()];
    const [doc, later] = [device.newDoc(), this.points.slice(points.length)];
    this.metresBefore += metresOfTrack(points);
    const shift = (now - this.#startedAt) / 1000;
    const last = points.at(-1);
    // From its last point, so that no piece of the way is missing between the two.
    const from = [...(last ? [last] : []), ...later].map(([lon, lat, accuracy, at]) => pointOf(lat, lon, accuracy, at - shift));
    this.#next(doc, now, from, before);
    await device.setSetting(OPEN, doc);
    this.#dirty = true;
  }
}

export const tracker = new Tracker();
