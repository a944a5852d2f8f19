import type { Preset } from '$lib/api/types';
import { DEFAULTS } from '$lib/categories/defaults';
import { known } from '$lib/categories/known.svelte';
import type { Device } from '$lib/device/device';

/** Reads the categories that the hubs have told; until one has, those to begin with are offered. */
export async function readCategories(device: Device): Promise<void> {
  // Whoever shows them takes anything that another program may have written.
  const told = (await device.categories()) as unknown as Preset[];
  if (JSON.stringify(told) !== JSON.stringify(known.presets)) known.presets = told;
  known.beginWith(DEFAULTS);
}
