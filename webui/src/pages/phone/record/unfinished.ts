import type { Device } from '$lib/device/device';

/** Observations that were begun and not done with; so that who was interrupted goes on where they were. */

const UNFINISHED = 'record.unfinished';

/** More are in the list of observations. */
const MOST = 20;

export const unfinished = async (device: Device): Promise<string[]> => (await device.setting<string[]>(UNFINISHED)) ?? [];

export async function noteBegun(device: Device, doc: string): Promise<void> {
  const others = (await unfinished(device)).filter((one) => one !== doc);
  await device.setSetting(UNFINISHED, [doc, ...others].slice(0, MOST));
}

export async function noteDone(device: Device, doc: string): Promise<void> {
  const before = await unfinished(device);
  if (before.includes(doc)) await device.setSetting(UNFINISHED, before.filter((one) => one !== doc));
}
