/**
 * Meeting a hub: asking who it is, holding that against what is pinned, and joining it; the twin of `protocol/src/client/pair.rs`.
 *
 * It promises: a hub of another project, or another hub at a known one's place, is refused in words that say so. What it does not
 * promise: that whoever answers `GET /hub` holds the hub's key; the signed receipt of the first contact proves that.
 */

import { concat, fromHex, utf8 } from '../record/bytes';
import { canonical } from '../record/canonical';
import { isId, isProjectId, type DeviceId, type ProjectId } from '../record/ids';
import { isWeak, verify, type DeviceKey } from '../record/keys';
import { CallError } from './call-error';
import { json, send, type Fetch } from './fetching';
import { BASE, type HubInfo, type Paired } from './types';

/** A hub in the same room answers within this, or it is not there. */
export const MEETING_MS = 1_500;

export interface Expected {
  /** The hub's id, from an invitation or from joining. */
  hub?: DeviceId;
  /** The project that this phone belongs to. */
  project?: ProjectId;
}

const WITH_PORT = /^(?:[a-z]+:\/\/)?(?:\[[^\]]*\]|[^/:]*):\d+/i;

/** `http://192.168.1.5:8733` of whatever a person types: without a scheme, with a path, without the port. */
export function addressOf(text: string): string | null {
  const typed = text.trim();
  if (typed === '') return null;
  try {
    const url = new URL(/^[a-z]+:\/\//i.test(typed) ? typed : `http://${typed}`);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
    // A URL drops the port that is its scheme's own; one that was typed counts.
    if (url.protocol === 'http:' && !WITH_PORT.test(typed)) url.port = '8733';
    return url.origin;
  } catch {
    return null;
  }
}

/** Asks whoever is at `address` who it is. */
export async function meet(get: Fetch, address: string, expected: Expected, patienceMs = MEETING_MS): Promise<HubInfo> {
  const info = json<HubInfo>(await send(get, address, { method: 'GET', path: `${BASE}/hub`, patienceMs }));
  if (!isProven(info)) {
    throw CallError.garbled('unproven', 'This is not a hub, or it does not prove that it is the one it says it is.');
  }
  if (expected.project !== undefined && info.project !== expected.project) {
    throw CallError.garbled('stranger', `The hub "${info.name}" belongs to another project than this phone.`);
  }
  if (expected.hub !== undefined && info.id !== expected.hub) {
    throw CallError.garbled('another_hub', `The hub "${info.name}" is not the one that was expected at this address.`);
  }
  return info;
}

function isProven(info: HubInfo): boolean {
  if (typeof info !== 'object' || info === null || !isId(info.id) || !isProjectId(info.project)) return false;
  const spki = typeof info.tls_spki === 'string' ? fromHex(info.tls_spki) : null;
  return spki?.length === 32 && typeof info.name === 'string' && !isWeak(info.id) && verify(info.id, 'tls', spki, info.tls_sig);
}

/**
 * The first of these addresses at which this hub answers, asked all at once. At `guesses` it was never seen: that another hub lives
 * there says nothing of this one.
 */
export async function find(
  get: Fetch,
  addresses: string[],
  expected: Expected,
  guesses: string[] = [],
): Promise<{ address: string; info: HubInfo }> {
  const at = async (address: string) => ({ address, info: await meet(get, address, expected) });
  const guessed = guesses.filter((address) => !addresses.includes(address)).map((address) => at(address).catch(() => Promise.reject(CallError.unreachable())));
  const asked = [...addresses.map(at), ...guessed];
  try {
    return await Promise.any(asked);
  } catch (cause) {
    // What a hub said counts more than silence.
    const errors = cause instanceof AggregateError ? (cause.errors as unknown[]) : [cause];
    throw errors.find((error) => error instanceof CallError && error.kind !== 'unreachable') ?? CallError.unreachable();
  }
}

/** Joins with the code from the manager's screen. */
export async function pair(
  get: Fetch,
  address: string,
  info: HubInfo,
  key: DeviceKey,
  { name, code, app }: { name: string; code: string; app: string },
): Promise<Paired> {
  const [hub, device] = [fromHex(info.id), fromHex(key.id)].map((bytes) => bytes ?? new Uint8Array());
  const proof = key.sign('pair', concat(hub as Uint8Array, device as Uint8Array, utf8(code)));
  const body = utf8(canonical({ device: key.id, name, code, app, proof }));
  const headers = { 'Content-Type': 'application/json' };
  const paired = json<Paired>(await send(get, address, { method: 'POST', path: `${BASE}/pair`, headers, body }));
  if (paired.hub !== info.id || paired.project !== info.project) {
    throw CallError.garbled('unproven', 'This hub does not prove that it is the one it says it is.');
  }
  return paired;
}
