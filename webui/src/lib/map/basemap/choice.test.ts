import { describe, expect, it } from 'vitest';
import type { Basemap } from '$lib/api/types';
import { NONE, chosenOf } from './choice';

const map = (id: string, trouble: string | null = null): Basemap => ({ id, name: id, bytes: 1, trouble });

describe('the map that is shown', () => {
  const maps = [map('broken', 'It is damaged.'), map('one'), map('two')];

  it('is the one that was chosen', () => expect(chosenOf(maps, 'two')?.id).toBe('two'));
  it('is the first that can be read, where nothing was chosen', () => expect(chosenOf(maps, null)?.id).toBe('one'));
  it('is another where the chosen one was removed or broke', () => {
    expect(chosenOf(maps, 'gone')?.id).toBe('one');
    expect(chosenOf(maps, 'broken')?.id).toBe('one');
  });
  it('is none for who wants none, and where there is none', () => {
    expect(chosenOf(maps, NONE)).toBeNull();
    expect(chosenOf([], null)).toBeNull();
    expect(chosenOf([map('broken', 'It is damaged.')], 'broken')).toBeNull();
  });
});
