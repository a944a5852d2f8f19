/** A drawing of filled paths on a square or oblong field. */
export interface Drawing {
  viewBox: string;
  paths: string[];
}

/** The paths of an SVG. Anything else in it is left out, whatever it says. */
export function drawingOf(svg: string): Drawing {
  // Some programs write the line breaks within a path as references to their characters.
  const plain = (d: string) => d.replaceAll(/&#x?[\da-f]+;/gi, ' ');
  const paths = [...svg.matchAll(/<path\b[^>]*?\sd="([^"]*)"/gs)].map(([, d]) => plain(d ?? ''));
  return { viewBox: /\sviewBox="([-\d. ]+)"/.exec(svg)?.[1] ?? '0 0 15 15', paths };
}

/** The drawings of a set by names such as `maki:logging`, from the paths of its files. */
export const named = (set: string, files: Record<string, Drawing>): [string, Drawing][] =>
  Object.entries(files).map(([path, drawing]) => [`${set}:${path.slice(path.lastIndexOf('/') + 1, -'.svg'.length)}`, drawing]);

/** An icon that came with imported categories: a picture in itself. As the source of an image it runs nothing and asks for nothing. */
export const isPicture = (icon: string): boolean => icon.startsWith('data:image/svg+xml;base64,') || icon.startsWith('data:image/png;base64,');
