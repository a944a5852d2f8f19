import { describe, expect, it } from 'vitest';
import { pauseBefore } from './tabs';
import { Problem, readProblem } from './problem';
import { tokenOf } from './session';

describe('a problem', () => {
  it('is read from what the hub says', async () => {
    const body = { code: 'link_used', detail: 'Run maloca open.', status: 401, retry: false };
    const problem = await readProblem(new Response(JSON.stringify(body), { status: 401 }));
    expect(problem).toMatchObject({ code: 'link_used', status: 401, detail: 'Run maloca open.', retry: false });
  });

  it('is made up when something else answers', async () => {
    const problem = await readProblem(new Response('<h1>Bad gateway</h1>', { status: 502 }));
    expect(problem).toMatchObject({ code: 'http_502', retry: true });
  });

  it('keeps what it is', () => {
    const gone = Problem.unreachable();
    expect(Problem.of(gone)).toBe(gone);
    expect(Problem.of(new TypeError('x')).code).toBe('page_error');
  });
});

describe('the one-time link', () => {
  it('is found in the fragment', () => expect(tokenOf('#open=abc_-1')).toBe('abc_-1'));
  it.each(['', '#', '#content', '#open='])('is not in %j', (hash) => expect(tokenOf(hash)).toBeNull());
});

describe('pauses between attempts', () => {
  it('double, jitter and have a limit', () => {
    expect(pauseBefore(0, 1)).toBe(500);
    expect(pauseBefore(3, 1)).toBe(4000);
    expect(pauseBefore(3, 0)).toBe(2000);
    expect(pauseBefore(50, 1)).toBe(15_000);
  });
});
