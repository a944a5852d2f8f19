/**
 * The built-in icons of categories, drawings of Maki and Temaki (CC0), by names such as `maki:logging`. As lines to be drawn and
 * never as markup: what is no path in a drawing is left out, and a test sees to it that nothing is.
 */
import { named, type Drawing } from './drawing';
import { DRAWINGS } from './icons-default';

const MAKI = import.meta.glob<Drawing>(
  '../../../node_modules/@mapbox/maki/icons/{animal-shelter,caution,danger,fire-station,roadblock,star,village,waterfall}.svg',
  { query: '?drawing', import: 'default', eager: true },
);

const TEMAKI = import.meta.glob<Drawing>(
  '../../../node_modules/@rapideditor/temaki/icons/{binoculars,boulder2,cabin,canoe,egg,hut,islet_tree,junk_car}.svg',
  { query: '?drawing', import: 'default', eager: true },
);

const drawings = new Map<string, Drawing>([...DRAWINGS, ...named('maki', MAKI), ...named('temaki', TEMAKI)]);

export const ICON_NAMES: readonly string[] = [...drawings.keys()].sort();

export const iconOf = (name: string): Drawing | undefined => drawings.get(name);
