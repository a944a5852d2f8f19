/**
 * Territory files: what a community drew of its land elsewhere, laid over the map from the person's own computer.
 * Nothing of it leaves the page. GeoJSON, KML and GPX come in; only shapes and their names go out, so a file can bring
 * neither pictures from elsewhere nor a style, and its names are drawn as text.
 */
import type { Feature, FeatureCollection, Geometry, Position } from 'geojson';
import type { Said } from '$lib/i18n/speaker';
import { clip } from '$lib/rules/observation';

/** A territory with every bend of its rivers has a few megabytes; far larger files would freeze an old laptop. */
export const LARGEST_BYTES = 20_000_000;

/** Beyond this the map stutters on the laptops it is made for. */
const MOST_POSITIONS = 500_000;

/** Enough to know a place by; the rest of a long name would hide the map. */
const NAME_CHARACTERS = 80;

export type TerritoryFeature = Feature<Geometry, { name: string }>;

export interface Territory {
  name: string;
  features: FeatureCollection<Geometry, { name: string }>;
  /** West, south, east, north: where to look for it. */
  box: [number, number, number, number];
}

/** Why a file cannot be shown, as the page says it. */
export class TerritoryProblem extends Error {
  constructor(readonly said: Said) {
    super(said.id);
    this.name = 'TerritoryProblem';
  }
}

/** What turns XML into KML's or GPX's features; the browser's own parser lives outside of this module. */
export type ParseXml = (text: string, format: 'kml' | 'gpx') => Promise<unknown>;

/** Reads a file that somebody chose. @throws TerritoryProblem with what is wrong and what to do */
export async function readTerritory(
  file: { name: string; size: number; text: () => Promise<string> },
  parseXml: ParseXml,
): Promise<Territory> {
  const name = file.name;
  const ending = /\.([a-z]+)$/i.exec(name)?.[1]?.toLowerCase() ?? '';
  if (ending === 'kmz') throw wrong({ id: 'map.file.kmz', values: { name } });
  if (file.size > LARGEST_BYTES) {
    const values = { name, size: { bytes: file.size }, most: { bytes: LARGEST_BYTES } };
    throw wrong({ id: 'map.file.too_large', values });
  }
  const text = (await read(file)).replace(/^\uFEFF/, '');
  const data = await parse(name, ending, text, parseXml);
  return territoryOf(name, data);
}

async function read(file: { name: string; text: () => Promise<string> }): Promise<string> {
  try {
    return await file.text();
  } catch {
    // The drive was pulled out, or the file moved since it was chosen.
    throw wrong({ id: 'map.file.unreadable', values: { name: file.name } });
  }
}

async function parse(name: string, ending: string, text: string, parseXml: ParseXml): Promise<unknown> {
  try {
    if (ending === 'kml' || ending === 'gpx') return await parseXml(text, ending);
    if (ending === 'geojson' || ending === 'json') return JSON.parse(text);
  } catch {
    throw wrong({ id: 'map.file.damaged', values: { name, format: FORMATS[ending] ?? ending } });
  }
  throw wrong({ id: 'map.file.unknown', values: { name } });
}

const FORMATS: Record<string, string> = { kml: 'KML', gpx: 'GPX', json: 'GeoJSON', geojson: 'GeoJSON' };

/** Checks every position, for MapLibre would draw what is no place somewhere, or not at all without a word. */
function territoryOf(name: string, data: unknown): Territory {
  const features: TerritoryFeature[] = [];
  const box: Territory['box'] = [Infinity, Infinity, -Infinity, -Infinity];
  let positions = 0;
  const visit = ([lon, lat]: Position) => {
    if (Math.abs(lon ?? NaN) > 360 || Math.abs(lat ?? NaN) > 90) throw wrong({ id: 'map.file.metres', values: { name } });
    positions += 1;
    if (positions > MOST_POSITIONS) throw wrong({ id: 'map.file.too_many', values: { name, most: MOST_POSITIONS } });
    box[0] = Math.min(box[0], lon ?? 0);
    box[1] = Math.min(box[1], lat ?? 0);
    box[2] = Math.max(box[2], lon ?? 0);
    box[3] = Math.max(box[3], lat ?? 0);
  };
  try {
    for (const { geometry, named } of featuresIn(data)) {
      const shape = geometryOf(geometry, visit);
      if (shape) features.push({ type: 'Feature', properties: { name: clipped(named) }, geometry: shape });
    }
  } catch (cause) {
    if (cause instanceof TerritoryProblem) throw cause;
    throw wrong({ id: 'map.file.no_geojson', values: { name } });
  }
  if (!positions) throw wrong({ id: 'map.file.empty', values: { name } });
  return { name, box, features: { type: 'FeatureCollection', features } };
}

type Loose = Record<string, unknown>;

const isObject = (value: unknown): value is Loose => typeof value === 'object' && value !== null && !Array.isArray(value);

function* featuresIn(data: unknown): Generator<{ geometry: unknown; named: unknown }> {
  if (!isObject(data)) throw new TypeError('no GeoJSON');
  if (data.type === 'FeatureCollection') {
    if (!Array.isArray(data.features)) throw new TypeError('no features');
    for (const feature of data.features) yield* featuresIn(feature);
  } else if (data.type === 'Feature') {
    const properties = isObject(data.properties) ? data.properties : {};
    yield { geometry: data.geometry, named: nameIn(properties) };
  } else {
    yield { geometry: data, named: '' };
  }
}

/** Programs write it in many ways; a shapefile turned into GeoJSON shouts. */
function nameIn(properties: Loose): unknown {
  for (const key of ['name', 'Name', 'NAME', 'nombre', 'Nombre', 'NOMBRE', 'nome', 'Nome', 'NOME', 'nom', 'title']) {
    if (Object.hasOwn(properties, key) && properties[key]) return properties[key];
  }
  return '';
}

/** How deep each kind nests its positions. */
const DEPTHS: Record<string, number> = {
  Point: 0,
  MultiPoint: 1,
  LineString: 1,
  MultiLineString: 2,
  Polygon: 2,
  MultiPolygon: 3,
};

/** A copy with two numbers in each position, whatever else the file says. `null`: a feature without a place. */
function geometryOf(value: unknown, visit: (position: Position) => void): Geometry | null {
  if (value === null || value === undefined) return null;
  if (!isObject(value)) throw new TypeError('no geometry');
  if (value.type === 'GeometryCollection') {
    if (!Array.isArray(value.geometries)) throw new TypeError('no geometries');
    const geometries = value.geometries.flatMap((one) => geometryOf(one, visit) ?? []);
    return { type: 'GeometryCollection', geometries };
  }
  const depth = typeof value.type === 'string' && Object.hasOwn(DEPTHS, value.type) ? DEPTHS[value.type] : undefined;
  if (depth === undefined) throw new TypeError('no known geometry');
  return { type: value.type, coordinates: positionsOf(value.coordinates, depth, visit) } as Geometry;
}

function positionsOf(value: unknown, depth: number, visit: (position: Position) => void): unknown {
  if (!Array.isArray(value)) throw new TypeError('no positions');
  if (depth > 0) return value.map((inner) => positionsOf(inner, depth - 1, visit));
  const [lon, lat] = value;
  if (!Number.isFinite(lon) || !Number.isFinite(lat)) throw new TypeError('no numbers');
  visit([lon, lat]);
  return [lon, lat];
}

function clipped(named: unknown): string {
  const text = typeof named === 'string' || typeof named === 'number' ? String(named) : '';
  return clip(text.replace(/\s+/g, ' ').trim(), NAME_CHARACTERS);
}

const wrong = (said: Said) => new TerritoryProblem(said);
