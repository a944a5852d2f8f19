import type { Point } from '$lib/api/types';
import type { Cell, Clusters } from '$lib/rules/analysis';

export interface Task {
  what: keyof Answers;
  points: Point[];
  metres: number;
}

export interface Answers {
  density: Cell[];
  clusters: Clusters;
}

/** Whoever has waited so long has been waiting too long: the places are too close for the distance that was chosen. */
const PATIENCE_MS = 20_000;

/**
 * Has a task done by a worker. A task that nobody waits for any more is ended with its worker: what it computes cannot
 * be stopped otherwise.
 *
 * @throws where it takes too long, or the worker fails
 */
export function compute<What extends keyof Answers>(task: Task & { what: What }, stop: AbortSignal): Promise<Answers[What]> {
  const worker = new Worker(new URL('./work.worker.ts', import.meta.url), { type: 'module' });
  const answer = new Promise<Answers[What]>((done, fail) => {
    const timer = setTimeout(() => fail(new Error('too long')), PATIENCE_MS);
    worker.onmessage = ({ data }: MessageEvent<Answers[What]>) => {
      clearTimeout(timer);
      done(data);
    };
    worker.onerror = (event) => {
      clearTimeout(timer);
      fail(new Error(event.message));
    };
    stop.addEventListener('abort', () => fail(stop.reason), { once: true });
    worker.postMessage(task);
  });
  return answer.finally(() => worker.terminate());
}
