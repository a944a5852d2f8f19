/** What the hub says over `/api/v1`, in its own words. Times are RFC 3339 in UTC, ids and hashes lower-case hex. */

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
  receipt: Receipt | null;
  trouble: Trouble | null;
}

export interface Attachment {
  hash: string;
  name: string;
  type: string;
  size: number;
  taken_at?: string;
  held: boolean;
}

/** One of several values that people wrote while apart. Without `value` the person removed the property. */
export interface Candidate {
  value?: unknown;
  revisions: string[];
  author: string;
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
  person: string;
  created_at: string;
  changed_at: string;
  received_at: string;
  clock_offset_ms: number | null;
}

export interface ObservationPage {
  observations: Observation[];
  next: string | null;
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

export interface ExportJob {
  id: string;
  to: string;
  path: string | null;
  state: 'writing' | 'verifying' | 'done' | 'failed' | 'cancelled';
  phase_bytes: number;
  phase_bytes_total: number;
  observations: number;
  media: number;
  started_at: string;
  ended_at: string | null;
  trouble: Trouble | null;
  on_drive: boolean | null;
  /** Of an export of a part, what was asked; see `rules/filter-words`. */
  part: Record<string, string> | null;
}

export interface LedgerEntry {
  bundle: string;
  path: string;
  filesystem: string;
  on_drive: boolean;
  part: Record<string, string> | null;
  revisions: number;
  media: number;
  bytes: number;
  verified_at: string;
}

export interface Exports {
  jobs: ExportJob[];
  ledger: LedgerEntry[];
}

export interface Place {
  path: string;
  label: string;
  free_bytes: number;
  filesystem: string;
  removable: boolean;
}

export interface Language {
  code: string;
  name: string;
}

/** What `GET /events` tells, by the name of the event. */
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
