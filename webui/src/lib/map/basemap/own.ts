/**
 * A style that a map brings (CoMapeo's `.smp`), as the hub gives it: made safe there, and here named apart from the map's
 * own. Its letters are not fetched: MapLibre writes with the computer's, which have every script that the computer has.
 */
import type { LayerSpecification, SourceSpecification, StyleSpecification } from 'maplibre-gl';
import { FONT } from '../style';
import type { Ground } from './ground';

const apart = (id: string) => `basemap-${id}`;

export function ownGround(style: StyleSpecification, origin: string): Ground {
  const sources = Object.entries(style.sources).map(([id, source]) => [apart(id), whole(source, origin)] as const);
  return { sources: Object.fromEntries(sources), layers: style.layers.map(named), sprites: spritesOf(style, origin) };
}

/** With whole addresses: MapLibre's worker has none of its own to begin with. */
function whole(source: SourceSpecification, origin: string): SourceSpecification {
  const { attribution: _, ...rest } = source as SourceSpecification & { attribution?: string };
  if ('tiles' in rest && rest.tiles) return { ...rest, tiles: rest.tiles.map((address) => origin + address) } as SourceSpecification;
  if ('data' in rest && typeof rest.data === 'string') return { ...rest, data: origin + rest.data } as SourceSpecification;
  return rest as SourceSpecification;
}

function named(layer: LayerSpecification): LayerSpecification {
  const made = { ...layer, id: apart(layer.id) } as LayerSpecification;
  if ('source' in made && made.source) made.source = apart(made.source);
  if (made.type === 'symbol') {
    const font = made.layout?.['text-font'];
    const isList = Array.isArray(font) && font.every((name) => typeof name === 'string' && name !== 'literal');
    // An expression of fonts would need them all.
    made.layout = { ...made.layout, 'text-font': isList ? [...(font as string[]), ...FONT] : FONT };
  }
  return made;
}

function spritesOf({ sprite }: StyleSpecification, origin: string): Ground['sprites'] {
  if (!sprite) return [];
  if (typeof sprite === 'string') return [{ id: 'default', url: origin + sprite }];
  return sprite.map(({ id, url }) => ({ id, url: origin + url }));
}
