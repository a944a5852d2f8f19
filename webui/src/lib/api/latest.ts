import { Problem } from './problem';

/**
 * Questions of which only the last one counts: a new one stops the one before, and an answer that comes too late is
 * dropped. So what is on the screen never goes back to what was asked earlier.
 */
export class Latest {
  #current: AbortController | null = null;

  async run<Answer>(
    ask: (signal: AbortSignal) => Promise<Answer>,
    take: (answer: Answer) => void,
    fail: (problem: Problem) => void,
  ): Promise<void> {
    this.stop();
    const mine = new AbortController();
    this.#current = mine;
    try {
      const answer = await ask(mine.signal);
      if (!mine.signal.aborted) take(answer);
    } catch (cause) {
      if (!mine.signal.aborted) fail(Problem.of(cause));
    } finally {
      if (this.#current === mine) this.#current = null;
    }
  }

  /** Nobody waits any more. */
  stop(): void {
    this.#current?.abort();
    this.#current = null;
  }
}
