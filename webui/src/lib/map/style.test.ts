import { createExpression, validateStyleMin } from '@maplibre/maplibre-gl-style-spec';
import { describe, expect, it } from 'vitest';
import { markOf } from './marks';
import { paletteOf } from './palette';
import { CLUSTERS, COUNTS, SINGLES, layersOf, mapStyle, tilesPath } from './style';

const palette = paletteOf(() => '#1f614a');

/** What an expression of the style gives for a feature. */
function evaluate(layer: string, property: string, properties: Record<string, unknown>): unknown {
  const found = layersOf(palette).find(({ id }) => id === layer) as { layout?: Record<string, unknown> };
  const expression = createExpression(found.layout?.[property], property);
  if (expression.result === 'error') throw expression.value;
  return expression.value.evaluate({ zoom: 5 }, { type: 1, properties });
}

describe('the style', () => {
  it('is right, and asks for neither fonts nor pictures from anywhere', () => {
    const style = mapStyle(palette, tilesPath({}));
    expect(validateStyleMin(style)).toEqual([]);
    expect(style).not.toHaveProperty('glyphs');
    expect(style).not.toHaveProperty('sprite');
  });

  it('writes the number of a cluster in four signs at most', () => {
    const text = (count: number) => evaluate(COUNTS, 'text-field', { count });
    const texts = [2, 999, 1000, 12_400, 99_999, 999_499, 999_500, 1_234_567].map((one) => String(text(one)));
    expect(texts).toEqual(['2', '999', '1k', '12k', '100k', '999k', '1M', '1.2M']);
  });

  it('names each sign so that it can be drawn', () => {
    const sign = (properties: Record<string, unknown>) => markOf(String(evaluate(SINGLES, 'icon-image', properties)));
    expect(sign({ count: 1, category: 'tala', state: 'conflict', media: true })).toEqual({
      category: 'tala',
      state: 'conflict',
      media: true,
    });
    // A newer hub may tell of a state that this page does not know.
    expect(sign({ count: 1, state: 'other' })).toEqual({ category: '', state: 'whole', media: false });
  });

  it('shows every observation either as one or in a cluster', () => {
    const filters = layersOf(palette).filter(({ id }) => id === CLUSTERS || id === SINGLES);
    expect(filters.map((layer) => 'filter' in layer && JSON.stringify(layer.filter).slice(0, 5))).toEqual(['[">",', '["<="']);
  });
});

describe('the address of tiles', () => {
  it('carries the filter, without what is empty', () => {
    expect(tilesPath({ q: '', category: 'tala & caza', from: '2026-01-01' })).toBe(
      '/api/v1/tiles/observations/{z}/{x}/{y}.mvt?category=tala+%26+caza&from=2026-01-01',
    );
    expect(tilesPath({})).toBe('/api/v1/tiles/observations/{z}/{x}/{y}.mvt');
  });

  it('keeps a placeholder that somebody typed apart from its own', () => {
    expect(tilesPath({ q: '{z}' })).toContain('?q=%7Bz%7D');
  });
});
