/** The page's colours for what is drawn without CSS: the map and the signs on it. */

const TOKENS = {
  surface: '--surface',
  sunken: '--sunken',
  lineSoft: '--line-soft',
  lineStrong: '--line-strong',
  ink: '--ink',
  inkSoft: '--ink-soft',
  accent: '--accent',
  onAccent: '--on-accent',
  water: '--busy-ground',
  leaf: '--ok-ground',
  ok: '--ok',
  busy: '--busy',
  attention: '--attention',
  bad: '--bad',
  unknown: '--unknown',
  off: '--off',
} as const;

export type Palette = Record<keyof typeof TOKENS, string>;

/** As they are now: light or dark. */
export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  return paletteOf((token) => style.getPropertyValue(token).trim());
}

/** As they are on paper: light, whatever the screen is. */
export function readPaperPalette(): Palette {
  const { dataset } = document.documentElement;
  dataset.paper = '';
  const palette = readPalette();
  delete dataset.paper;
  return palette;
}

export function paletteOf(read: (token: string) => string): Palette {
  return Object.fromEntries(Object.entries(TOKENS).map(([name, token]) => [name, read(token)])) as Palette;
}

/** For what is drawn with CSS after all: it follows light and dark by itself. */
export const CSS_PALETTE: Palette = paletteOf((token) => `var(${token})`);

/** Calls back when light turns dark or back; the answer ends it. */
export function onPaletteChange(changed: () => void): () => void {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  dark.addEventListener('change', changed);
  return () => dark.removeEventListener('change', changed);
}
