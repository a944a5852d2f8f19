import { Problem, readProblem } from './problem';
import type * as T from './types';

/** Long enough for a slow disk, short enough that a page does not wait for a hub that is gone. */
const PATIENCE_MS = 20_000;

const ROOT = '/api/v1';

async function call<Answer>(method: string, path: string, body?: unknown, stop?: AbortSignal): Promise<Answer> {
  const patience = new AbortController();
  const giveUp = () => patience.abort();
  const timer = setTimeout(giveUp, PATIENCE_MS);
  stop?.addEventListener('abort', giveUp, { once: true });
  try {
    stop?.throwIfAborted();
    return await answer<Answer>(method, path, body, patience.signal);
  } finally {
    clearTimeout(timer);
    stop?.removeEventListener('abort', giveUp);
  }
}

async function answer<Answer>(method: string, path: string, body: unknown, signal: AbortSignal): Promise<Answer> {
  const init: RequestInit = { method, signal, credentials: 'same-origin' };
  if (body !== undefined) {
    init.headers = { 'Content-Type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  let response: Response;
  try {
    response = await fetch(ROOT + path, init);
  } catch {
    throw Problem.unreachable();
  }
  if (!response.ok) throw await readProblem(response);
  if (response.status === 204) return undefined as Answer;
  try {
    return (await response.json()) as Answer;
  } catch {
    // Cut off in the middle of the answer.
    throw Problem.unreachable();
  }
}

function query(values: Record<string, string | number | undefined>): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) if (value !== undefined) search.set(key, String(value));
  return `?${search}`;
}

const part = encodeURIComponent;

/** Which observations: the hub's filter, the same for lists, counts, the map and exports. */
export interface ObservationFilter {
  category?: string;
  /** A device's id. */
  person?: string;
  /** Times: from the first on, and before the second. */
  from?: string;
  to?: string;
  q?: string;
  bbox?: string;
  /** An area; see `rules/area`. */
  within?: string;
  has?: string;
  exported?: 'no';
  deleted?: 'include';
}

export interface ObservationQuery extends ObservationFilter {
  limit?: number;
  after?: string;
  sort?: 'received' | 'observed';
}

/** The hub answers a visitor without a session kindly, so that no browser logs an error; for the page it is one. */
function mustBeIn({ role }: { role: string | null }): void {
  if (!role) throw new Problem({ code: 'session_missing', status: 401, detail: '', retry: false });
}

/** Every call that the pages make, on one page. A signal stops a call whose answer nobody waits for any more. */
export const api = {
  session: () => call<{ role: string | null }>('GET', '/session').then(mustBeIn),
  openSession: (token: string) => call<void>('POST', '/session', { token }),
  closeSession: () => call<void>('DELETE', '/session'),

  overview: () => call<T.Overview>('GET', '/admin/overview'),
  renameHub: (name: string) => call<T.HubCard>('PATCH', '/admin/hub', { name }),

  devices: () => call<{ devices: T.DeviceCard[] }>('GET', '/admin/devices'),
  renameDevice: (id: string, name: string) => call<T.DeviceCard>('PATCH', `/admin/devices/${part(id)}`, { name }),
  revokeDevice: (id: string) => call<T.DeviceCard>('POST', `/admin/devices/${part(id)}/revoke`),

  observations: (wanted: ObservationQuery, stop?: AbortSignal) =>
    call<T.ObservationPage>('GET', `/observations${query({ ...wanted })}`, undefined, stop),
  countObservations: (wanted: ObservationFilter, stop?: AbortSignal) =>
    call<{ total: number }>('GET', `/observations/count${query({ ...wanted })}`, undefined, stop),
  countGroups: (wanted: ObservationFilter & { by: string; zone: number }, stop?: AbortSignal) =>
    call<T.Counts>('GET', `/observations/counts${query({ ...wanted })}`, undefined, stop),
  points: (wanted: ObservationFilter, stop?: AbortSignal) =>
    call<T.Points>('GET', `/observations/points${query({ ...wanted })}`, undefined, stop),
  categories: () => call<{ categories: T.CategoryCount[] }>('GET', '/observations/categories'),
  observation: (doc: string, stop?: AbortSignal) =>
    call<T.Observation>('GET', `/observations/${part(doc)}`, undefined, stop),

  pairing: () => call<T.Pairing | null>('GET', '/admin/pairing'),
  newPairing: () => call<T.Pairing>('POST', '/admin/pairing'),
  closePairing: () => call<void>('DELETE', '/admin/pairing'),

  exports: () => call<T.Exports>('GET', '/admin/exports'),
  /** Without a filter: everything. */
  startExport: (to: string, filter?: ObservationFilter) => call<T.ExportJob>('POST', '/admin/exports', { to, filter }),
  cancelExport: (id: string) => call<void>('DELETE', `/admin/exports/${part(id)}`),
  places: () => call<{ places: T.Place[] }>('GET', '/admin/places'),

  languages: () => call<{ languages: T.Language[] }>('GET', '/languages'),
  language: (code: string) => call<Record<string, string>>('GET', `/languages/${part(code)}.json`),
};

export const mediaUrl = (hash: string) => `${ROOT}/media/${part(hash)}`;
export const thumbnailUrl = (hash: string) => `${ROOT}/media/${part(hash)}/thumbnail`;
export const EVENTS_URL = `${ROOT}/events`;
