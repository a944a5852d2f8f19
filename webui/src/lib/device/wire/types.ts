/** The bodies of the calls between phone and hub, as they travel; the twin of `protocol/src/rest.rs`. Unknown members are ignored. */

import type { Json } from '../record/canonical';
import type { Fingerprint } from '../record/fingerprint';
import type { DeviceId, MediaHash, ProjectId } from '../record/ids';

/** Where all calls begin. */
export const BASE = '/api/v1';

/** `GET /hub`: who this hub is. */
export interface HubInfo {
  id: DeviceId;
  name: string;
  project: ProjectId;
  version: string;
  capabilities: string[];
  now: string;
  https_port: number;
  /** SHA-256 of its TLS public key, hex, and the hub's signature over those 32 bytes. */
  tls_spki: string;
  tls_sig: string;
}

/** `GET /nonce`. */
export interface NonceAnswer {
  nonce: string;
  hub: DeviceId;
}

/** The answer of `POST /pair`. */
export interface Paired {
  hub: DeviceId;
  project: ProjectId;
  name: string;
}

/** What this phone holds unsent, as it tells the hub. */
export interface Unsent {
  /** Revisions, those not frozen yet included. */
  revisions: number;
  /** Documents among them that the hub has never heard of. */
  documents: number;
  media: number;
  media_bytes: number;
  /** Revisions that were refused and set aside. */
  parked: number;
}

/** `POST /state`. */
export interface StateReport {
  unsent: Unsent;
  media?: MediaHash[];
  author: Fingerprint;
  battery?: number;
  app?: string;
  ask?: MediaHash[];
}

export interface MediaReceipt {
  hash: MediaHash;
  /** `held`, `wanted`, `released`, or what a newer hub says, which is treated as not safe. */
  state: string;
  /** Verified copies elsewhere. */
  copies: number;
}

/** What the hub holds durably for this phone. */
export interface Receipt {
  hub: DeviceId;
  project: ProjectId;
  device: DeviceId;
  epoch: string;
  head: string;
  at: string;
  author: Fingerprint;
  quarantined: number;
  wanted: number;
  media?: MediaReceipt[];
}

export interface SignedReceipt {
  receipt: Receipt;
  sig: string;
}

/** Verdicts on neighbouring lines of a batch that are alike. */
export interface LineRun {
  /** The first line, counted from 1. */
  from: number;
  to: number;
  status: 'stored' | 'duplicate' | 'quarantined' | 'refused';
  code?: string;
  detail?: string;
  /** Whether the same line may be taken later with nobody changing it. */
  retry?: boolean;
}

/** The answer of `POST /revisions`. */
export interface BatchAnswer {
  results: LineRun[];
  wanted: MediaHash[];
}

/** One entry of the feed; other types than these are passed over. */
export interface Change {
  type: string;
  id?: string;
  rev?: Json;
  sig?: string;
}

/** A page of `GET /changes`. */
export interface Changes {
  entries: Change[];
  cursor: string;
  more: boolean;
  filtered: boolean;
}
