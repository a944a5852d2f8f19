import type { HubStatus, KnownHub, Progress, Unsent } from '$lib/device/device';
import type { Said } from '$lib/i18n/speaker';
import type { Tone } from './tone';
import type { Way } from './way';

/** What a contact has brought over so far, out of the engine's steps. */
export interface Course {
  /** What waited when it began. */
  unsent: Unsent | null;
  records: { done: number; of: number } | null;
  /** Files on their way or over: how much of each was sent. */
  files: Record<string, { sent: number; size: number }>;
}

export const NO_COURSE: Course = { unsent: null, records: null, files: {} };

/** The course after one more step. */
export function along(course: Course, step: Progress): Course {
  switch (step.type) {
    case 'met':
      return { ...NO_COURSE, unsent: step.unsent };
    case 'revisions':
      return { ...course, records: { done: step.done, of: step.of } };
    case 'media':
      return { ...course, files: { ...course.files, [step.hash]: { sent: step.sent, size: step.size } } };
    case 'pulled':
      return course;
  }
}

/** Whether it brings anything over; most contacts only say that there is nothing new. */
export const isMuch = ({ unsent }: Course): boolean => unsent !== null && unsent.revisions + unsent.media > 0;

/** How it stands with a hub, in words. */
export interface Standing {
  tone: Tone;
  said: Said;
  /** What to do about it. */
  todo: Said[];
  /** What is being handed over, as a bar. */
  bar: { text: Said; value: number; max: number } | null;
}

export interface Situation {
  hub: Pick<KnownHub, 'name' | 'forgotten' | 'receipt'>;
  /** `null`: another tab works, or nothing was tried yet. */
  status: HubStatus | null;
  course: Course;
  unsent: Unsent;
  way: Way;
  /** Where this page came from, for who has to let it in. */
  origin: string;
  /** Whether the browser was told not to let this page speak with devices around it. */
  isBlocked?: boolean;
}

/**
 * The sentence of a hub's card.
 *
 * It promises: "everything is on it" is said by the engine's report alone, which says so by the hub's signed receipt, and only as
 * long as nothing was recorded since.
 */
export function standing({ hub, status, course, unsent, way, origin, isBlocked = false }: Situation): Standing {
  const values = { hub: hub.name };
  const plain = (tone: Tone, id: SaidOfHub, todo: Said[] = []): Standing => ({ tone, said: { id, values }, todo, bar: null });
  if (status?.phase === 'looking') return plain('busy', 'handover.looking');
  if (status?.phase === 'talking') return talking(hub.name, course);
  if (hub.forgotten) return plain('bad', 'handover.forgotten', [{ id: 'handover.todo_join_again' }]);
  if (status?.trouble) return troubled(status.trouble, { hub, way, origin, isBlocked, values });
  if (unsent.parked > 0 && unsent.revisions + unsent.media === 0) return plain('attention', 'handover.all_but_parked');
  if (unsent.revisions + unsent.media > 0) {
    const waits: Said = { id: 'handover.waits', values: { ...values, things: { list: things(unsent) } } };
    return { tone: 'attention', said: waits, todo: [], bar: null };
  }
  if (status?.report?.inSync) {
    return { tone: 'ok', said: { id: 'handover.all_there', values }, todo: [], bar: null };
  }
  if (status?.report && status.report.quarantined > 0) return plain('attention', 'handover.held_back');
  if (status?.report) return plain('attention', 'handover.not_all');
  return plain('unknown', hub.receipt ? 'handover.not_asked_yet' : 'handover.never_reached');
}

type SaidOfHub = Extract<Said, { values?: unknown; count?: never }>['id'];

function talking(hub: string, { unsent, records, files }: Course): Standing {
  const values = { hub };
  const begun = Object.values(files);
  const done = begun.filter(({ sent, size }) => sent >= size).length;
  const of = Math.max(unsent?.media ?? 0, begun.length);
  const say = (said: Said, bar: Standing['bar'] = null): Standing => ({ tone: 'busy', said, todo: [], bar });
  if (begun.length > 0 && done < of) {
    const bytes = begun.reduce((sum, { sent }) => sum + sent, 0);
    const max = Math.max(unsent?.media_bytes ?? 0, begun.reduce((sum, { size }) => sum + size, 0));
    const text: Said = { id: 'handover.bytes', values: { sent: { bytes }, size: { bytes: max } } };
    return say({ id: 'handover.photo_of', values: { ...values, n: done + 1, m: of } }, { text, value: bytes, max });
  }
  if (records && begun.length === 0 && records.done < records.of) {
    const text: Said = { id: 'handover.record_of', values: { n: records.done, m: records.of } };
    return say({ id: 'handover.records', values }, { text, value: records.done, max: records.of });
  }
  return say({ id: 'handover.talking', values });
}

type Trouble = NonNullable<HubStatus['trouble']>;
type Circumstances = Pick<Situation, 'hub' | 'way' | 'origin'> & { isBlocked: boolean; values: { hub: string } };

function troubled(trouble: Trouble, { way, origin, isBlocked, values }: Circumstances): Standing {
  const state = (tone: Tone, id: SaidOfHub, ...todo: Said[]): Standing => ({ tone, said: { id, values }, todo, bar: null });
  if (trouble.code === 'another_hub' || trouble.code === 'stranger') return state('bad', 'handover.another_hub', { id: 'handover.todo_another_hub', values });
  switch (trouble.kind) {
    case 'unreachable': {
      const todo: Said[] = isBlocked ? [{ id: 'handover.todo_allow' }] : [{ id: 'handover.todo_wifi', values }];
      if (way === 'elsewhere') todo.push({ id: 'handover.todo_origin', values: { origin } });
      return state('attention', 'handover.not_here', ...todo);
    }
    case 'busy':
      return state('attention', 'handover.busy', { id: 'handover.todo_nothing' });
    case 'full':
      return state('bad', 'handover.full', { id: 'handover.todo_full' });
    case 'join_again':
      return state('bad', 'handover.forgotten', { id: 'handover.todo_join_again' });
    case 'garbled':
      return state('bad', 'handover.not_proven', { id: 'handover.todo_not_proven' });
    default:
      return state('bad', 'handover.not_taken', { id: 'handover.todo_not_taken', values: { code: trouble.code } });
  }
}

/** "3 records and 2 photos (1.4 MB)". */
export function things({ revisions, media, media_bytes }: Unsent): Said[] {
  const parts: Said[] = [];
  if (revisions > 0) parts.push({ id: 'count.records', count: revisions });
  if (media > 0) parts.push({ id: 'count.photos_of_size', count: media, values: { size: { bytes: media_bytes } } });
  return parts;
}

/**
 * How much would be gone if this browser were cleared now: what no hub at all has. Without a hub that is all that there is, which
 * only the store can count.
 */
export const atRisk = (unsent: Unsent[], recorded: number): number =>
  unsent.length === 0 ? recorded : Math.min(...unsent.map(({ revisions, media, parked }) => revisions + media + parked));
