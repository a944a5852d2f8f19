import { describe, expect, it } from 'vitest';
import { summarise } from './seen';

const point = (properties: Record<string, unknown>, coordinates = [-76, -6]) => ({
  geometry: { type: 'Point', coordinates },
  properties,
});

describe('what is seen', () => {
  it('counts what two tiles draw once', () => {
    const single = point({ count: 1, doc: 'a', category: 'tala', state: 'whole', media: false });
    const cluster = point({ count: 40 }, [-75, -6]);
    const again = point({ count: 40 }, [-75.000001, -6]);
    expect(summarise([single, single, cluster, again])).toMatchObject({ count: 41, clusters: true });
  });

  it('knows which signs need words', () => {
    const seen = summarise([
      point({ count: 1, doc: 'a', category: 'caza', state: 'conflict', media: true }),
      point({ count: 1, doc: 'b', category: 'tala', state: 'incomplete', media: false }),
      point({ count: 1, doc: 'c', category: 'tala', state: 'whole', media: false }),
      point({ count: 1, doc: 'd' }),
    ]);
    expect(seen).toEqual({
      count: 4,
      clusters: false,
      media: true,
      conflict: true,
      incomplete: true,
      categories: ['tala', '', 'caza'],
    });
  });

  it('is nothing where nothing is', () => expect(summarise([])).toMatchObject({ count: 0, categories: [] }));
});
