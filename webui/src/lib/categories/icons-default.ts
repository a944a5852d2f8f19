/** The icons of the set to begin with, apart from the others: a phone draws them on its first page. */
import { named, type Drawing } from './drawing';

const MAKI = import.meta.glob<Drawing>(
  '../../../node_modules/@mapbox/maki/icons/{campsite,farm,home,logging,marker,monument,veterinary,water}.svg',
  { query: '?drawing', import: 'default', eager: true },
);

const TEMAKI = import.meta.glob<Drawing>(
  '../../../node_modules/@rapideditor/temaki/icons/{benchmark_disk,boat,bow_and_arrow,bulldozer,campfire,fish_cleaning,jetplane_front,milestone,oil_well,pedestrian,pick_hammer,plant}.svg',
  { query: '?drawing', import: 'default', eager: true },
);

export const DRAWINGS: ReadonlyMap<string, Drawing> = new Map([...named('maki', MAKI), ...named('temaki', TEMAKI)]);
