import type { Attachment, Change, Edit, Observation, Step } from '$lib/api/types';

/**
 * What a change did, and how it is taken back.
 *
 * Nothing is ever removed from a history: taking back is one more revision that writes what stood before.
 */

/** What an edit writes, before it is known who writes it and upon what. */
export type Writing = Omit<Edit, 'by' | 'heads'>;

/** What a change is, as far as taking it back goes; an entry of the history is one. */
export type Effect = Pick<Change, 'properties' | 'attached' | 'detached' | 'deleted'>;

/** Two values of JSON, whatever the order of their members. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [mine, theirs] = [Object.entries(a), b as Record<string, unknown>];
  return (
    mine.length === Object.keys(theirs).length &&
    mine.every(([key, value]) => Object.hasOwn(theirs, key) && isSame(value, theirs[key]))
  );
}

/** The properties that are different after it, by name. One that was written as it was is no news. */
export function stepsOf(change: Effect): [string, Step][] {
  const different = ([, step]: [string, Step]) => !isSame(step.before, step.after) || 'before' in step !== 'after' in step;
  return Object.entries(change.properties)
    .filter(different)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** What sort of change it was, for a word on it. */
export function sortOf(change: Effect, isFirst: boolean): 'recorded' | 'deleted' | 'restored' | 'changed' | 'same' {
  if (change.deleted) return 'deleted';
  if (change.deleted === false) return 'restored';
  if (isFirst) return 'recorded';
  return stepsOf(change).length + change.attached.length + change.detached.length ? 'changed' : 'same';
}

/** What must be written so that it is as before it. */
export function undoing(change: Effect): Writing {
  const steps = stepsOf(change);
  const writing: Writing = {
    set: Object.fromEntries(steps.flatMap(([name, step]) => ('before' in step ? [[name, step.before]] : []))),
    unset: steps.flatMap(([name, step]) => ('before' in step ? [] : [name])),
    attach: change.detached.map(bare),
    detach: change.attached.map(({ hash }) => hash),
  };
  if (change.deleted !== undefined) writing.deleted = !change.deleted;
  return writing;
}

/** Whether what it wrote still stands, so that taking it back takes nothing else away. */
export function canTakeBack(change: Effect, isFirst: boolean, now: Observation): boolean {
  if (isFirst || sortOf(change, false) === 'same') return false;
  const stands = ([name, step]: [string, Step]) =>
    !(name in now.conflicts) && Object.hasOwn(now.set, name) === 'after' in step && isSame(now.set[name], step.after);
  const isThere = ({ hash }: Attachment) => now.attachments.some((attachment) => attachment.hash === hash);
  return (
    stepsOf(change).every(stands) &&
    change.attached.every(isThere) &&
    !change.detached.some(isThere) &&
    (change.deleted === undefined || change.deleted === now.deleted)
  );
}

/** What an edit will have changed, were it made upon `now`; so that it can be taken back at once. */
export function effectOf(writing: Writing, now: Observation): Effect {
  const stepOf = (name: string, after: Step): [string, Step] => [
    name,
    Object.hasOwn(now.set, name) ? { ...after, before: now.set[name] } : after,
  ];
  const written = Object.entries(writing.set ?? {}).map(([name, after]) => stepOf(name, { after }));
  const removed = (writing.unset ?? []).map((name) => stepOf(name, {}));
  const known = (hash: string) => now.attachments.filter((attachment) => attachment.hash === hash);
  const effect: Effect = {
    properties: Object.fromEntries([...written, ...removed]),
    attached: (writing.attach ?? []).map((attachment) => ({ ...attachment, held: true })),
    detached: (writing.detach ?? []).flatMap(known),
  };
  if (writing.deleted !== undefined && writing.deleted !== now.deleted) effect.deleted = writing.deleted;
  return effect;
}

/** As a revision says it. */
function bare({ held: _, ...attachment }: Attachment): Omit<Attachment, 'held'> {
  return attachment;
}
