/** Addresses as people type them, and hubs that are asked all at once. */

import { expect, test } from 'vitest';
import { FakeHub } from '../testing/fake-hub';
import { addressOf, find, meet } from './meet';

test('an address is read from whatever a person types or a camera reads', () => {
  for (const [typed, expected] of [
    ['192.168.1.5', 'http://192.168.1.5:8733'],
    [' 192.168.1.5:8733/ ', 'http://192.168.1.5:8733'],
    ['192.168.1.5:80', 'http://192.168.1.5'],
    ['http://192.168.1.5:9000/j#123456.ab', 'http://192.168.1.5:9000'],
    ['https://192.168.1.5:8734', 'https://192.168.1.5:8734'],
    ['maloca.local', 'http://maloca.local:8733'],
    ['[fe80::1]', 'http://[fe80::1]:8733'],
    ['', null],
    ['ftp://x', null],
    ['not an address', null],
  ] as const) {
    expect(addressOf(typed), typed).toBe(expected);
  }
});

test('the first address at which the known hub answers counts; what another hub says is heard before silence', async () => {
  const [hub, other] = [await FakeHub.start(), await FakeHub.start()];
  const get: typeof fetch = (...args) => fetch(...args);
  const expected = { hub: hub.key.id, project: hub.project };
  const silent = 'http://127.0.0.1:9';
  expect(await find(get, [silent, other.address, hub.address], expected)).toMatchObject({ address: hub.address });
  await expect(find(get, [silent, other.address], expected)).rejects.toMatchObject({ code: 'another_hub' });
  await expect(find(get, [silent], expected)).rejects.toMatchObject({ kind: 'unreachable' });
  // Where it was never seen, another hub is no news of this one.
  await expect(find(get, [silent], expected, [other.address])).rejects.toMatchObject({ kind: 'unreachable' });
  expect(await find(get, [silent], expected, [other.address, hub.address])).toMatchObject({ address: hub.address });
  await expect(meet(get, hub.address, { project: 'cd'.repeat(16) })).rejects.toMatchObject({ code: 'stranger' });
  await Promise.all([hub.stop(), other.stop()]);
});

test('what is no hub, or does not prove itself, is none; one that is silent is not waited for', async () => {
  const answering = (body: string): typeof fetch => async () => new Response(body);
  await expect(meet(answering('<html>'), 'http://x', {})).rejects.toMatchObject({ code: 'garbled' });
  await expect(meet(answering('{"id":1}'), 'http://x', {})).rejects.toMatchObject({ code: 'unproven' });
  const weak = { id: '00'.repeat(32), project: '00'.repeat(16), name: 'x', tls_spki: '00'.repeat(32), tls_sig: `AQ${'A'.repeat(84)}` };
  await expect(meet(answering(JSON.stringify(weak)), 'http://x', {})).rejects.toMatchObject({ code: 'unproven' });
  const silent: typeof fetch = (_, init) => new Promise((_, failed) => init?.signal?.addEventListener('abort', () => failed(new Error('gave up'))));
  await expect(meet(silent, 'http://x', {}, 30)).rejects.toMatchObject({ kind: 'unreachable' });
});
