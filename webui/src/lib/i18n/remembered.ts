/** The language that somebody chose in this browser. Storage may be forbidden by its settings; then it is asked for at each visit. */

const REMEMBERED = 'maloca.language';

export function recall(): string | null {
  try {
    return localStorage.getItem(REMEMBERED);
  } catch {
    return null;
  }
}

export function remember(code: string): void {
  try {
    localStorage.setItem(REMEMBERED, code);
  } catch {
    return;
  }
}
