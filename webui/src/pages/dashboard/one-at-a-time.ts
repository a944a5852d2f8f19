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

/** Things that are fetched by their names, one after the other; what is named again meanwhile is fetched once more. */
export class ByName {
  #names = new Set<string>();
  #task = new OneAtATime(async () => {
    for (const name of this.#names) {
      this.#names.delete(name);
      // What cannot be had now comes with the next change, or when everything is fetched again.
      await this.fetch(name).catch(() => undefined);
    }
  });

  constructor(private readonly fetch: (name: string) => Promise<void>) {}

  want(names: Iterable<string>): void {
    for (const name of names) this.#names.add(name);
    this.#task.run();
  }

  /** Nobody waits for them any more. */
  forget(): void {
    this.#names.clear();
  }
}
