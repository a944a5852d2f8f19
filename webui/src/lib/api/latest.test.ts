import { expect, it } from 'vitest';
import { Latest } from './latest';
import { Problem } from './problem';

it('drops what comes too late, and stops it', async () => {
  const latest = new Latest();
  const taken: string[] = [];
  const failed: string[] = [];
  const signals: AbortSignal[] = [];
  const finish: ((answer: string) => void)[] = [];
  const ask = (signal: AbortSignal) => {
    signals.push(signal);
    return new Promise<string>((done) => finish.push(done));
  };
  const take = (answer: string) => void taken.push(answer);
  const fail = (problem: Problem) => void failed.push(problem.code);

  const first = latest.run(ask, take, fail);
  const second = latest.run(ask, take, fail);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  finish[1]?.('new');
  finish[0]?.('old');
  await Promise.all([first, second]);
  expect(taken).toEqual(['new']);

  await latest.run(() => Promise.reject(Problem.unreachable()), take, fail);
  expect(failed).toEqual(['unreachable']);

  const third = latest.run(ask, take, fail);
  latest.stop();
  finish[2]?.('never');
  await third;
  expect(taken).toEqual(['new']);
});
