import type { DeviceCard, Observation, Overview } from '$lib/api/types';

export const NOW = Date.parse('2026-11-21T12:00:00.000Z');
export const daysAgo = (days: number): string => new Date(NOW - days * 86_400_000).toISOString();

export function device(fields: Partial<DeviceCard> = {}): DeviceCard {
  return {
    id: 'a'.repeat(64),
    name: 'Rosa',
    kind: 'device',
    paired_at: daysAgo(100),
    last_seen: daysAgo(0),
    app: null,
    state: 'in_sync',
    unsent: { revisions: 0, media: 0, media_bytes: 0, parked: 0, at: daysAgo(0) },
    observations: { here: 43, told: 43 },
    media: { here: 10, told: 10, wanted_bytes: 0 },
    clock_offset_ms: 0,
    battery: null,
    held_back: false,
    bytes_per_second: null,
    receipt: null,
    trouble: null,
    ...fields,
  };
}

export function overview(counts: Partial<Overview['counts']> = {}, drives: Partial<Overview['drives']> = {}): Overview {
  return {
    hub: { id: 'f'.repeat(64), name: 'Maloca', project: '0'.repeat(32), version: '0.1.0' },
    now: daysAgo(0),
    counts: {
      observations: 43,
      media_held: 10,
      media_bytes: 4_800_000,
      media_wanted: 0,
      media_wanted_bytes: 0,
      quarantined: 0,
      conflicts: 0,
      ...counts,
    },
    drives: { last_verified_at: null, last_path: null, not_on_drive: { observations: 0, media: 0 }, ...drives },
    disk: { free_bytes: 1e10, total_bytes: 1e11, full: false, needed_bytes: 0 },
    service: { paused: false },
    turned_away: [],
    trouble: [],
  };
}

export function observation(doc: string, fields: Partial<Observation> = {}): Observation {
  return {
    doc,
    kind: 'observation',
    state: 'whole',
    deleted: false,
    set: {},
    conflicts: {},
    attachments: [],
    heads: [],
    missing: [],
    revisions: 1,
    author: 'a'.repeat(64),
    person: 'Rosa',
    created_at: daysAgo(1),
    changed_at: daysAgo(1),
    received_at: daysAgo(0),
    clock_offset_ms: null,
    ...fields,
  };
}
