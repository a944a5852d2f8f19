/** What takes long on many places, beside the page, which stays alive meanwhile. One task in, one answer out; see `work.ts`. */
import { clustersOf, hexagons } from '$lib/rules/analysis';
import type { Answers, Task } from './work';

self.onmessage = ({ data: { what, points, metres } }: MessageEvent<Task>) => {
  const answer: Answers[Task['what']] = what === 'density' ? hexagons(points, metres) : clustersOf(points, metres);
  self.postMessage(answer);
};
