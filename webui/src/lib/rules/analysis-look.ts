import { STEPS } from './analysis';

/** What the analysis shows on its map, in the address beside the filter. What is not understood is left out. */
export const SHOWS = ['points', 'density', 'clusters'] as const;
export type Show = (typeof SHOWS)[number];

export interface AnalysisLook {
  show: Show;
  /** Width of a hexagon or reach of a cluster in metres; without it, one that fits the places. */
  metres?: number;
}

export function readLook(search: string): AnalysisLook {
  const query = new URLSearchParams(search);
  const show = SHOWS.find((one) => one === query.get('show')) ?? SHOWS[0];
  const metres = STEPS.find((step) => String(step) === query.get('metres'));
  return metres ? { show, metres } : { show };
}

/** The query string of a filter with what is shown added to it. */
export function withLook(search: string, { show, metres }: AnalysisLook): string {
  const more = [show !== SHOWS[0] && `show=${show}`, metres && `metres=${metres}`].filter(Boolean).join('&');
  return more ? `${search || '?'}${search ? '&' : ''}${more}` : search;
}
