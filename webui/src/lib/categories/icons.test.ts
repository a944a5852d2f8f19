import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from './defaults';
import { drawingOf, isPicture } from './drawing';
import { ICON_NAMES, iconOf } from './icons';
import { DRAWINGS } from './icons-default';

const file = (name: string) => {
  const [set, icon] = name.split(':');
  const folder = set === 'maki' ? '@mapbox/maki' : '@rapideditor/temaki';
  return readFileSync(`node_modules/${folder}/icons/${icon}.svg`, 'utf8');
};

describe('icons', () => {
  it('are drawings of paths and nothing else', () => {
    expect(ICON_NAMES.length).toBe(36);
    for (const name of ICON_NAMES) {
      const shapes = [...file(name).matchAll(/<(\w+)/g)].map(([, shape]) => shape).filter((shape) => shape !== 'svg');
      expect(shapes.every((shape) => shape === 'path'), name).toBe(true);
      expect(iconOf(name)?.paths, name).toHaveLength(shapes.length);
      expect(iconOf(name)?.paths.every((path) => /^[mM][-\d\s.,a-z]+$/i.test(path)), name).toBe(true);
    }
  });

  it('of the default set are those that are fetched for it', () => {
    expect([...DRAWINGS.keys()].sort()).toEqual(DEFAULTS.map(({ icon }) => icon).sort());
    for (const name of DRAWINGS.keys()) expect(iconOf(name)).toBe(DRAWINGS.get(name));
  });

  it('leave markup out', () => {
    expect(drawingOf('<svg viewBox="0 0 1 1"><script>alert(1)</script><path onload="x" d="M0 0"/></svg>')).toEqual({
      viewBox: '0 0 1 1',
      paths: ['M0 0'],
    });
    expect(isPicture('data:text/html;base64,AAAA')).toBe(false);
    expect(isPicture('data:image/svg+xml;base64,AAAA')).toBe(true);
  });
});
