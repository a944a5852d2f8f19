/** What the hub says over `/api/v1`, in its own words. Times are RFC 3339 in UTC, ids and hashes lower-case hex. */

import type { ExportJob } from './drives';

export type * from './drives';

export interface HubCard {
  id: string;
  name: string;
  project: string;
  version: string;
}

export interface Trouble {
  code: string;
  detail: string;
}

/** A device that has not joined and tried to come in. `name` is no more than its word. */
export interface TurnedAway {
  device: string;
  name: string | null;
  /** The code of the problem that it was told. */
  code: string;
  at: string;
  times: number;
}

export interface Overview {
  hub: HubCard;
  now: string;
  counts: {
    observations: number;
    media_held: number;
    media_bytes: number;
    media_wanted: number;
    media_wanted_bytes: number;
    quarantined: number;
    conflicts: number;
  };
  drives: {
    last_verified_at: string | null;
    last_path: string | null;
    not_on_drive: { observations: number; media: number };
  };
  /** `needed_bytes`: what must be freed before anything new can come; 0 while there is room. */
  disk: { free_bytes: number; total_bytes: number; full: boolean; needed_bytes: number };
  /** `paused`: all devices wait. */
  service: { paused: boolean };
  /** The latest first. */
  turned_away: TurnedAway[];
  trouble: Trouble[];
}

export type DeviceState = 'never' | 'receiving' | 'in_sync' | 'waiting' | 'unknown' | 'revoked';

/** What a device said it still holds, and when it said so. */
export interface Unsent {
  revisions: number;
  media: number;
  media_bytes: number;
  /** Refused by the hub and set aside on the device. */
  parked: number;
  at: string;
}

export interface MissingMedia {
  hash: string;
  name: string;
  size: number;
}

/** The last contact of a device. */
export interface Receipt {
  since: string;
  at: string;
  new: number;
  changed: number;
  deleted: number;
  media: number;
  media_missing: MissingMedia[];
  media_missing_count: number;
}

export interface DeviceCard {
  id: string;
  name: string;
  kind: 'device' | 'hub' | 'plain';
  paired_at: string;
  last_seen: string | null;
  app: string | null;
  state: DeviceState;
  unsent: Unsent | null;
  observations: { here: number; told: number };
  media: { here: number; told: number; wanted_bytes: number };
  clock_offset_ms: number | null;
  battery: number | null;
  /** The manager lets it wait. */
  held_back: boolean;
  /** While it is sending. */
  bytes_per_second: number | null;
  receipt: Receipt | null;
  trouble: Trouble | null;
}

/** `bytes_per_day`: what came a day, of late; `null` before there was a whole day. */
export interface Storage {
  free_bytes: number;
  total_bytes: number;
  photo_bytes: number;
  bytes_per_day: number | null;
}

/** A contact of the last 90 days. */
export interface Contact {
  device: string;
  since: string;
  until: string;
  new: number;
  changed: number;
  deleted: number;
  media: number;
  bytes: number;
  /** Records that were here already. */
  repeats: number;
  /** Requests that were refused or broke off. */
  errors: number;
}

export interface Contacts {
  contacts: Contact[];
  next: string | null;
}

/** Where phones reach the hub, and who asked lately where it is. */
export interface Searched {
  urls: string[];
  asked: { address: string; interface: string; at: string }[];
}

export interface Attachment {
  hash: string;
  name: string;
  type: string;
  size: number;
  taken_at?: string;
  held: boolean;
  /** It was removed from this laptop, since drives hold it. */
  released?: boolean;
}

/** One of several values that people wrote while apart. Without `value` the person removed the property. */
export interface Candidate {
  value?: unknown;
  revisions: string[];
  author: string;
  /** Who is named beside it: the device's name here, or the person for whom a hub wrote. */
  person: string | null;
  created_at: string;
  shown: boolean;
}

export interface Observation {
  doc: string;
  kind: string;
  state: 'whole' | 'conflict' | 'incomplete';
  deleted: boolean;
  /** Anything at all: a stranger's words and numbers. Read it through `rules/observation`. */
  set: Record<string, unknown>;
  conflicts: Record<string, Candidate[]>;
  attachments: Attachment[];
  heads: string[];
  missing: string[];
  revisions: number;
  author: string;
  person: string | null;
  created_at: string;
  changed_at: string;
  received_at: string;
  clock_offset_ms: number | null;
}

/** A property before a change and after it; left out where there was none. */
export interface Step {
  before?: unknown;
  after?: unknown;
}

