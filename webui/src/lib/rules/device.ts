import type { DeviceCard, DeviceState, Receipt } from '$lib/api/types';
import type { Plain } from '$lib/i18n/messages';
import type { Said } from '$lib/i18n/speaker';
import { LONG_SILENCE_MS, isClockOff, roughly } from './time';
import type { Tone } from './tone';

const STATES: Record<DeviceState, { tone: Tone; word: Plain }> = {
  never: { tone: 'unknown', word: 'device.state.never' },
  receiving: { tone: 'busy', word: 'device.state.receiving' },
  in_sync: { tone: 'ok', word: 'device.state.in_sync' },
  waiting: { tone: 'attention', word: 'device.state.waiting' },
  unknown: { tone: 'unknown', word: 'device.state.unknown' },
  revoked: { tone: 'off', word: 'device.state.revoked' },
};

/**
 * A device's state as sign and word.
 *
 * A state that this page does not know yet is never taken for a good one. Neither is a good state of long ago: the
 * person has been out there since, and may have recorded.
 */
export function deviceState(device: DeviceCard, now: number): { tone: Tone; word: Plain } {
  if (device.held_back && isMember(device)) return { tone: 'off', word: 'device.state.held_back' };
  if (device.state === 'in_sync' && isSilent(device, now)) {
    return { tone: 'unknown', word: 'device.state.in_sync_then' };
  }
  return STATES[device.state] ?? STATES.unknown;
}

export const isMember = (device: DeviceCard): boolean => device.state !== 'revoked';

/** It said what it holds. Until it does, nobody can know what is missing there. */
export const hasTold = (device: DeviceCard): boolean => device.unsent !== null;

/** What a device told of that is not here. */
export function missingOf(device: DeviceCard): { records: number; media: number; bytes: number; parked: number } {
  const unsent = device.unsent;
  return {
    records: unsent?.revisions ?? 0,
    media: Math.max(0, unsent?.media ?? 0, device.media.told - device.media.here),
    bytes: Math.max(unsent?.media_bytes ?? 0, device.media.wanted_bytes),
    parked: unsent?.parked ?? 0,
  };
}

/** The same in words. */
export function missingParts(device: DeviceCard): Said[] {
  const { records, media, bytes, parked } = missingOf(device);
  const parts: Said[] = [];
  if (records) parts.push({ id: 'count.records', count: records });
  if (media) parts.push({ id: 'count.photos_of_size', count: media, values: { size: { bytes } } });
  if (parked) parts.push({ id: 'count.parked', count: parked });
  return parts;
}

/** "1.2 MB a second, about 3 minutes left", while it sends; without a time where nobody can know it. */
export function speedParts(device: DeviceCard): Said[] {
  const speed = device.bytes_per_second;
  if (speed === null || device.state !== 'receiving' || speed < SLOWEST) return [];
  const parts: Said[] = [{ id: 'device.speed', values: { size: { bytes: speed } } }];
  const seconds = missingOf(device).bytes / speed;
  if (seconds >= 90) parts.push({ id: 'device.minutes_left', count: Math.round(seconds / 60) });
  else if (seconds > 0) parts.push({ id: 'device.minute_left' });
  return parts;
}

/** Below that, bytes a second: what is called sending then is mostly waiting, and a time from it would be invented. */
const SLOWEST = 500;

/** It was here once, but not lately. */
export function isSilent(device: DeviceCard, now: number): boolean {
  return device.last_seen !== null && now - Date.parse(device.last_seen) > LONG_SILENCE_MS;
}

/** "The clock is 3 days behind." */
export function clockWarning(offset: number | null): Said | null {
  if (!isClockOff(offset)) return null;
  const { value, unit } = roughly(offset);
  const ids = {
    hour: offset > 0 ? 'clock.ahead.hours' : 'clock.behind.hours',
    day: offset > 0 ? 'clock.ahead.days' : 'clock.behind.days',
    year: offset > 0 ? 'clock.ahead.years' : 'clock.behind.years',
  } as const;
  return { id: ids[unit], count: value };
}

/** "43 new, 3 changed, 1 deleted", and how many photos came. */
export function receiptParts(receipt: Pick<Receipt, 'new' | 'changed' | 'deleted' | 'media'>): Said[] {
  const parts: Said[] = [];
  if (receipt.new) parts.push({ id: 'receipt.new', count: receipt.new });
  if (receipt.changed) parts.push({ id: 'receipt.changed', count: receipt.changed });
  if (receipt.deleted) parts.push({ id: 'receipt.deleted', count: receipt.deleted });
  if (receipt.media) parts.push({ id: 'count.photos', count: receipt.media });
  return parts.length ? parts : [{ id: 'receipt.nothing_new' }];
}

/** Cards keep their places while their states change: by name, then by id. */
export function sortDevices(devices: DeviceCard[], language: string): DeviceCard[] {
  const names = new Intl.Collator([language, 'es'], { numeric: true, sensitivity: 'base' });
  return devices.toSorted((a, b) => names.compare(a.name, b.name) || (a.id < b.id ? -1 : 1));
}
