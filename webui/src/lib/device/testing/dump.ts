/** A whole database of the browser as JSON, and back: for stores that an earlier version wrote. */

import 'fake-indexeddb/auto';
import { openDB } from 'idb';

interface DumpedTable {
  name: string;
  keyPath: string | string[] | null;
  indexes: { name: string; keyPath: string | string[]; unique: boolean }[];
  rows: { key: unknown; value: unknown }[];
}

export interface Dump {
  version: number;
  tables: DumpedTable[];
}

export async function dump(name: string): Promise<Dump> {
  const db = await openDB(name);
  const tables: DumpedTable[] = [];
  for (const table of db.objectStoreNames) {
    const store = db.transaction(table).store;
    const indexes = [...store.indexNames].map((name) => store.index(name)).map(({ name, keyPath, unique }) => ({ name, keyPath, unique }));
    const { keyPath } = store;
    const [keys, values] = await Promise.all([store.getAllKeys(), store.getAll()]);
    const rows = await Promise.all(keys.map(async (key, at) => ({ key, value: await packed(values[at]) })));
    tables.push({ name: table, keyPath, indexes, rows });
  }
  const { version } = db;
  db.close();
  return { version, tables };
}

/** Makes a database as the dump says: its tables too, whatever today's code would make. */
export async function fill(name: string, { version, tables }: Dump): Promise<void> {
  const db = await openDB(name, version, {
    upgrade(db) {
      for (const { name, keyPath, indexes } of tables) {
        const store = db.createObjectStore(name, keyPath === null ? {} : { keyPath });
        for (const index of indexes) store.createIndex(index.name, index.keyPath, { unique: index.unique });
      }
    },
  });
  for (const { name, keyPath, rows } of tables) {
    for (const { key, value } of rows) await (keyPath === null ? db.put(name, unpacked(value), key as IDBValidKey) : db.put(name, unpacked(value)));
  }
  db.close();
}

const base64 = (bytes: ArrayBuffer | Uint8Array): string => Buffer.from(bytes as Uint8Array).toString('base64');

async function packed(value: unknown): Promise<unknown> {
  if (value instanceof Uint8Array) return { $bytes: base64(value) };
  if (value instanceof Blob) return { $blob: base64(await value.arrayBuffer()), type: value.type };
  if (Array.isArray(value)) return Promise.all(value.map(packed));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(async ([name, inner]) => [name, await packed(inner)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

function unpacked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unpacked);
  if (typeof value !== 'object' || value === null) return value;
  const { $bytes, $blob, type } = value as { $bytes?: string; $blob?: string; type?: string };
  if ($bytes !== undefined) return new Uint8Array(Buffer.from($bytes, 'base64'));
  if ($blob !== undefined) return new Blob([Buffer.from($blob, 'base64')], { type });
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, unpacked(inner)]));
}
