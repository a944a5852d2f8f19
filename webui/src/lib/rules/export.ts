import type { ExportJob } from '$lib/api/types';
import type { Plain } from '$lib/i18n/messages';
import type { Tone } from './tone';

const STATES: Record<ExportJob['state'], { tone: Tone; word: Plain }> = {
  writing: { tone: 'busy', word: 'export.state.writing' },
  verifying: { tone: 'busy', word: 'export.state.verifying' },
  done: { tone: 'ok', word: 'export.state.done' },
  nothing: { tone: 'ok', word: 'export.state.nothing' },
  failed: { tone: 'bad', word: 'export.state.failed' },
  cancelled: { tone: 'off', word: 'export.state.cancelled' },
};

export const exportState = (job: ExportJob): { tone: Tone; word: Plain } => STATES[job.state];

export const isRunning = (job: ExportJob): boolean => job.state === 'writing' || job.state === 'verifying';

/**
 * What a finished copy is worth. On the hub's own disk it is verified and still no second copy, and where the hub
 * does not say, the careful answer counts. A part is no copy of the rest, wherever it lies.
 */
export function outcome(job: ExportJob): { tone: Tone; words: Plain } | null {
  if (job.state === 'nothing') return { tone: 'ok', words: 'export.nothing' };
  if (job.state !== 'done') return null;
  if (job.part) return { tone: 'attention', words: job.on_drive ? 'export.done_part' : 'export.done_part_same_disk' };
  return job.on_drive
    ? { tone: 'ok', words: 'export.done_drive' }
    : { tone: 'attention', words: 'export.done_same_disk' };
}

/** Whether nothing is written to the drive any more, so that it may be taken out. */
export const mayGo = (job: ExportJob): boolean => !isRunning(job) && job.on_drive === true;

/** Seconds until this phase is done, where its pace can be told. */
export function secondsLeft(job: ExportJob): number | null {
  if (!isRunning(job) || !job.bytes_per_second) return null;
  return Math.max(0, job.phase_bytes_total - job.phase_bytes) / job.bytes_per_second;
}
