/**
 * Who writes on this browser: the name that stands beside each change. It is asked for once and remembered here; the hub
 * keeps it in the revision.
 */

import { recall, remember } from '$lib/remembered';

const REMEMBERED = 'maloca.person';

class Writer {
  #name = $state(recall(REMEMBERED) ?? '');

  get name(): string {
    return this.#name;
  }

  set name(name: string) {
    this.#name = name.trim();
    remember(REMEMBERED, this.#name);
  }
}

export const writer = new Writer();
