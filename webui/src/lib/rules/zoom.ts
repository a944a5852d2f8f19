/** Looking closely at a picture: how large it is drawn, and how far it is moved from the middle. Pixels of the screen. */
export interface Look {
  scale: number;
  x: number;
  y: number;
}

/** The whole picture. */
export const WHOLE: Look = { scale: 1, x: 0, y: 0 };

/** Beyond that a photo of a phone shows its grain only. */
export const CLOSEST = 8;

/** One press of a button, one notch of a wheel. */
export const STEP = 1.5;

export interface Size {
  width: number;
  height: number;
}

/**
 * Closer or further by `factor`, so that what is under the point stays under it. The point is told from the middle of the frame.
 */
export function zoomed(look: Look, factor: number, point: { x: number; y: number }, frame: Size, picture: Size): Look {
  const scale = Math.min(CLOSEST, Math.max(1, look.scale * factor));
  const by = scale / look.scale;
  return kept({ scale, x: point.x - (point.x - look.x) * by, y: point.y - (point.y - look.y) * by }, frame, picture);
}

export function moved(look: Look, x: number, y: number, frame: Size, picture: Size): Look {
  return kept({ scale: look.scale, x: look.x + x, y: look.y + y }, frame, picture);
}

/** No further than its edge: a picture that was pushed out of sight is a picture lost. */
function kept({ scale, x, y }: Look, frame: Size, picture: Size): Look {
  const reach = (drawn: number, room: number) => Math.max(0, (drawn * scale - room) / 2);
  const within = (value: number, most: number) => Math.min(most, Math.max(-most, value)) || 0;
  return {
    scale,
    x: within(x, reach(picture.width, frame.width)),
    y: within(y, reach(picture.height, frame.height)),
  };
}
