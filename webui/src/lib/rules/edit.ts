import type { Observation, PresetField } from '$lib/api/types';
import type { Plain } from '$lib/i18n/messages';
import type { Writing } from './change';
import { isSame } from './change';
import { place } from './observation';

/** What a form is filled from, whoever keeps it: the hub, or the phone. */
type Seen = Pick<Observation, 'set'>;

/** An observation as a form shows it: all of it text, as people type it. */
export interface Form {
  category: string;
  notes: string;
  /** As a field for day and time has it, in the reader's own time; empty where it is not known. */
  observed: string;
  lat: string;
  lon: string;
  others: Other[];
  /** Hashes of the attachments that shall go. */
  gone: string[];
}

/** A property without a place of its own, of the kinds that a form can hold. */
export interface Other {
  name: string;
  /** Of `many` the text holds the values that are chosen, one a line. */
  kind: 'text' | 'number' | 'truth' | 'date' | 'one' | 'many';
  text: string;
  /** The question of the category that it answers. */
  question?: PresetField;
}

/** What is wrong with the form: which field, and why. */
export interface Wrong {
  field: 'place' | 'observed' | string;
  why: Plain;
}

const OWN = new Set(['category', 'notes', 'observed_at', 'location']);

const KINDS = { string: 'text', number: 'number', boolean: 'truth' } as const;

/**
 * The form of an observation as it is: the questions of its category first, answered or not. Lists and groups that other
 * programs wrote are left alone: no line of text can hold them.
 */
export function formOf(observation: Seen, asked: PresetField[] = []): Form {
  const where = place(observation);
  const text = (name: string) => (typeof observation.set[name] === 'string' ? (observation.set[name] as string) : '');
  return {
    category: text('category'),
    notes: text('notes'),
    observed: localOf(observation.set.observed_at),
    lat: where ? String(where.lat) : '',
    lon: where ? String(where.lon) : '',
    others: [...asked.filter(({ key }) => !OWN.has(key)).flatMap((question) => answered(observation, question)), ...rest(observation, asked)],
    gone: [],
  };
}

/** A question with its answer. One that is answered in a form of its own (another program wrote it) is left alone. */
function answered(observation: Seen, question: PresetField): Other[] {
  const { key: name, type: kind } = question;
  const value = observation.set[name];
  if (value === undefined) return [{ name, kind, text: '', question }];
  if (kind === 'many') {
    const values = Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : null;
    return values ? [{ name, kind, text: values.join('\n'), question }] : [];
  }
  if (kind === 'number' && typeof value === 'number') return [{ name, kind, text: String(value), question }];
  return typeof value === 'string' && kind !== 'number' ? [{ name, kind, text: value, question }] : [];
}

function rest(observation: Seen, asked: PresetField[]): Other[] {
  return Object.entries(observation.set).flatMap(([name, value]) => {
    const kind = KINDS[typeof value as keyof typeof KINDS];
    const isAsked = asked.some(({ key }) => key === name);
    return OWN.has(name) || isAsked || !kind ? [] : [{ name, kind, text: String(value) }];
  });
}

/** What the form writes that was not so before; or what is wrong with it. */
export function writingOf(
  observation: Seen,
  form: Form,
  asked: PresetField[] = [],
): { writing: Writing } | { wrong: Wrong } {
  const before = formOf(observation, asked);
  const set: Record<string, unknown> = {};
  const unset: string[] = [];
  const write = (name: string, value: unknown) => {
    if (value === undefined) {
      if (Object.hasOwn(observation.set, name)) unset.push(name);
    } else if (!isSame(observation.set[name], value)) set[name] = value;
  };
  if (form.category.trim() !== before.category) write('category', form.category.trim() || undefined);
  if (form.notes !== before.notes) write('notes', form.notes.trim() ? form.notes : undefined);
  if (form.observed !== before.observed) {
    const at = form.observed ? new Date(form.observed) : null;
    if (at && Number.isNaN(at.getTime())) return { wrong: { field: 'observed', why: 'edit.wrong_time' } };
    write('observed_at', at?.toISOString());
  }
  if (form.lat.trim() !== before.lat || form.lon.trim() !== before.lon) {
    const where = placeOf(form);
    if (where === null) return { wrong: { field: 'place', why: 'edit.wrong_place' } };
    write('location', where);
  }
  for (const other of form.others) {
    if (before.others.some((one) => one.name === other.name && one.text === other.text)) continue;
    const value = valueOf(other);
    if (value === null) return { wrong: { field: other.name, why: 'edit.wrong_number' } };
    write(other.name, value);
  }
  return { writing: { set, unset, detach: form.gone } };
}

/**
 * What a form that is kept as it is typed writes: all that can be written by now. What is not what it must be stays in the form,
 * and is told.
 */
export function partialWritingOf(before: Seen, form: Form, asked: PresetField[] = []): { writing: Writing; wrong: Wrong[] } {
  const wrong: Wrong[] = [];
  const was = formOf(before, asked);
  const rest = { ...form, others: [...form.others] };
  for (;;) {
    const result = writingOf(before, rest, asked);
    if ('writing' in result) return { writing: result.writing, wrong };
    wrong.push(result.wrong);
    const { field } = result.wrong;
    if (field === 'observed') rest.observed = was.observed;
    else if (field === 'place') Object.assign(rest, { lat: was.lat, lon: was.lon });
    else rest.others = rest.others.filter(({ name }) => name !== field);
  }
}

/** The questions that must be answered and are not. */
export const unanswered = (form: Form): PresetField[] =>
  form.others.flatMap(({ question, text }) => (question?.required && !text.trim() ? [question] : []));

export function saysNothing({ set = {}, unset = [], attach = [], detach = [], deleted }: Writing): boolean {
  return !Object.keys(set).length && !unset.length && !attach.length && !detach.length && deleted === undefined;
}

/** A place that a person typed was not measured, and says so. `undefined`: none; `null`: not a place. */
function placeOf({ lat, lon }: Form): { lat: number; lon: number; source: 'manual' } | undefined | null {
  if (!lat.trim() && !lon.trim()) return undefined;
  const [north, east] = [numberOf(lat), numberOf(lon)];
  if (north === null || east === null || Math.abs(north) > 90 || Math.abs(east) > 180) return null;
  return { lat: north, lon: east, source: 'manual' };
}

/** A comma stands for the point in most of the languages here. */
function numberOf(text: string): number | null {
  const plain = text.trim().replace(',', '.');
  return plain !== '' && Number.isFinite(Number(plain)) ? Number(plain) : null;
}

/** `undefined`: removed; `null`: not what it must be. */
function valueOf({ kind, text }: Other): unknown {
  if (kind === 'truth') return text === 'true';
  if (!text.trim()) return undefined;
  if (kind === 'many') return text.split('\n').filter(Boolean);
  return kind === 'number' ? numberOf(text) : text;
}

/** A time as `<input type="datetime-local">` writes it, to the minute. */
export function localOf(time: unknown): string {
  if (typeof time !== 'string' || !Number.isFinite(Date.parse(time))) return '';
  const at = new Date(time);
  const two = (number: number) => String(number).padStart(2, '0');
  const day = `${String(at.getFullYear()).padStart(4, '0')}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}
