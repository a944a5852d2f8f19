import type { Freeable } from '$lib/device/device';

/** What the browser says of the room on this phone; `null` where it does not say. */
export interface Room {
  used: number;
  /** What it lets this app have altogether. */
  quota: number;
}

const GIB = 2 ** 30;

/**
 * What an estimate says. Newer Chromiums keep a secret of the disk: they name a whole number of GiB, at most ten, above what is used,
 * however little is left, and that says nothing.
 */
export function roomIn({ usage, quota }: StorageEstimate): Room | null {
  if (usage === undefined || !quota || (quota - usage) % GIB === 0) return null;
  return { used: usage, quota };
}

/** Below this a walk's photos may no longer fit. */
const SHORT_BYTES = 1_000_000_000;

/** A browser that gives less altogether is short when so much of it is used. */
const SHORT_SHARE = 0.8;

const isLittle = (room: Room, freed = 0): boolean => {
  const used = room.used - freed;
  return room.quota - used < Math.min(SHORT_BYTES, room.quota * (1 - SHORT_SHARE));
};

/** Whether space is short; unknown is as good as short, since somebody else may know. */
export const isShort = (room: Room | null): boolean => room === null || isLittle(room);

/** Of the files that may be freed, the oldest first, as many as it takes until space is no longer short. */
export function enough(freeable: Freeable[], room: Room | null): Freeable[] {
  if (room === null) return freeable;
  const chosen: Freeable[] = [];
  let freed = 0;
  for (const file of freeable) {
    if (!isLittle(room, freed)) break;
    chosen.push(file);
    freed += file.size;
  }
  return chosen;
}

/** Whether what is recorded next will find room. */
export type Ahead = 'enough' | 'low' | 'unknown';

/** A handful of photos. */
const LEAST_BYTES = 60_000_000;

/** By what the browser says of its storage; it says so in safe contexts alone, and roughly. */
export function roomOf(estimate: StorageEstimate | undefined): Ahead {
  const room = roomIn(estimate ?? {});
  if (!room) return 'unknown';
  return room.quota - room.used < LEAST_BYTES ? 'low' : 'enough';
}
