/** Which basemap is shown: what this browser chose, for it knows its screen; else the first there is. */
import type { Basemap, MapCopy } from '$lib/api/types';
import { recall, remember as keep } from '$lib/remembered';

/** For who wants none. */
export const NONE = 'none';

const REMEMBERED = 'maloca-basemap';

export function chosenOf(maps: Basemap[], chosen: string | null): Basemap | null {
  if (chosen === NONE) return null;
  const drawable = maps.filter(({ trouble }) => !trouble);
  return drawable.find(({ id }) => id === chosen) ?? drawable[0] ?? null;
}

export const isCopying = (copy: MapCopy | null): boolean => copy?.state === 'copying' || copy?.state === 'checking';

export const remembered = (): string | null => recall(REMEMBERED);
export const remember = (id: string): void => keep(REMEMBERED, id);
