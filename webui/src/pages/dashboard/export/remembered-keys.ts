/** The keys for which a copy was sealed last, in this browser. They are no secret. Its settings may forbid it to keep anything. */

const REMEMBERED = 'maloca.seal_for';

export function recall(): string {
  try {
    return localStorage.getItem(REMEMBERED) ?? '';
  } catch {
    return '';
  }
}

export function remember(keys: string): void {
  try {
    localStorage.setItem(REMEMBERED, keys);
  } catch {
    return;
  }
}
