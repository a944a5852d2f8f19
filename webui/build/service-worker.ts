import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { build, type Plugin } from 'vite';

/** A file beyond this (MapLibre) is kept when it is first fetched, so that installing stays short over a slow Wi-Fi. */
const LARGEST_BYTES = 800_000;

/** What carries its own hash in its name, and so need not be compared. */
const HASHED = /^assets\/.+-[\w-]{8}\.\w+$/;

/**
 * Builds the service worker when all else is written, as it must name each file. One classic script, since not every browser that
 * has service workers takes modules in them.
 */
export function serviceWorker(entry: string): Plugin {
  let folder = 'dist';
  return {
    name: 'maloca-service-worker',
    apply: 'build',
    configResolved(config) {
      folder = resolve(config.root, config.build.outDir);
    },
    async writeBundle() {
      await build({
        configFile: false,
        logLevel: 'warn',
        publicDir: false,
        define: { __PRECACHE__: JSON.stringify(await files(folder)), 'process.env.NODE_ENV': '"production"' },
        build: {
          outDir: folder,
          emptyOutDir: false,
          target: 'es2022',
          rolldownOptions: { input: entry, output: { format: 'iife', entryFileNames: 'sw.js' } },
        },
      });
    },
  };
}

async function files(folder: string): Promise<{ url: string; revision: string | null }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const listed = await Promise.all(
    paths.map(async (path) => {
      const bytes = await readFile(path);
      const url = relative(folder, path).split(sep).join('/');
      const revision = HASHED.test(url) ? null : createHash('sha256').update(bytes).digest('hex').slice(0, 16);
      return { url, revision, size: bytes.length };
    }),
  );
  const kept = listed.filter(({ size }) => size <= LARGEST_BYTES).map(({ url, revision }) => ({ url, revision }));
  return kept.sort((a, b) => (a.url < b.url ? -1 : 1));
}
