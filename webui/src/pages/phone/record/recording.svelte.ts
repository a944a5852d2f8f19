import type { PresetField } from '$lib/api/types';
import { StoreError, type Device, type Edit, type NewFile, type Opened, type View } from '$lib/device/device';
import { formOf, partialWritingOf, type Form, type Wrong } from '$lib/rules/edit';
import type { Fix } from '$lib/rules/fix';
import { unkept } from './unkept';

/** Whoever types pauses for so long; then it is kept. */
const TYPED_MS = 600;

/** A change that waits for its turn to be kept. */
interface Step {
  edit: Edit;
  files: NewFile[];
}

/** The work on a document: what was left unkept is gone on with. */
export function recordingOf(device: Device, opened: Opened, asked: PresetField[]): Recording {
  const left = unkept.get(opened.view.doc);
  if (left?.device !== device) return new Recording(device, opened, asked);
  void left.retry();
  return left;
}

/**
 * One observation while a person works on it: each change is kept on the phone by itself, in order, files at once and typed text
 * after a pause. What cannot be kept (the phone is full) stays here and on the screen, and is tried again.
 */
export class Recording {
  form = $state() as Form;
  /** As it was when the person began, with what was written here since: what others changed meanwhile is neither seen nor covered. */
  seen = $state.raw<View>() as View;
  state = $state<'kept' | 'keeping' | 'full' | 'failed'>('kept');
  wrong = $state.raw<Wrong[]>([]);
  /** Files that wait to be kept. */
  waiting = $state.raw<NewFile[]>([]);

  readonly #upon: Opened['upon'];
  #steps: Step[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #working: Promise<void> = Promise.resolve();
  #coming = new Set<Promise<unknown>>();

  constructor(
    readonly device: Device,
    { view, upon }: Opened,
    readonly asked: PresetField[],
  ) {
    this.#upon = upon;
    this.seen = view;
    this.form = formOf(view, asked);
  }

  /** Something was typed. */
  typed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), TYPED_MS);
  }

  /** Keeps what was typed so far. Resolves when everything was tried. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    // The place has controls of its own, and is never typed here.
    const { lat, lon } = formOf(this.seen, this.asked);
    const { writing, wrong } = partialWritingOf(this.seen, { ...($state.snapshot(this.form) as Form), lat, lon }, this.asked);
    this.wrong = wrong;
    const { set = {}, unset = [] } = writing;
    if (Object.keys(set).length || unset.length) this.#add({ edit: { set: set as Edit['set'], unset }, files: [] });
    return this.#work();
  }

  /** Something is still being read that will be kept; who is done waits for it. */
  during(work: Promise<unknown>): void {
    const coming = work.catch(() => {}).finally(() => this.#coming.delete(coming));
    this.#coming.add(coming);
  }

  /** Resolves when what was begun was read, and everything was tried. */
  async settled(): Promise<void> {
    await Promise.all(this.#coming);
    await this.flush();
  }

  place(fix: Fix | null): Promise<void> {
    this.#add({ edit: fix ? { set: { location: { ...fix } } } : { unset: ['location'] }, files: [] });
    return this.#work();
  }

  observed(at: number): Promise<void> {
    this.#add({ edit: { set: { observed_at: new Date(at).toISOString() } }, files: [] });
    this.form.observed = formOf(this.seen, this.asked).observed;
    return this.#work();
  }

  attach(files: NewFile[]): Promise<void> {
    for (const file of files) this.#add({ edit: {}, files: [file] });
    return this.#work();
  }

  detach(hash: string): Promise<void> {
    this.#add({ edit: { detach: [hash] }, files: [] });
    return this.#work();
  }

  /** Room was made, perhaps. */
  retry(): Promise<void> {
    return this.#work();
  }

  #add(step: Step): void {
    const { set = {}, unset = [] } = step.edit;
    const kept = Object.entries({ ...this.seen.set, ...set }).filter(([name]) => !unset.includes(name));
    this.seen = { ...this.seen, set: Object.fromEntries(kept) };
    this.#steps.push(step);
    this.#tellWaiting();
  }

  #work(): Promise<void> {
    this.#working = this.#working.then(() => this.#workOff());
    return this.#working;
  }

  async #workOff(): Promise<void> {
    while (this.#steps.length) {
      this.state = 'keeping';
      const { edit, files } = this.#steps[0] as Step;
      try {
        await this.device.save(this.seen.doc, this.seen.kind, { ...edit, upon: this.#upon }, files);
        const now = await this.device.document(this.seen.doc);
        if (now) this.seen = { ...this.seen, attachments: this.#known(now, files), deleted: now.deleted };
      } catch (cause) {
        this.state = cause instanceof StoreError && cause.code === 'full' ? 'full' : 'failed';
        unkept.set(this.seen.doc, this);
        console.error(cause);
        return;
      }
      this.#steps.shift();
      this.#tellWaiting();
    }
    this.state = 'kept';
    if (unkept.get(this.seen.doc) === this) unkept.delete(this.seen.doc);
  }

  /** The files that were there at the beginning, and those from here: what others attached meanwhile could not be taken away here. */
  #known({ attachments }: View, added: NewFile[]): View['attachments'] {
    const before = new Set(this.seen.attachments.map(({ hash }) => hash));
    return attachments.filter(({ hash, size }) => before.has(hash) || added.some(({ bytes }) => bytes.size === size));
  }

  /** The document is given up, and what waits for it with it. */
  drop(): void {
    this.#steps = [];
    unkept.delete(this.seen.doc);
  }

  #tellWaiting(): void {
    this.waiting = this.#steps.flatMap(({ files }) => files);
  }
}
