/**
 * A task that is wanted often and should run seldom: never twice at once, and once more at the end when it was
 * wanted in the meantime, so that the last word is always the newest.
 */
export class OneAtATime {
  #running = false;
  #wanted = false;

  /** @param task deals with its own failures; one that it lets through ends this run only */
  constructor(private readonly task: () => Promise<void>) {}

  async run(): Promise<void> {
    this.#wanted = true;
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#wanted) {
        this.#wanted = false;
        await this.task().catch(() => undefined);
      }
    } finally {
      this.#running = false;
    }
  }
}
