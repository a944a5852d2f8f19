import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { drawings } from './build/drawings.ts';
import { precompress } from './build/precompress.ts';
import { serviceWorker } from './build/service-worker.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/**
 * The phone app, apart from the hub's pages: `dist/phone` is a static folder that works wherever it lies, under `/phone/` of a hub as
 * well as on any https origin, so each address in it is relative.
 */
export default defineConfig({
  root: here('./phone'),
  base: './',
  plugins: [svelte({ configFile: here('./svelte.config.js') }), drawings(), serviceWorker(here('./src/pages/phone/sw.ts')), precompress()],
  resolve: { alias: { $lib: here('./src/lib') } },
  build: {
    outDir: here('./dist/phone'),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
    // What the first page needs comes as one file: thirty small ones pack worse, and each asks for itself.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'start', test: /pages[\\/]phone[\\/]main\.ts$/ }] } } },
  },
  worker: { format: 'es' },
  server: { proxy: { '/api': { target: process.env.MALOCA_URL ?? 'http://localhost:8733' } } },
});
