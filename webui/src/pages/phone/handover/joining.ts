/** Joining: where the hub of an invitation is, and what it answered, for `JoinForm.svelte`. No pictures. */

import { addressOf, CallError, type HubInfo } from '$lib/device/device';
import type { Said } from '$lib/i18n/speaker';
import { USUAL_GATEWAYS } from '$lib/rules/invitation';
import { asHub } from '../install/surroundings';

/**
 * Where to join. An invitation names the hub's plain address, and a page that came over https from that same hub may not call it:
 * where the page itself is from is then the better address.
 */
export function addressFor(typed: string, expected: string | null, origin: string, here: HubInfo | null): string | null {
  const address = addressOf(typed);
  if (!here) return address;
  const isSameHost = address !== null && new URL(address).hostname === new URL(origin).hostname;
  return here.id === expected || isSameHost || typed.trim() === '' ? origin : address;
}

export interface Found {
  address: string;
  info: HubInfo;
}

/** The hubs at the usual addresses, asked all at once. Only when somebody asks for it. */
export async function search(origin: string): Promise<Found[]> {
  const addresses = [origin, 'http://maloca.local:8733', ...USUAL_GATEWAYS];
  const asked = await Promise.all(addresses.map(async (address) => ({ address, info: await asHub(address) })));
  const found = asked.filter((one): one is Found => one.info !== null);
  // One hub at two addresses is one.
  return found.filter(({ info }, at) => found.findIndex((other) => other.info.id === info.id) === at);
}

/** Why joining did not succeed; `isBlocked`: the browser lets this page speak with nobody around. */
export function whyNot(cause: unknown, isBlocked = false): Said {
  if (!(cause instanceof CallError)) return { id: 'handover.join_failed', values: { detail: String(cause) } };
  switch (cause.code) {
    case 'wrong_code':
      return { id: 'handover.join_wrong_code' };
    case 'joining_closed':
      return { id: 'handover.join_closed' };
    case 'joining_rests':
      return { id: 'handover.join_rests' };
    case 'stranger':
      return { id: 'handover.join_stranger' };
    case 'another_hub':
      return { id: 'handover.join_not_invited' };
  }
  if (cause.kind === 'unreachable' && isBlocked) return { id: 'handover.todo_allow' };
  if (cause.kind === 'unreachable' || cause.kind === 'garbled') return { id: 'handover.join_unreachable' };
  return { id: 'handover.join_failed', values: { detail: cause.detail || cause.code } };
}
