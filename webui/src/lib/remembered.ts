/** What this browser remembers between visits, by name: choices, nothing that may not be lost. Its settings may forbid that. */

export function recall(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** What cannot be remembered holds until the page is closed. */
export function remember(name: string, text: string): void {
  try {
    localStorage.setItem(name, text);
  } catch {
    return;
  }
}
