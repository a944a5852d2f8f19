import { expect, it } from 'vitest';
import { OneAtATime } from './one-at-a-time';

it('runs once more when it was wanted meanwhile, and survives a failure', async () => {
  const finish: (() => void)[] = [];
  let runs = 0;
  const task = new OneAtATime(async () => {
    runs += 1;
    await new Promise<void>((done) => finish.push(done));
    if (runs === 1) throw new Error('no');
  });
  const all = task.run();
  task.run();
  task.run();
  expect(runs).toBe(1);
  finish.shift()?.();
  await expect.poll(() => runs).toBe(2);
  finish.shift()?.();
  await all;
  expect(runs).toBe(2);
});
