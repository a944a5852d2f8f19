/**
 * Who writes on this browser: the name that stands beside each change. It is asked for once and remembered here; the hub
 * keeps it in the revision.
 */

const REMEMBERED = 'maloca.person';

class Writer {
  #name = $state(recall());

  get name(): string {
    return this.#name;
  }

  set name(name: string) {
    this.#name = name.trim();
    try {
      localStorage.setItem(REMEMBERED, this.#name);
    } catch {
      // Storage may be forbidden by the browser's settings; the name is then asked for at each visit.
    }
  }
}

function recall(): string {
  try {
    return localStorage.getItem(REMEMBERED) ?? '';
  } catch {
    return '';
  }
}

export const writer = new Writer();
