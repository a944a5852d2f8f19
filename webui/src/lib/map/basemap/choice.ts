/** Which basemap is shown: what this browser chose, for it knows its screen; else the first there is. */
import type { Basemap, MapCopy } from '$lib/api/types';

/** For who wants none. */
export const NONE = 'none';

const REMEMBERED = 'maloca-basemap';

export function chosenOf(maps: Basemap[], chosen: string | null): Basemap | null {
  if (chosen === NONE) return null;
  const drawable = maps.filter(({ trouble }) => !trouble);
  return drawable.find(({ id }) => id === chosen) ?? drawable[0] ?? null;
}

export const isCopying = (copy: MapCopy | null): boolean => copy?.state === 'copying' || copy?.state === 'checking';

export function remembered(): string | null {
  try {
    return localStorage.getItem(REMEMBERED);
  } catch {
    // A browser that keeps nothing.
    return null;
  }
}

export function remember(id: string): void {
  try {
    localStorage.setItem(REMEMBERED, id);
  } catch {
    // It holds until the page is closed.
  }
}
