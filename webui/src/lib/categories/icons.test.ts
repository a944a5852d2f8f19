import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from './defaults';
import { drawingOf, isPicture } from './drawing';
import { ICON_NAMES, iconOf } from './icons';

const file = (name: string) => {
  const [set, icon] = name.split(':');
  const folder = set === 'maki' ? '@mapbox/maki' : '@rapideditor/temaki';
  return readFileSync(`node_modules/${folder}/icons/${icon}.svg`, 'utf8');
};

describe('icons', () => {
  it('are drawings of paths and nothing else', () => {
    expect(ICON_NAMES.length).toBeGreaterThan(30);
    for (const name of ICON_NAMES) {
      const shapes = [...file(name).matchAll(/<(\w+)/g)].map(([, shape]) => shape).filter((shape) => shape !== 'svg');
      expect(shapes.every((shape) => shape === 'path'), name).toBe(true);
      expect(iconOf(name)?.paths, name).toHaveLength(shapes.length);
      expect(iconOf(name)?.paths.every((path) => /^[mM][-\d\s.,a-z]+$/i.test(path)), name).toBe(true);
    }
  });

  it('draw what the default set asks for', () => {
    for (const { key, icon } of DEFAULTS) expect(iconOf(icon ?? ''), key).toBeDefined();
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
