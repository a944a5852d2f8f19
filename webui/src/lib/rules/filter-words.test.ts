import { describe, expect, it } from 'vitest';
import { NO_FILTER, asQuestion, type Filter } from './filter';
import { filterWords } from './filter-words';

const speech = { name: (id: string) => (id === 'ab'.repeat(32) ? 'Rosa' : undefined), moment: (time: string) => time.slice(0, 10) };
const ids = (filter: Filter) => filterWords(asQuestion(filter), speech).map(({ id }) => id);

describe('a filter in words', () => {
  it('says nothing of everything', () => expect(ids(NO_FILTER)).toEqual([]));

  it('says each thing that the hub is asked', () => {
    const filter: Filter = {
      photo: true, conflict: true, notOnDrive: true, category: 'logging', person: 'ab'.repeat(32), from: '2026-11-01', to: '2026-11-02',
      q: 'río', bbox: [-77, -7, -76, -6], within: { polygons: [[[[-77, -7], [-76, -7], [-76, -6]]]] },
    };
    const asked = asQuestion(filter);
    const said = filterWords(asked, speech);
    // `has` is two of them.
    expect(said).toHaveLength(Object.keys(asked).length + 1);
    expect(said).toContainEqual({ id: 'export.part_person', values: { name: 'Rosa' } });
    expect(said).toContainEqual({ id: 'export.part_area', count: 3 });
  });

  it('knows an area by its corners alone, and a category that is none', () => {
    expect(filterWords({ corners: '124', category: '' }, speech)).toEqual([
      { id: 'export.part_no_category' }, { id: 'export.part_area', count: 124 },
    ]);
  });
});
