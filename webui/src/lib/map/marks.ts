/**
 * The sign of one observation on the map, in the list of signs and in the plain drawing: colour, shape and letter tell
 * its category, small signs at its corners tell the rest. Nothing rests on colour alone, and a category has the same
 * sign on every hub.
 */
import type { Observation } from '$lib/api/types';
import type { Palette } from './palette';

export interface Mark {
  category: string;
  state: Observation['state'];
  media: boolean;
}

/** One shape of a sign, on a field of `FIELD` by `FIELD`. */
export interface Part {
  path: string;
  fill: string;
  edge: string;
}

export interface Drawing {
  parts: Part[];
  letter: { text: string; colour: string };
}

/** Room for the shape and for the small signs that stick out at its corners. */
export const FIELD = 32;

const circle = (x: number, y: number, r: number) =>
  `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;

const SHAPES = [
  circle(16, 16, 11),
  'M8 5.5h16a2.5 2.5 0 0 1 2.5 2.5v16a2.5 2.5 0 0 1-2.5 2.5H8A2.5 2.5 0 0 1 5.5 24V8A2.5 2.5 0 0 1 8 5.5z',
  'M16 2.5 29.5 16 16 29.5 2.5 16z',
  'M10 4.5h12L28.5 16 22 27.5H10L3.5 16z',
];

/** Not the red of what went wrong: no kind of thing seen in the forest is a fault of the hub's. */
const COLOURS = ['ok', 'busy', 'attention', 'unknown', 'off'] as const satisfies (keyof Palette)[];

const WARNING = circle(25.5, 6.5, 5.5);
const BANG = 'M24.6 3.2h1.8l-.3 4h-1.2zM24.6 8.2h1.8v1.8h-1.8z';
const DOTS = 'M21.9 5.7h1.6v1.6h-1.6zM24.7 5.7h1.6v1.6h-1.6zM27.5 5.7h1.6v1.6h-1.6z';
const FRAME = 'M19.5 20.5h3l1-1.5h3l1 1.5h3v9h-11z';
const LENS = circle(25, 24.8, 2.3);

export function drawingOf({ category, state, media }: Mark, palette: Palette): Drawing {
  const edge = palette.surface;
  const number = hash(category.trim().toLowerCase());
  const shape = SHAPES[number % SHAPES.length] ?? '';
  const colour = COLOURS[Math.floor(number / SHAPES.length) % COLOURS.length] ?? 'off';
  const parts: Part[] = [{ path: shape, fill: category ? palette[colour] : palette.off, edge }];
  if (state !== 'whole') {
    parts.push({ path: WARNING, fill: state === 'conflict' ? palette.bad : palette.unknown, edge });
    parts.push({ path: state === 'conflict' ? BANG : DOTS, fill: edge, edge: 'none' });
  }
  if (media) parts.push({ path: FRAME, fill: palette.ink, edge }, { path: LENS, fill: edge, edge: 'none' });
  return { parts, letter: { text: letterOf(category), colour: edge } };
}

/** The first letter as people see it; a letter may be made of several characters. */
export function letterOf(category: string): string {
  const text = category.trim();
  if (!text) return '–';
  const first = [...new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text.slice(0, 40))][0]?.segment;
  return (first ?? '').toLocaleUpperCase();
}

/** What the map's style asks for when it wants a sign; the category comes last, for it may hold anything. */
export const markId = ({ category, state, media }: Mark) => `mark:${state}:${media ? 1 : 0}:${category}`;

export function markOf(id: string): Mark | null {
  const [, state, media, category] = /^mark:(whole|conflict|incomplete):([01]):(.*)$/s.exec(id) ?? [];
  if (state === undefined || category === undefined) return null;
  return { state: state as Mark['state'], media: media === '1', category };
}

/** FNV-1a: the same number everywhere, and well spread for short words. */
function hash(text: string): number {
  let sum = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193);
  return (sum ^ (sum >>> 15)) >>> 0;
}
