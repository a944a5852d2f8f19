/** Which page an address means: patterns such as `/observations/:doc` against real paths. Pure; `router.svelte.ts` keeps the address. */

export interface Route {
  /** One or more patterns that begin with `/`; `:name` stands for one piece of the path. */
  paths: readonly string[];
}

export interface Match<Page extends Route> {
  page: Page;
  params: Record<string, string>;
}

/** The first page whose pattern fits; `null`: there is no such page. */
export function match<Page extends Route>(pages: readonly Page[], path: string): Match<Page> | null {
  const pieces = piecesOf(path);
  for (const page of pages) {
    for (const pattern of page.paths) {
      const params = fit(piecesOf(pattern), pieces);
      if (params) return { page, params };
    }
  }
  return null;
}

/** A slash at the end makes no other page. */
const piecesOf = (path: string) => path.split('/').filter((piece) => piece !== '');

function fit(pattern: string[], pieces: string[]): Record<string, string> | null {
  if (pattern.length !== pieces.length) return null;
  const params: Record<string, string> = {};
  for (const [index, wanted] of pattern.entries()) {
    const piece = decode(pieces[index] ?? '');
    if (piece === null) return null;
    if (wanted.startsWith(':')) params[wanted.slice(1)] = piece;
    else if (wanted !== piece) return null;
  }
  return params;
}

/** A link that somebody typed may hold a `%` that means nothing. */
function decode(piece: string): string | null {
  try {
    return decodeURIComponent(piece);
  } catch {
    return null;
  }
}

/** What of a click decides whether it is ours; see `MouseEvent`. */
export interface Click {
  button: number;
  defaultPrevented: boolean;
  metaKey: boolean;
  ctrlKey: boolean;
  shiftKey: boolean;
  altKey: boolean;
}

/** A plain click. With a key held the reader wants a new tab or window, and gets it from the browser. */
export function isPlainClick(click: Click): boolean {
  const held = click.metaKey || click.ctrlKey || click.shiftKey || click.altKey;
  return click.button === 0 && !click.defaultPrevented && !held;
}
