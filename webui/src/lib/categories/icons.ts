/**
 * The built-in icons of categories, drawings of Maki and Temaki (CC0), by names such as `maki:logging`. As lines to be drawn and
 * never as markup: what is no path in a drawing is left out, and a test sees to it that nothing is.
 */
import { drawingOf, type Drawing } from './drawing';

const MAKI = import.meta.glob<string>(
  '../../../node_modules/@mapbox/maki/icons/{animal-shelter,campsite,caution,danger,farm,fire-station,home,logging,marker,monument,roadblock,star,veterinary,village,water,waterfall}.svg',
  { query: '?raw', import: 'default', eager: true },
);

const TEMAKI = import.meta.glob<string>(
  '../../../node_modules/@rapideditor/temaki/icons/{benchmark_disk,binoculars,boat,boulder2,bow_and_arrow,bulldozer,cabin,campfire,canoe,egg,fish_cleaning,hut,islet_tree,jetplane_front,junk_car,milestone,oil_well,pedestrian,pick_hammer,plant}.svg',
  { query: '?raw', import: 'default', eager: true },
);

const nameIn = (set: string, path: string) => `${set}:${path.slice(path.lastIndexOf('/') + 1, -'.svg'.length)}`;

const drawings = new Map<string, Drawing>([
  ...Object.entries(MAKI).map(([path, svg]): [string, Drawing] => [nameIn('maki', path), drawingOf(svg)]),
  ...Object.entries(TEMAKI).map(([path, svg]): [string, Drawing] => [nameIn('temaki', path), drawingOf(svg)]),
]);

export const ICON_NAMES: readonly string[] = [...drawings.keys()].sort();

export const iconOf = (name: string): Drawing | undefined => drawings.get(name);
