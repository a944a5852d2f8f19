import { readFile } from 'node:fs/promises';
import type { Plugin } from 'vite';
import { drawingOf } from '../src/lib/categories/drawing.ts';

const QUERY = '?drawing';

/** Makes a `Drawing` of an SVG that is imported with `?drawing`, so that no page reads markup before it can show an icon. */
export function drawings(): Plugin {
  return {
    name: 'maloca-drawings',
    enforce: 'pre',
    async load(id) {
      if (!id.endsWith(QUERY)) return null;
      const svg = await readFile(id.slice(0, -QUERY.length), 'utf8');
      return `export default ${JSON.stringify(drawingOf(svg))}`;
    },
  };
}
