import { expect, it } from 'vitest';
import { readLink } from './invitation';

const hub = 'ab'.repeat(32);

it('an invitation is read from the code on the screen and from the app’s own address', () => {
  const expected = { address: 'http://192.168.1.5:8733', code: '204060', hub };
  expect(readLink(`http://192.168.1.5:8733/j#204060.${hub}`)).toEqual(expected);
  expect(readLink(` http://192.168.1.5:8733/phone/#/handover/join/204060.${hub}\n`)).toEqual(expected);
});

it.each(['', '204060', `javascript:x#204060.${hub}`, 'http://192.168.1.5:8733/j#204060', `http://x/y/z#204060.${hub}`])('%j is none', (text) =>
  expect(readLink(text)).toBeNull(),
);
