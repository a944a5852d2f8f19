import type { Box } from './view';

/** What a page tells the map, and hears from it. */
export interface MapProps {
  /** The query of `GET /api/v1/observations`: from, to, category, person, has, exported, q, … */
  filter: Record<string, string>;
  /** Grows when something changed on the hub. */
  revision?: number;
  /** An observation was chosen. */
  onpick: (doc: string) => void;
  /** Somebody wants only what lies in this box (west, south, east, north). Without it the map does not offer that. */
  onbox?: (box: Box) => void;
}
