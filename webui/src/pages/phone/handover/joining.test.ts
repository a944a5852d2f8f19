import { expect, it } from 'vitest';
import { CallError, type HubInfo } from '$lib/device/device';
import { addressFor, whyNot } from './joining';

const here = { id: 'ab'.repeat(32), name: 'Tarapoto', https_port: 8734 } as HubInfo;
const origin = 'https://192.168.1.5:8734';

it('a page from the hub itself joins where it came from', () => {
  expect(addressFor('http://192.168.1.5:8733', here.id, origin, here)).toBe(origin);
  expect(addressFor('192.168.1.5', null, origin, here)).toBe(origin);
  expect(addressFor('', null, origin, here)).toBe(origin);
  expect(addressFor('192.168.7.7', 'cd'.repeat(32), origin, here)).toBe('http://192.168.7.7:8733');
  expect(addressFor('192.168.7.7', null, 'https://app.example', null)).toBe('http://192.168.7.7:8733');
  expect(addressFor('', null, 'https://app.example', null)).toBeNull();
});

it('each refusal has its words', () => {
  const of = (code: string) => whyNot(new CallError('denied', { code, status: 403, detail: 'No.', retry: false })).id;
  const ids = ['wrong_code', 'joining_closed', 'joining_rests', 'stranger', 'another_hub'].map(of);
  expect(new Set(ids).size).toBe(5);
  expect(whyNot(CallError.unreachable()).id).toBe('handover.join_unreachable');
  expect(whyNot(CallError.unreachable(), true).id).toBe('handover.todo_allow');
  expect(whyNot(new CallError('denied', { code: 'wrong_code', status: 403, detail: 'No.', retry: false }), true).id).toBe('handover.join_wrong_code');
  expect(whyNot(new CallError('denied', { code: 'x', status: 403, detail: 'No.', retry: false }))).toMatchObject({ values: { detail: 'No.' } });
});
