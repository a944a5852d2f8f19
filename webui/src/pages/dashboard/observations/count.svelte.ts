import { api, type ObservationFilter } from '$lib/api/client';
import { Latest } from '$lib/api/latest';

const COUNT_AGAIN_MS = 1000;
const RETRY_MS = 5000;

/** How many observations match the filter. `null` while that is not known: then nothing is claimed. */
export class Count {
  total = $state.raw<number | null>(null);
  failed = $state(false);

  #question: ObservationFilter | null = null;
  #latest = new Latest();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `null`: there is nothing to count, as nothing is filtered. */
  ask(question: ObservationFilter | null): void {
    this.#question = question;
    this.total = null;
    this.#count();
  }

  /** Something was written. Counting may mean to look at everything, so it is not done with each observation that comes. */
  changed(): void {
    this.#timer ??= setTimeout(() => this.#count(), COUNT_AGAIN_MS);
  }

  close(): void {
    this.#rest();
    this.#latest.stop();
  }

  #rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #count(): void {
    this.#rest();
    this.failed = false;
    const question = this.#question;
    if (!question) return this.#latest.stop();
    this.#latest.run(
      (signal) => api.countObservations(question, signal),
      ({ total }) => (this.total = total),
      ({ retry }) => {
        this.failed = true;
        if (retry) this.#timer ??= setTimeout(() => this.#count(), RETRY_MS);
      },
    );
  }
}
