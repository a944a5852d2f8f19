import { describe, expect, it } from 'vitest';
import { CLOSEST, WHOLE, moved, zoomed, type Look } from './zoom';

const frame = { width: 400, height: 300 };
const picture = { width: 400, height: 200 };
const middle = { x: 0, y: 0 };

/** Which point of the picture, in its own size, lies under a point of the frame. */
const under = (look: Look, point: { x: number; y: number }) => [(point.x - look.x) / look.scale, (point.y - look.y) / look.scale];

describe('looking closely', () => {
  it('keeps what is under the finger where it is', () => {
    const point = { x: 60, y: 20 };
    const before = zoomed(WHOLE, 4, middle, frame, picture);
    const after = zoomed(before, 1.5, point, frame, picture);
    expect(after.scale).toBe(6);
    expect(under(after, point)).toEqual(under(before, point));
  });

  it('ends at the whole picture and at its grain', () => {
    expect(zoomed(WHOLE, 0.1, { x: 100, y: 0 }, frame, picture)).toEqual(WHOLE);
    expect(zoomed(WHOLE, 1000, middle, frame, picture).scale).toBe(CLOSEST);
  });

  it('moves no further than the edge', () => {
    expect(moved(WHOLE, 50, 50, frame, picture)).toEqual(WHOLE);
    const close = zoomed(WHOLE, 2, middle, frame, picture);
    expect(moved(close, 1000, -1000, frame, picture)).toEqual({ scale: 2, x: 200, y: -50 });
    expect(zoomed(moved(close, 200, 0, frame, picture), 0.5, middle, frame, picture)).toEqual(WHOLE);
  });
});
