import { describe, expect, it } from 'vitest';
import { isPlainClick, match, type Click } from './routes';

const HOME = { paths: ['/'] };
const LIST = { paths: ['/observations', '/observations/:doc'] };
const PAGES = [HOME, LIST];

describe('a path', () => {
  it.each([
    ['/', HOME, {}],
    ['', HOME, {}],
    ['/observations', LIST, {}],
    ['/observations/', LIST, {}],
    ['/observations/0193e2f1-7c00', LIST, { doc: '0193e2f1-7c00' }],
    ['/observations/a%20b', LIST, { doc: 'a b' }],
    ['/observations/a%2Fb', LIST, { doc: 'a/b' }],
  ])('%j has its page', (path, page, params) => expect(match(PAGES, path)).toEqual({ page, params }));

  it.each(['/map', '/observations/a/b', '/Observations', '/observations/%', '/index.html'])('%j has none', (path) =>
    expect(match(PAGES, path)).toBeNull(),
  );

  it('takes the first page that fits', () => {
    const fixed = { paths: ['/observations/new'] };
    expect(match([fixed, ...PAGES], '/observations/new')?.page).toBe(fixed);
  });
});

describe('a click', () => {
  const plain: Click = { button: 0, defaultPrevented: false, metaKey: false, ctrlKey: false, shiftKey: false, altKey: false };
  it('is followed when it is plain', () => expect(isPlainClick(plain)).toBe(true));
  it.each<Partial<Click>>([{ button: 1 }, { ctrlKey: true }, { metaKey: true }, { shiftKey: true }, { altKey: true }, { defaultPrevented: true }])(
    'is the browser’s with %j',
    (fields) => expect(isPlainClick({ ...plain, ...fields })).toBe(false),
  );
});
