import { api } from '$lib/api/client';
import { Problem } from '$lib/api/problem';
import type { Observation } from '$lib/api/types';
import { effectOf, undoing, type Effect, type Writing } from '$lib/rules/change';
import { writer } from './writer.svelte';

/**
 * Writing to one observation, and taking the last of it back. Each is one more revision, made upon what is on the screen; the
 * observation itself comes back as news of the hub.
 */
export class Editing {
  busy = $state(false);
  problem = $state.raw<Problem | null>(null);
  /** What was written last, as long as it can be taken back with one press. */
  done = $state.raw<Effect | null>(null);

  /** Whether it was written. A failure is in `problem`, and what was typed stays where it is. */
  async write(observation: Observation, writing: Writing): Promise<boolean> {
    return this.#send(observation, writing, effectOf(writing, observation));
  }

  async takeBack(observation: Observation, effect: Effect): Promise<boolean> {
    return this.#send(observation, undoing(effect), null);
  }

  async #send(observation: Observation, writing: Writing, done: Effect | null): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.problem = null;
    try {
      // What it is not told stays as it is: a deletion that came meanwhile is not undone by a comma.
      const deleted = writing.deleted ?? observation.deleted;
      await api.edit(observation.doc, { ...writing, deleted, by: writer.name, heads: observation.heads });
      this.done = done;
      return true;
    } catch (cause) {
      this.problem = Problem.of(cause);
      return false;
    } finally {
      this.busy = false;
    }
  }
}
