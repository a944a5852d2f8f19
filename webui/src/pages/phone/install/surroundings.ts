/** What is around this page: whether a hub served it, and whether the browser lets it speak with devices on this Wi-Fi. */

import type { HubInfo } from '$lib/device/device';

const PATIENCE_MS = 1_500;

/** What browsers call the permission, the younger name first. */
const PERMISSIONS = ['local-network', 'local-network-access'];

/** The hub at an address, as it says of itself; `null` where there is none. Nothing is trusted to it for that. */
export async function asHub(address: string): Promise<HubInfo | null> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE_MS);
  try {
    const answer = await fetch(`${address}/api/v1/hub`, { credentials: 'omit', cache: 'no-store', redirect: 'error', signal: patience.signal });
    const info: unknown = answer.ok ? await answer.json() : null;
    return isInfo(info) ? info : null;
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

const isInfo = (value: unknown): value is HubInfo =>
  typeof value === 'object' && value !== null && 'id' in value && 'name' in value && typeof value.id === 'string' && typeof value.name === 'string';

/** Whether the person, or a rule of the browser's, said no. */
export async function isBlocked(): Promise<boolean> {
  for (const name of PERMISSIONS) {
    try {
      return (await navigator.permissions.query({ name: name as PermissionName })).state === 'denied';
    } catch {
      // It does not know this name.
    }
  }
  return false;
}
