import type { DeviceCard, Overview, Storage } from '$lib/api/types';
import type { Said } from '$lib/i18n/speaker';
import { isMember } from './device';
import { DAY_MS, isClockOff, roughly } from './time';
import type { Tone } from './tone';

/** One thing that must be well, how it is, and what to do where it is not. */
export interface Finding {
  about: 'disk' | 'clock' | 'database';
  tone: Tone;
  said: Said;
}

/** What is full within this time is worth a word before it is. */
const SOON_DAYS = 14;

/** How the hub is. */
export function findings(overview: Overview, devices: DeviceCard[], storage: Storage | null): Finding[] {
  return [disk(overview, storage), clock(devices), database(overview)];
}

function disk({ disk }: Overview, storage: Storage | null): Finding {
  if (disk.full) return { about: 'disk', tone: 'bad', said: { id: 'health.disk_full', values: { needed: { bytes: disk.needed_bytes } } } };
  const days = storage ? daysLeft(storage) : null;
  if (days !== null && days <= SOON_DAYS) return { about: 'disk', tone: 'attention', said: { id: 'health.disk_soon', count: days } };
  return { about: 'disk', tone: 'ok', said: { id: 'health.disk_ok' } };
}

/** How many days the disk does at the pace of late; `null` where there is no pace yet. */
export function daysLeft({ free_bytes, bytes_per_day }: Storage): number | null {
  if (bytes_per_day === null) return null;
  return bytes_per_day > 0 ? Math.floor(free_bytes / bytes_per_day) : null;
}

/** How many photos still fit. */
export const photosLeft = ({ free_bytes, photo_bytes }: Storage): number => Math.floor(free_bytes / Math.max(1, photo_bytes));

/**
 * Whether this laptop's clock is right, as far as the phones tell: where most of them, and two at least, disagree with it to
 * the same side, it is the laptop that is wrong.
 */
function clock(devices: DeviceCard[]): Finding {
  const offsets = devices.filter(isMember).flatMap(({ clock_offset_ms }) => (clock_offset_ms === null ? [] : [clock_offset_ms]));
  const sides = [offsets.filter((offset) => isClockOff(offset) && offset > 0), offsets.filter((offset) => isClockOff(offset) && offset < 0)];
  for (const side of sides) {
    if (side.length < 2 || side.length * 2 <= offsets.length) continue;
    const middle = side.toSorted((a, b) => a - b)[Math.floor(side.length / 2)] ?? 0;
    const { value, unit } = roughly(middle);
    const ids = { hour: 'health.clock.hours', day: 'health.clock.days', year: 'health.clock.years' } as const;
    return { about: 'clock', tone: 'attention', said: { id: ids[unit], count: value } };
  }
  if (!offsets.length) return { about: 'clock', tone: 'unknown', said: { id: 'health.clock.unknown' } };
  return { about: 'clock', tone: 'ok', said: { id: 'health.clock.ok' } };
}

function database({ trouble }: Overview): Finding {
  const damaged = trouble.some(({ code }) => code === 'database_damaged');
  if (damaged) return { about: 'database', tone: 'bad', said: { id: 'health.database_damaged' } };
  return { about: 'database', tone: 'ok', said: { id: 'health.database_ok' } };
}

/** How long a contact lasted, in whole minutes; below one there is nothing to say. */
export function minutesOf({ since, until }: { since: string; until: string }): number {
  return Math.max(0, Math.round((Date.parse(until) - Date.parse(since)) / (DAY_MS / 1440)));
}
