import type { Device, NewFile, View } from '$lib/device/device';

/** Deletes a document of this phone. What it gives brings all of it back, files included. */
export async function remove(device: Device, view: View): Promise<() => Promise<void>> {
  // One that nobody was offered vanishes with its files, so they are held until the person has moved on.
  const files: NewFile[] = [];
  for (const { hash, name, taken_at } of view.attachments) {
    const bytes = await device.media(hash);
    if (bytes) files.push({ bytes, name, takenAt: taken_at === undefined ? undefined : Date.parse(taken_at) });
  }
  const edited = await device.save(view.doc, view.kind, { deleted: true, upon: view.heads });
  return async () => {
    if (edited === 'vanished') await device.save(view.doc, view.kind, { set: view.set }, files);
    else await device.save(view.doc, view.kind, { deleted: false, upon: view.heads });
  };
}
