/** Phones for tests: each with a store of its own in a browser's database that is kept in memory. */

import 'fake-indexeddb/auto';
import { Device, type DeviceOptions } from '../device';
import { STORE } from '../store/store';

let phones = 0;

/** A new phone; with the name of another's store, the same phone in another tab. */
export async function phone(options: Partial<DeviceOptions> = {}): Promise<Device & { storeName: string }> {
  const store = options.store ?? `${STORE}-${(phones += 1)}`;
  const device = await Device.open({ app: 'test', addresses: [], ...options, store });
  return Object.assign(device, { storeName: store });
}

/** Bytes that look like a photo's, always the same for the same seed. */
export function photo(size: number, seed = 1): Blob {
  const bytes = new Uint8Array(size);
  let state = seed;
  for (let at = 0; at < size; at += 1) {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    bytes[at] = state >> 16;
  }
  return new Blob([bytes], { type: 'image/jpeg' });
}
