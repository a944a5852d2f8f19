import { describe, expect, it } from 'vitest';
import { formOf, localOf, partialWritingOf, saysNothing, unanswered, writingOf, type Form } from './edit';
import { observation } from './fixtures';

const seen = observation('1', {
  set: {
    category: 'logging',
    notes: 'two trucks',
    observed_at: '2026-11-20T10:05:42.123Z',
    location: { lat: -6.48, lon: -76.36, accuracy_m: 8, source: 'gps' },
    trucks: 2,
    seen_before: false,
    crew: ['Ana', 'Luis'],
  },
});

/** What is written after `change`. */
function written(change: (form: Form) => void) {
  const form = formOf(seen);
  change(form);
  const result = writingOf(seen, form);
  return 'writing' in result ? result.writing : result.wrong;
}
const other = (form: Form, name: string) => form.others.find((one) => one.name === name)!;

describe('the form of an observation', () => {
  it('writes nothing where nothing was typed', () => {
    const writing = written(() => undefined);
    expect(writing).toEqual({ set: {}, unset: [], detach: [] });
    expect(saysNothing(writing as object)).toBe(true);
    expect(saysNothing({ deleted: true })).toBe(false);
  });

  it('writes what is different and leaves the rest alone', () => {
    expect(written((form) => (form.notes = 'three trucks'))).toEqual({ set: { notes: 'three trucks' }, unset: [], detach: [] });
    expect(written((form) => (form.notes = '  '))).toEqual({ set: {}, unset: ['notes'], detach: [] });
    expect(written((form) => (form.gone = ['aa']))).toEqual({ set: {}, unset: [], detach: ['aa'] });
  });

  it('keeps the sort of a value', () => {
    expect(written((form) => (other(form, 'trucks').text = '3,5'))).toMatchObject({ set: { trucks: 3.5 } });
    expect(written((form) => (other(form, 'trucks').text = ''))).toMatchObject({ unset: ['trucks'] });
    expect(written((form) => (other(form, 'trucks').text = 'many'))).toEqual({ field: 'trucks', why: 'edit.wrong_number' });
    expect(written((form) => (other(form, 'seen_before').text = 'true'))).toMatchObject({ set: { seen_before: true } });
  });

  it('offers no line of text for a list', () => {
    expect(formOf(seen).others.map(({ name }) => name)).toEqual(['trucks', 'seen_before']);
  });

  it('says that a typed place was not measured', () => {
    expect(written((form) => (form.lat = '-6,5'))).toMatchObject({
      set: { location: { lat: -6.5, lon: -76.36, source: 'manual' } },
    });
    expect(written((form) => (form.lat = form.lon = ''))).toMatchObject({ unset: ['location'] });
    expect(written((form) => (form.lat = ''))).toEqual({ field: 'place', why: 'edit.wrong_place' });
    expect(written((form) => (form.lat = '91'))).toEqual({ field: 'place', why: 'edit.wrong_place' });
  });

  it('reads and writes a time in the time of the reader', () => {
    const at = new Date(2026, 10, 21, 5, 28);
    expect(localOf(at.toISOString())).toBe('2026-11-21T05:28');
    expect(written((form) => (form.observed = '2026-11-21T05:28'))).toMatchObject({ set: { observed_at: at.toISOString() } });
    expect([localOf('yesterday'), localOf(7)]).toEqual(['', '']);
  });
});

describe('a form that is kept as it is typed', () => {
  const asked = [{ key: 'trucks', type: 'number' as const, label: {}, required: true }];

  it('writes what can be written, and tells what cannot', () => {
    const form = formOf(seen, asked);
    form.notes = 'three';
    other(form, 'trucks').text = 'a few';
    form.observed = 'yesterday';
    const { writing, wrong } = partialWritingOf(seen, form, asked);
    expect(writing).toEqual({ set: { notes: 'three' }, unset: [], detach: [] });
    expect(wrong.map(({ field }) => field)).toEqual(['observed', 'trucks']);
    expect(other(form, 'trucks').text).toBe('a few');
  });

  it('names the questions that must be answered', () => {
    const form = formOf(seen, asked);
    expect(unanswered(form)).toEqual([]);
    other(form, 'trucks').text = ' ';
    expect(unanswered(form)).toEqual(asked);
  });
});
