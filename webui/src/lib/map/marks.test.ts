import { describe, expect, it } from 'vitest';
import { drawingOf, letterOf, markId, markOf, type Mark } from './marks';
import { CSS_PALETTE } from './palette';

const mark = (more: Partial<Mark> = {}): Mark => ({ category: 'Tala', state: 'whole', media: false, ...more });

describe('a mark', () => {
  it('is the same for a category however it is written', () => {
    expect(drawingOf(mark({ category: ' tala ' }), CSS_PALETTE)).toEqual(drawingOf(mark(), CSS_PALETTE));
  });

  it('tells categories apart by more than colour', () => {
    const names = ['tala', 'minería', 'caza', 'pesca', 'fogata', 'trocha', 'derrame', 'campamento'];
    const shapes = names.map((category) => {
      const { parts, letter } = drawingOf(mark({ category }), CSS_PALETTE);
      return `${parts[0]?.path} ${letter.text}`;
    });
    expect(new Set(shapes).size).toBeGreaterThanOrEqual(6);
  });

  it('shows each state and media by a shape of its own', () => {
    const whole = drawingOf(mark(), CSS_PALETTE).parts;
    const paths = (more: Partial<Mark>) => drawingOf(mark(more), CSS_PALETTE).parts.slice(whole.length).map(({ path }) => path);
    expect(whole).toHaveLength(1);
    expect(new Set([paths({ state: 'conflict' }), paths({ state: 'incomplete' }), paths({ media: true })].map(String)).size).toBe(3);
    expect(paths({ state: 'conflict', media: true })).toHaveLength(4);
  });

  it('is never the red of a fault', () => {
    for (let i = 0; i < 200; i += 1) {
      expect(drawingOf(mark({ category: `c${i}` }), CSS_PALETTE).parts[0]?.fill).not.toBe(CSS_PALETTE.bad);
    }
  });

  it('takes the first letter as people see it', () => {
    expect(['tala', 'ñandú', '🌳 árbol', '👩‍🌾 chacra', '', '   '].map(letterOf)).toEqual(['T', 'Ñ', '🌳', '👩‍🌾', '–', '–']);
  });

  it('comes back from its name, whatever the category is', () => {
    for (const category of ['', 'a:b', 'mark:whole:0:x', 'two\nlines', '<script>']) {
      const one = mark({ category, state: 'incomplete', media: true });
      expect(markOf(markId(one))).toEqual(one);
    }
    expect(markOf('mark:odd:1:x')).toBeNull();
    expect(markOf('x')).toBeNull();
  });
});
