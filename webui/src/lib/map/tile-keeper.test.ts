import { describe, expect, it } from 'vitest';
import { TileKeeper } from './tile-keeper';

const bytesOf = (...bytes: number[]) => new Uint8Array(bytes);
const read = (buffer: ArrayBuffer) => [...new Uint8Array(buffer)];

describe('the tile keeper', () => {
  it('gives what the hub gives, also when that is nothing', async () => {
    const keeper = new TileKeeper(async (url) =>
      String(url).endsWith('empty') ? new Response(null, { status: 204 }) : new Response(bytesOf(1, 2)),
    );
    expect(read(await keeper.load('/a'))).toEqual([1, 2]);
    expect(read(await keeper.load('/empty'))).toEqual([]);
    expect(keeper.failed).toBe(false);
  });

  it('gives the last good tile when the hub fails, and says so', async () => {
    let up = true;
    const keeper = new TileKeeper(async () => {
      if (!up) throw new TypeError('Failed to fetch');
      return new Response(bytesOf(7));
    });
    const first = await keeper.load('/a');
    structuredClone(first, { transfer: [first] });
    up = false;
    expect(read(await keeper.load('/a'))).toEqual([7]);
    expect(read(await keeper.load('/a'))).toEqual([7]);
    expect(read(await keeper.load('/never seen'))).toEqual([]);
    expect(keeper.failed).toBe(true);
  });

  it('takes a refusal for a failure', async () => {
    const keeper = new TileKeeper(async () => new Response('{}', { status: 503 }));
    expect(read(await keeper.load('/a'))).toEqual([]);
    expect(keeper.failed).toBe(true);
  });

  it('does not take for a failure what nobody wants any longer', async () => {
    const wanted = new AbortController();
    const keeper = new TileKeeper(async () => {
      wanted.abort();
      throw wanted.signal.reason;
    });
    await expect(keeper.load('/a', wanted.signal)).rejects.toThrow();
    expect(keeper.failed).toBe(false);
  });

  it('does not keep all that it ever saw', async () => {
    let up = true;
    const keeper = new TileKeeper(async () => (up ? new Response(bytesOf(1)) : new Response(null, { status: 500 })));
    for (let i = 0; i < 300; i += 1) await keeper.load(`/${i}`);
    up = false;
    expect(read(await keeper.load('/0'))).toEqual([]);
    expect(read(await keeper.load('/299'))).toEqual([1]);
  });
});
