import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { drawings } from './build/drawings.ts';
import { pagePaths } from './build/page-paths.ts';
import { precompress } from './build/precompress.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** What every page shows from its first moment on. */
const SHARED =
  /src[\\/](pages[\\/]Logo|lib[\\/](remembered|api[\\/](?!events|line|tabs)|(i18n|router)[\\/](?!messages)|ui[\\/](Button|Card|Empty|Icon|Notice|OnDemand|Progress|State|base|tokens)))/;

/** What the dashboard's first page has in common with those that are fetched later. */
const FIRST =
  /src[\\/](lib[\\/](api[\\/](events|line|tabs)|categories[\\/](CategoryIcon|drawing|known|preset)|rules[\\/](device|observation))|pages[\\/]dashboard[\\/](clock|one-at-a-time|observations[\\/](Observation(Row|Signs)|Thumbnail)))\./;

export default defineConfig({
  plugins: [svelte(), drawings(), pagePaths({ '/dev/ui': '/dev-ui.html', '/j': '/j.html' }), precompress()],
  resolve: { alias: { $lib: here('./src/lib') } },
  build: {
    outDir: 'dist',
    target: 'es2022',
    // The hub's content policy lets a page load from the hub alone: no data: scripts, no inline polyfill.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // MapLibre, which only the map fetches, is one piece of 1.1 MB.
    chunkSizeWarningLimit: 1200,
    rolldownOptions: {
      // One entry per page; the phone app will be one more line here.
      input: { dashboard: here('./index.html'), 'dev-ui': here('./dev-ui.html'), join: here('./j.html') },
      // What comes in any case comes as one file: thirty small ones pack worse, and each asks for itself.
      output: { codeSplitting: { groups: [{ name: 'shared', test: SHARED }, { name: 'first', test: FIRST }] } },
    },
  },
  // MapLibre starts its worker as a module, in `npm run dev` as well.
  worker: { format: 'es' },
  server: {
    // `npm run dev` beside a running hub: MALOCA_URL=http://localhost:8733
    proxy: { '/api': { target: process.env.MALOCA_URL ?? 'http://localhost:8733' } },
  },
  // How long something takes is no test: a machine that is busy with other things may take many times as long.
  test: { include: ['src/**/*.test.ts'], environment: 'node', testTimeout: 120_000, hookTimeout: 120_000 },
});
