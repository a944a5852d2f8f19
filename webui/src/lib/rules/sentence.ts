import type { DeviceCard, Overview } from '$lib/api/types';
import type { Said } from '$lib/i18n/speaker';
import { hasTold, isMember, isSilent, missingOf, missingParts } from './device';
import type { Tone } from './tone';

export interface Sentence {
  tone: Tone;
  /** Whether everything that was told of is here. */
  arrival: Said[];
  /** Whether it is on a drive. */
  copy: Said[];
}

/**
 * The sentence on top of the page: what a manager must know at one glance.
 *
 * It promises nothing beyond what is known. What devices told of is counted; a device that never told is named as
 * unknown; one that was silent for long is named, because it may have recorded since.
 */
export function sentence(overview: Overview, devices: DeviceCard[], now: number): Sentence {
  const members = devices.filter(isMember);
  const told = members.filter(hasTold);
  const untold = members.filter((device) => !hasTold(device));
  const silent = members.filter((device) => isSilent(device, now));
  const lacking = told.filter((device) => missingParts(device).length > 0);
  const stray = strayMedia(overview, told);

  const arrival: Said[] = [whatIsHere(overview, told.length, lacking.length > 0 || stray > 0)];
  for (const device of lacking) {
    arrival.push({ id: 'sentence.missing', values: { name: device.name, missing: { list: missingParts(device) } } });
  }
  if (stray) arrival.push({ id: 'sentence.stray_media', count: stray });
  if (untold.length) {
    const names = { list: untold.map(({ name }) => name) };
    arrival.push({ id: 'sentence.untold', count: untold.length, values: { names } });
  }
  if (silent.length) arrival.push({ id: 'sentence.silent', values: { names: { list: silent.map(nameAndTime) } } });
  if (overview.counts.quarantined) arrival.push({ id: 'sentence.quarantined', count: overview.counts.quarantined });

  return { tone: tone(overview, lacking.length + stray, untold.length + silent.length), arrival, copy: copies(overview) };
}

function whatIsHere(overview: Overview, told: number, incomplete: boolean): Said {
  const { observations, media_held } = overview.counts;
  const here = things(observations, media_held);
  if (!here.length) return { id: told ? 'sentence.nothing_from_told' : 'sentence.nothing' };
  const values = { things: { list: here } };
  if (incomplete || told === 0) return { id: 'sentence.here', values };
  return { id: 'sentence.all_told_here', count: told, values };
}

/** Photos that observations name, that are not here, and that no device said it would bring. */
function strayMedia(overview: Overview, told: DeviceCard[]): number {
  const promised = told.reduce((sum, device) => sum + missingOf(device).media, 0);
  return Math.max(0, overview.counts.media_wanted - promised);
}

function nameAndTime(device: DeviceCard): Said {
  return { id: 'sentence.name_and_time', values: { name: device.name, when: { ago: device.last_seen ?? '' } } };
}

function copies({ counts, drives }: Overview): Said[] {
  const waiting = things(drives.not_on_drive.observations, drives.not_on_drive.media);
  const parts: Said[] = [];
  if (waiting.length) parts.push({ id: 'sentence.not_on_drive', values: { things: { list: waiting } } });
  else if (counts.observations || counts.media_held) parts.push({ id: 'sentence.all_on_drive' });
  if (drives.last_verified_at) {
    parts.push({ id: 'sentence.last_copy', values: { when: { ago: drives.last_verified_at } } });
  } else if (waiting.length) {
    parts.push({ id: 'sentence.never_copied' });
  }
  return parts;
}

function things(observations: number, media: number): Said[] {
  const parts: Said[] = [];
  if (observations) parts.push({ id: 'count.observations', count: observations });
  if (media) parts.push({ id: 'count.photos', count: media });
  return parts;
}

function tone(overview: Overview, missing: number, uncertain: number): Tone {
  if (overview.trouble.length || overview.disk.full) return 'bad';
  if (missing) return 'attention';
  if (uncertain || !overview.counts.observations) return 'unknown';
  return 'ok';
}
