/** The bodies of the calls about copies: exports, drives, imports. `types.ts` gives them out with all others. */

import type { Trouble } from './types';

export interface ExportJob {
  id: string;
  to: string;
  path: string | null;
  state: 'writing' | 'verifying' | 'done' | 'nothing' | 'failed' | 'cancelled';
  phase_bytes: number;
  phase_bytes_total: number;
  /** How fast this phase goes, once that can be told. */
  bytes_per_second: number | null;
  observations: number;
  media: number;
  started_at: string;
  ended_at: string | null;
  trouble: Trouble | null;
  on_drive: boolean | null;
  /** Of an export of a part, what was asked; see `rules/filter-words`. */
  part: Record<string, string> | null;
  /** Only what the drive did not have was asked for. */
  only_new: boolean;
  /** The further files that were asked for. */
  also: Also[];
  /** Only who has a key can open it. */
  sealed: boolean;
  /** What a finished one is. */
  kind: CopyKind | null;
}

/** Files that a copy has where somebody asks for them: for Google Earth, GPS devices, older map programs. */
export type Also = 'kmz' | 'gpx' | 'shapefile';

/** Everything, what was new for its drive, or what a filter let through. */
export type CopyKind = 'full' | 'new' | 'part';

export interface LedgerEntry {
  bundle: string;
  path: string;
  filesystem: string;
  on_drive: boolean;
  kind: CopyKind;
  sealed: boolean;
  /** What was read back was what was written. */
  verified: boolean;
  /** When it was found gone from its drive. */
  gone_at: string | null;
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

/** Media, counted. */
export interface MediaCount {
  media: number;
  bytes: number;
}

export interface Place {
  path: string;
  label: string;
  free_bytes: number | null;
  size_bytes: number | null;
  read_only: boolean;
  filesystem: string;
  removable: boolean;
  /** What is new for it; `null` where no copy of this hub is there. */
  new: { since: string; observations: number; media: number; needed_bytes: number } | null;
  /** It gets what is new by itself when it is plugged in. */
  by_itself: boolean;
  /** The system lets it go when it is asked. */
  can_eject: boolean;
}

/** What `GET /events` tells, by the name of the event. */
/** What came of a file that a phone saved: how many of each. `whole`: it was read to its end. */
export interface Imported {
  stored: number;
  duplicates: number;
  quarantined: number;
  refused: number;
  media: number;
  media_known: number;
  media_refused: number;
  whole: boolean;
}

/** A copy that lies on a drive. */
export interface FoundCopy {
  path: string;
  drive: string;
  hub_name: string;
  made_at: string | null;
  kind: CopyKind;
  observations: number | null;
  media: number | null;
  bytes: number;
  /** Of this hub's project; others are refused. */
  ours: boolean;
}

/** What another program has written to a drive. */
export interface OtherFile {
  path: string;
  drive: string;
  name: string;
}

/** What such a file holds, before anything of it is taken. */
export interface Preview {
  observations: number;
  known: number;
  with_place: number;
  media: number;
  categories: [category: string, count: number][];
  /** The first ones, as they would be here. */
  first: Record<string, unknown>[];
  faults: string[];
  fault_count: number;
}

/** A copy that is taken in, or was last. */
export interface ImportJob {
  id: string;
  from: string;
  state: 'running' | 'done' | 'failed' | 'cancelled';
  progress: { bytes: number; bytes_total: number; imported: Imported };
  taken: { imported: Imported; faults: { file: string; what: string }[]; fault_count: number } | null;
  trouble: { code: string; detail: string } | null;
  started_at: string;
  ended_at: string | null;
}
