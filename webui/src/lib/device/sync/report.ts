/** What a contact brought, and whom to tell of each step. */

import type { DocId, MediaHash } from '../record/ids';
import type { Receipt, Unsent } from '../wire/types';

export const NOTHING_UNSENT: Unsent = { revisions: 0, documents: 0, media: 0, media_bytes: 0, parked: 0 };

/** Why something is not taken: the stable code, and what is wrong and what to do. */
export interface Reason {
  code: string;
  detail: string;
}

export interface SyncReport {
  /** What waited when the contact began. */
  beganWith: Unsent;
  /** Revisions that the hub took in, held already, and keeps until their author is a member. */
  stored: number;
  duplicate: number;
  quarantined: number;
  /** Revisions that it will perhaps take another day; they go on waiting. */
  later: number;
  /** Revisions that were refused in this contact; they are parked. */
  refused: (Reason & { doc: DocId })[];
  mediaSent: number;
  mediaBytes: number;
  /** Media that the hub held already. */
  mediaHad: number;
  mediaRefused: (Reason & { hash: MediaHash; name: string })[];
  /** Revisions of others that are new here, and entries of the feed that were not valid. */
  pulled: number;
  pullRefused: number;
  /** Whether the hub was offered everything again, and so is not the one it was. */
  beganAgain: boolean;
  /** What still waits. */
  unsent: Unsent;
  receipt: Receipt | null;
  /** Nothing is unsent or parked, the hub holds exactly the acknowledged revisions, and wants nothing. */
  inSync: boolean;
}

export const newReport = (): SyncReport => ({
  beganWith: NOTHING_UNSENT,
  stored: 0,
  duplicate: 0,
  quarantined: 0,
  later: 0,
  refused: [],
  mediaSent: 0,
  mediaBytes: 0,
  mediaHad: 0,
  mediaRefused: [],
  pulled: 0,
  pullRefused: 0,
  beganAgain: false,
  unsent: NOTHING_UNSENT,
  receipt: null,
  inSync: false,
});

/** A step forward. */
export type Progress =
  | { type: 'met'; unsent: Unsent }
  | { type: 'revisions'; done: number; of: number }
  | { type: 'media'; hash: MediaHash; sent: number; size: number }
  | { type: 'pulled'; revisions: number };
