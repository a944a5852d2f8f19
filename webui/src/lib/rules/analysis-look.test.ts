import { describe, expect, it } from 'vitest';
import { STEPS } from './analysis';
import { SHOWS, readLook, withLook } from './analysis-look';
import { readShape, writeShape } from './filter';

describe('what the analysis shows', () => {
  it('goes into the address beside the filter, and comes back', () => {
    for (const search of ['', '?category=nest&within=1+2,3+2,3+4&off=20']) {
      for (const show of SHOWS) {
        for (const metres of [undefined, ...STEPS]) {
          const look = metres ? { show, metres } : { show };
          const whole = withLook(search, look);
          expect(readLook(whole)).toEqual(look);
          expect(writeShape(readShape(whole))).toBe(search);
        }
      }
    }
  });

  it('leaves out what it does not understand', () => expect(readLook('?show=magic&metres=7')).toEqual({ show: 'points' }));
});
