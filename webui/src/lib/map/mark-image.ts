/** Signs as pictures for MapLibre, which takes no SVG. */
import { FIELD, drawingOf, type Mark } from './marks';
import type { Palette } from './palette';

export function drawMark(mark: Mark, palette: Palette, pixelRatio: number): ImageData {
  const size = FIELD * pixelRatio;
  const canvas = document.createElement('canvas');
  canvas.width = size;
  canvas.height = size;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  // A browser that refuses a canvas of a few pixels has no memory left; an empty sign is better than no map.
  if (!context) return new ImageData(size, size);
  const { parts, letter } = drawingOf(mark, palette);
  context.scale(pixelRatio, pixelRatio);
  parts.forEach(({ path, fill, edge }, index) => {
    const shape = new Path2D(path);
    if (edge !== 'none') {
      context.strokeStyle = edge;
      context.lineWidth = 3;
      context.stroke(shape);
    }
    context.fillStyle = fill;
    context.fill(shape);
    if (index > 0) return;
    context.fillStyle = letter.colour;
    context.font = `700 13px system-ui, 'Noto Sans', sans-serif`;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.fillText(letter.text, FIELD / 2, FIELD / 2 + 0.5, 16);
  });
  return context.getImageData(0, 0, size, size);
}
