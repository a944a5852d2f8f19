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

function answer<Answer>(method: string, path: string, body: unknown, signal: AbortSignal): Promise<Answer> {
  const init: RequestInit = { method, signal };
  if (body !== undefined) {
    init.headers = { 'Content-Type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  return ask<Answer>(path, init);
}

/** A file, as it lies on the disk: the browser reads it while it sends. */
const send = <Answer>(path: string, file: File, signal: AbortSignal): Promise<Answer> =>
  ask<Answer>(path, { method: 'POST', signal, body: file, headers: { 'Content-Type': 'application/octet-stream' } });

async function ask<Answer>(path: string, init: RequestInit): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(ROOT + path, { ...init, credentials: 'same-origin' });
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
  /** So many are passed over first; `after` is cheaper where there is one. */
  skip?: number;
  sort?: 'received' | 'observed';
  order?: 'newest' | 'oldest';
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
  pause: (paused: boolean) => call<void>('PATCH', '/admin/service', { paused }),
  search: () => call<T.Searched>('POST', '/admin/search'),
  storage: () => call<T.Storage>('GET', '/admin/storage'),
  contacts: (after?: string) => call<T.Contacts>('GET', `/admin/contacts${query({ after, limit: 50 })}`),

  devices: () => call<{ devices: T.DeviceCard[] }>('GET', '/admin/devices'),
  changeDevice: (id: string, change: { name?: string; held_back?: boolean }) =>
    call<T.DeviceCard>('PATCH', `/admin/devices/${part(id)}`, change),
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
  history: (doc: string, stop?: AbortSignal) =>
    call<T.History>('GET', `/observations/${part(doc)}/history`, undefined, stop),
  edit: (doc: string, edit: T.Edit) => call<{ revision: string }>('POST', `/observations/${part(doc)}/edits`, edit),

  presets: () => call<{ presets: T.Preset[] }>('GET', '/presets'),
  addPresets: (by: string, presets: T.PresetSet[]) =>
    call<{ added: string[]; known: number }>('POST', '/admin/presets', { by, presets }),

  pairing: () => call<T.Pairing | null>('GET', '/admin/pairing'),
  newPairing: () => call<T.Pairing>('POST', '/admin/pairing'),
  closePairing: () => call<void>('DELETE', '/admin/pairing'),

  hubs: () => call<{ hubs: T.OtherHub[] }>('GET', '/admin/hubs'),
  hubCode: () => call<T.Pairing>('POST', '/admin/hubs/code'),
  joinHub: (url: string, code: string) => call<{ hubs: T.OtherHub[] }>('POST', '/admin/hubs', { url, code }),
  syncHubs: () => call<unknown>('POST', '/admin/hubs/sync'),

  exports: () => call<T.Exports>('GET', '/admin/exports'),
  /** Without a filter: everything, or only what the drive does not have. `also`: further files; `sealFor`: the keys of who alone can open it. */
  startExport: (to: string, filter?: ObservationFilter, onlyNew = false, also: T.Also[] = [], sealFor: string[] = []) =>
    call<T.ExportJob>('POST', '/admin/exports', { to, filter, only_new: onlyNew, also, seal_for: sealFor }),
  eject: (path: string) => call<void>('POST', '/admin/places/eject', { path }),
  cancelExport: (id: string) => call<void>('DELETE', `/admin/exports/${part(id)}`),
  /** Media that two drives hold, and what freeing them came to. */
  releasable: () => call<T.MediaCount>('GET', '/admin/retention'),
  release: () => call<T.MediaCount>('POST', '/admin/retention'),
  markPlace: (path: string, byItself: boolean) => call<void>('PATCH', '/admin/places', { path, by_itself: byItself }),
  places: () => call<{ places: T.Place[]; needed_bytes: number }>('GET', '/admin/places'),

  basemaps: () => call<{ basemaps: T.Basemap[] }>('GET', '/basemaps'),
  basemapStyle: (id: string) => call<unknown>('GET', `/basemaps/${part(id)}/style`),
  foundBasemaps: () => call<{ maps: T.FoundMap[]; complete: boolean }>('GET', '/admin/basemaps/found'),
  copyBasemap: (path: string) => call<T.MapCopy>('POST', '/admin/basemaps', { path }),
  /** As long as it takes: a map has gigabytes. */
  sendBasemap: (file: File, stop: AbortSignal) =>
    send<T.Basemap>(`/admin/basemaps/upload${query({ name: file.name })}`, file, stop),
  importPhoneFile: (file: File, stop: AbortSignal) => send<T.Imported>('/admin/imports', file, stop),
  bundleImport: () => call<{ job: T.ImportJob | null }>('GET', '/admin/imports/bundles'),
  driveCopies: () => call<{ found: T.FoundCopy[]; others: T.OtherFile[] }>('GET', '/admin/imports/found'),
  lookAt: (from: string) => call<T.Preview>('POST', '/admin/imports/look', { from }),
  takeIn: (from: string) => call<T.ImportJob>('POST', '/admin/imports/bundles', { from }),
  stopImport: (id: string) => call<void>('DELETE', `/admin/imports/bundles/${part(id)}`),
  basemapCopy: () => call<{ copy: T.MapCopy | null }>('GET', '/admin/basemaps/copy'),
  stopBasemapCopy: () => call<void>('DELETE', '/admin/basemaps/copy'),
  removeBasemap: (id: string) => call<void>('DELETE', `/admin/basemaps/${part(id)}`),

  languages: () => call<{ languages: T.Language[] }>('GET', '/languages'),
  language: (code: string) => call<Record<string, string>>('GET', `/languages/${part(code)}.json`),
};

export const mediaUrl = (hash: string) => `${ROOT}/media/${part(hash)}`;
export const thumbnailUrl = (hash: string) => `${ROOT}/media/${part(hash)}/thumbnail`;
export const LOG_URL = `${ROOT}/admin/log`;
export const basemapTilesUrl = (id: string) => `${ROOT}/tiles/basemaps/${part(id)}/{z}/{x}/{y}`;
export const EVENTS_URL = `${ROOT}/events`;
