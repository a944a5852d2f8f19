import type { Area, Ring } from '$lib/rules/area';
import type { OverlayFeature } from './overlay';
import type { Box, View } from './view';

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
  /** Somebody wants only what lies in a territory that was opened on the map. Without it the map does not offer that. */
  onarea?: (area: Area) => void;
  /** While somebody draws. */
  sketch?: Sketch | null;
  /** Shapes of the page over the land. */
  overlay?: OverlayFeature[];
  /** The view moved. */
  onview?: (view: View) => void;
  /** Whether observations are shown; they are where nothing is said. */
  signs?: boolean;
}

/** What is drawn by pressing on the map: the border of an area, or a way and the land that it goes around. */
export interface Sketch {
  kind: 'area' | 'measure';
  onfinish: (ring: Ring) => void;
  oncancel: () => void;
}
