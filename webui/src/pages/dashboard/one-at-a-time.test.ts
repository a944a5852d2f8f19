import { expect, it } from 'vitest';
import { ByName, OneAtATime } from './one-at-a-time';

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

it('fetches by name one after the other, and what was named a hundred times meanwhile once more', async () => {
  const finish: (() => void)[] = [];
  const asked: string[] = [];
  const task = new ByName(async (name) => {
    asked.push(name);
    await new Promise<void>((done) => finish.push(done));
    if (name === 'a') throw new Error('no');
  });
  for (let times = 0; times < 100; times += 1) task.want(['a', 'b']);
  expect(asked).toEqual(['a']);
  task.want(['a']);
  finish.shift()?.();
  await expect.poll(() => asked).toEqual(['a', 'b']);
  finish.shift()?.();
  await expect.poll(() => asked).toEqual(['a', 'b', 'a']);
  task.want(['c']);
  task.forget();
  finish.shift()?.();
  task.want(['d']);
  await expect.poll(() => asked).toEqual(['a', 'b', 'a', 'd']);
});
