/** Where a document of this phone is: only here, on its way, on a hub, refused. Pure: the pages read it from the phone's store. */

import type { KnownHub, Local, Parked, WantedRow } from '$lib/device/device';

type Known = Pick<KnownHub, 'id' | 'name' | 'receipt'>;
type Wanted = Pick<WantedRow, 'hub' | 'hash' | 'offset' | 'refused'>;

/** How it stands with one hub. */
export interface Standing {
  state: 'here' | 'moving' | 'held' | 'refused';
  /** The hub; `null`: this phone itself set it aside, or has joined none. */
  hub: string | null;
  name: string;
  /** Of what is held: when the hub last signed that it holds what this phone acknowledged. */
  at: string | null;
  why: { code: string; detail: string } | null;
}

/** What of the store says where a document is. */
export interface Said {
  local: Local | undefined;
  hubs: Known[];
  /** Hubs that are being talked to. */
  talking: string[];
  /** Of this document: what was set aside, and by whom. */
  parked: (Parked & { by: string })[];
  /** Of its files: which hub may lack them. */
  wanted: Wanted[];
}

/** For each hub that this phone has joined. `null`: nothing of it was written here, so there is nothing to bring. */
export function standings({ local, hubs, talking, parked, wanted }: Said): Standing[] | null {
  if (!local || local.version === 0) return null;
  const own = parked.find(({ by }) => !hubs.some(({ id }) => id === by));
  if (own) return [refused(null, '', own)];
  return hubs.map((hub) => standingWith(hub, local, talking.includes(hub.id), parked, wanted));
}

function standingWith(hub: Known, local: Local, isTalking: boolean, parked: Said['parked'], wanted: Wanted[]): Standing {
  const { id, name } = hub;
  const set = parked.find(({ by }) => by === id);
  if (set) return refused(id, name, set);
  const files = wanted.filter((one) => one.hub === id);
  const file = files.find((one) => one.refused)?.refused;
  if (file) return refused(id, name, file);
  const synced = local.versionSynced[id];
  if (synced !== undefined && synced >= local.version && !local.draft && files.length === 0) {
    return { state: 'held', hub: id, name, at: hub.receipt?.receipt.at ?? null, why: null };
  }
  // Frozen, or partly there: it has been offered, and what is missing follows.
  const isMoving = isTalking || synced !== undefined || files.some(({ offset = 0 }) => offset > 0);
  return { state: isMoving ? 'moving' : 'here', hub: id, name, at: null, why: null };
}

const refused = (hub: string | null, name: string, { code, detail }: { code: string; detail: string }): Standing => (
  { state: 'refused', hub, name, at: null, why: { code, detail } }
);

const WEIGHT = { refused: 3, held: 2, moving: 1, here: 0 } as const;

/** What is told in one word: what needs somebody first, then the best that is known. `null`: it came from others. */
export function foremost(all: Standing[] | null): Standing | null {
  if (!all) return null;
  const none: Standing = { state: 'here', hub: null, name: '', at: null, why: null };
  return all.reduce((best, one) => (WEIGHT[one.state] > WEIGHT[best.state] ? one : best), none);
}

const LACKING = { refused: 3, here: 2, moving: 1, held: 0 } as const;

/** What is told of several documents that are one thing to people: it is only where all of them are. `null`: it came from others. */
export const hindmost = (all: (Standing | null)[]): Standing | null =>
  all.reduce((last, one) => (one && (!last || LACKING[one.state] > LACKING[last.state]) ? one : last), null);