/** What one revision changed, against what its author had seen. */
export interface Change {
  id: string;
  author: string;
  person: string | null;
  /** By the author's clock. */
  created_at: string;
  /** By the hub's. */
  received_at: string;
  clock_offset_ms: number | null;
  /** The device that brought it, where that was another than the author's. */
  brought_by: string | null;
  properties: Record<string, Step>;
  attached: Attachment[];
  detached: Attachment[];
  /** It deleted the observation, or brought it back. */
  deleted?: boolean;
  /** Nothing was made upon it yet. */
  head: boolean;
  /** With it somebody began the observation; several may have. */
  root: boolean;
}

/** The newest changes first; `total` counts those that are left out, too. */
export interface History {
  total: number;
  changes: Change[];
}

/** What a person writes: one more revision, made upon the `heads` that the person saw. */
export interface Edit {
  by: string;
  heads: string[];
  set?: Record<string, unknown>;
  unset?: string[];
  attach?: Omit<Attachment, 'held' | 'released'>[];
  detach?: string[];
  deleted?: boolean;
}

/** A question of a category. Its answer is the observation's property of the name `key`. */
export interface PresetField {
  key: string;
  type: 'text' | 'number' | 'one' | 'many' | 'date';
  label: Record<string, string>;
  required?: boolean;
  options?: { value: string; label: Record<string, string> }[];
}

/** What a category is. `key` stands in its observations as their `category`. */
export interface PresetSet {
  key: string;
  name: Record<string, string>;
  /** The name of a built-in icon, or a picture as a `data:` address. */
  icon?: string;
  color?: string;
  order?: number;
  /** No longer offered; its observations keep it. */
  retired?: boolean;
  fields?: PresetField[];
}

export interface Preset {
  doc: string;
  heads: string[];
  state: 'whole' | 'conflict' | 'incomplete';
  set: PresetSet;
  changed_at: string;
}

export interface ObservationPage {
  observations: Observation[];
  /** The point to go on from; `null` at the end. */
  next: string | null;
  /** The point of its first, for who goes on in the other order. */
  previous?: string | null;
  /** Left out where the hub would have to look at each of them; ask for the count then. */
  total?: number;
}

/** How often a category was written; the empty one stands for observations without. */
export interface CategoryCount {
  category: string;
  count: number;
}

/** Of a week, of a category, or of both: as was asked. */
export interface CountGroup {
  /** The Monday on which it begins. */
  week?: string;
  category?: string;
  count: number;
}

export interface Counts {
  groups: CountGroup[];
  /** Observations in groups that found no room. */
  left: number;
}

export interface Point {
  doc: string;
  lat: number;
  lon: number;
  category: string;
}

export interface Points {
  /** The newest first. */
  points: Point[];
  more: boolean;
}

export interface Pairing {
  code: string;
  /** `null`: joining stays open. */
  expires_at: string | null;
  tries_left: number;
  urls: string[];
  link: string;
  qr_svg: string;
}

/** Another hub of the project, which this one calls by itself. */
export interface OtherHub {
  id: string;
  name: string;
  url: string;
  busy: boolean;
  brought: { pulled: number; pushed: number; media_pulled: number; media_pushed: number; in_sync: boolean };
  /** When the last contact ended well, milliseconds since 1970. */
  synced_at: number | null;
  /** Why the last one did not, in the hub's English. */
  trouble: string | null;
}

/** A map that lies under observations. What it says of itself is left out where it cannot be read; then `trouble` says why. */
export interface Basemap {
  id: string;
  name: string;
  bytes: number;
  format?: MapFormat;
  kind?: 'raster' | 'vector';
  schema?: 'protomaps' | 'openmaptiles' | 'other' | 'own';
  layers?: string[];
  /** West, south, east, north. */
  bounds?: [number, number, number, number] | null;
  minzoom?: number;
  maxzoom?: number;
  /** Plain text. */
  attribution?: string;
  trouble: string | null;
}

export type MapFormat = 'pmtiles' | 'mbtiles' | 'smp';

/** A map that is being copied into the hub, or was the last. */
export interface MapCopy {
  name: string;
  state: 'copying' | 'checking' | 'done' | 'failed' | 'cancelled';
  bytes: number;
  bytes_total: number;
  /** The map that it became. */
  map: string | null;
  trouble: Trouble | null;
}

/** A map file on a drive. */
export interface FoundMap {
  path: string;
  name: string;
  format: MapFormat;
  bytes: number;
  /** What people call the drive. */
  place: string;
  removable: boolean;
}

export interface Language {
  code: string;
  name: string;
}

export interface HubEvents {
  hello: { head: string };
  device: DeviceCard;
  device_removed: { id: string };
  observations: { count: number; docs: string[] };
  media: { hashes: string[] };
  overview: Overview;
  export: ExportJob;
  pairing: Pairing | null;
}
