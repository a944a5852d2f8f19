import type { StyleSpecification } from 'maplibre-gl';
import type { Basemap } from '$lib/api/types';
import type { Device } from '$lib/device/device';
import type { Under } from '$lib/map/backdrop';
import { chosenOf } from '$lib/map/basemap/choice';

const BASE = '/api/v1';

/** The first basemap that one of this phone's hubs gives while it can be reached. */
export async function basemapOf(device: Device): Promise<Under | null> {
  for (const { id, forgotten } of await device.hubs()) {
    if (forgotten) continue;
    try {
      const read: Under['read'] = (path, stop) => device.readFrom(id, path, stop);
      const { basemaps } = jsonOf<{ basemaps: Basemap[] }>(await device.readFrom(id, `${BASE}/basemaps`));
      const map = chosenOf(basemaps, null);
      if (!map) continue;
      const style = map.schema === 'own' ? jsonOf<StyleSpecification>(await device.readFrom(id, `${BASE}/basemaps/${encodeURIComponent(map.id)}/style`)) : null;
      return { map, style, read };
    } catch {
      // It is away, or older than its maps.
    }
  }
  return null;
}

const jsonOf = <Value>(bytes: ArrayBuffer): Value => JSON.parse(new TextDecoder().decode(bytes)) as Value;
