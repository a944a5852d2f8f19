/** Which rows of a long list are on the screen: only those are in the document, however many there are. */

export interface Measures {
  /** How many items there are. */
  count: number;
  /** How many stand side by side. */
  perRow: number;
  rowHeight: number;
  /** How far the top of the list is above the top of what is seen; negative while it is below. */
  above: number;
  /** How much is seen of the page. */
  viewHeight: number;
}

export interface Span {
  /** The first item that is drawn, and the one after the last. */
  start: number;
  end: number;
  /** The first item that can be seen, and the one after the last. */
  seenStart: number;
  seenEnd: number;
  /** Where the first drawn row begins, from the top of the list. */
  offset: number;
  /** How high the whole list is. */
  height: number;
}

/** Rows drawn beyond each edge: enough for the next press of Tab, and for a flick before the next frame. */
const SPARE_ROWS = 4;

/**
 * No browser draws higher elements: Firefox ends below 17.9 million pixels, Chromium at 33.5. What would be higher scrolls
 * proportionally faster, so that the end of the scrollbar is the end of the list; a million rows stay below a screen for a
 * turn of the wheel.
 */
const HIGHEST = 16_000_000;

export function windowOf({ count, perRow, rowHeight, above, viewHeight }: Measures): Span {
  const rows = Math.ceil(count / perRow);
  const whole = rows * rowHeight;
  const height = Math.min(whole, HIGHEST);
  const row = (y: number) => Math.min(rows, Math.max(0, y));
  // How far the reader is in the whole list, and how much of it is not in the scrollbar above him.
  const at = height < whole && above > 0 ? Math.min(1, above / (height - viewHeight)) * (whole - viewHeight) : above;
  const cut = at - Math.min(above, Math.max(0, at));
  const seenFirst = row(Math.floor(at / rowHeight));
  const seenLast = Math.max(seenFirst, row(Math.ceil((at + viewHeight) / rowHeight)));
  const first = row(seenFirst - SPARE_ROWS);
  const last = row(seenLast + SPARE_ROWS);
  const item = (at: number) => Math.min(count, at * perRow);
  return {
    start: item(first),
    end: item(last),
    seenStart: item(seenFirst),
    seenEnd: item(seenLast),
    offset: height < whole ? first * rowHeight - cut : first * rowHeight,
    height,
  };
}

/** How many columns of at least `least` fit, with `gap` between them; never none. */
export function columnsIn(width: number, least: number, gap: number): number {
  return Math.max(1, Math.floor((width + gap) / (least + gap)));
}
