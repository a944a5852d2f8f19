import { gpx, kml } from '@tmcw/togeojson';
import { DOMParser } from '@xmldom/xmldom';
import { describe, expect, it } from 'vitest';
import { LARGEST_BYTES, TerritoryProblem, readTerritory, type ParseXml } from './territory';

/** Node has no XML parser of its own. */
const parseXml: ParseXml = async (text, format) => {
  const onError = (level: string, message: string) => {
    if (level !== 'warning') throw new SyntaxError(message);
  };
  const document = new DOMParser({ onError }).parseFromString(text, 'text/xml');
  return format === 'kml' ? kml(document) : gpx(document);
};

const file = (name: string, content: unknown, size?: number) => {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  return { name, size: size ?? text.length, text: async () => text };
};
const read = (name: string, content: unknown, size?: number) => readTerritory(file(name, content, size), parseXml);
const problem = async (name: string, content: unknown, size?: number) => {
  const cause = await read(name, content, size).catch((one: unknown) => one);
  expect(cause).toBeInstanceOf(TerritoryProblem);
  return (cause as TerritoryProblem).said.id;
};

const RING = [[-76.5, -6.6], [-76.2, -6.6], [-76.2, -6.3], [-76.5, -6.6]];
const polygon = (properties: unknown = {}) => ({
  type: 'Feature',
  properties,
  geometry: { type: 'Polygon', coordinates: [RING] },
});

describe('a territory file', () => {
  it('is read from GeoJSON, whether a collection, a feature or a bare shape', async () => {
    for (const content of [{ type: 'FeatureCollection', features: [polygon()] }, polygon(), polygon().geometry]) {
      const { features, box } = await read('t.geojson', content);
      expect(features.features).toHaveLength(1);
      expect(box).toEqual([-76.5, -6.6, -76.2, -6.3]);
    }
  });

  it('is read from KML', async () => {
    const { features } = await read(
      'T.KML',
      `<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><name>Chazuta</name><Polygon><outerBoundaryIs>
       <LinearRing><coordinates>-76.5,-6.6,0 -76.2,-6.6,0 -76.2,-6.3,0 -76.5,-6.6,0</coordinates></LinearRing>
       </outerBoundaryIs></Polygon></Placemark><Placemark><name>nowhere</name></Placemark></Document></kml>`,
    );
    expect(features.features).toEqual([
      { type: 'Feature', properties: { name: 'Chazuta' }, geometry: { type: 'Polygon', coordinates: [RING] } },
    ]);
  });

  it('is read from GPX', async () => {
    const { features } = await read(
      'walk.gpx',
      `<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><wpt lat="-6.5" lon="-76.4"><name>camp</name></wpt>
       <trk><trkseg><trkpt lat="-6.5" lon="-76.4"/><trkpt lat="-6.6" lon="-76.5"/></trkseg></trk></gpx>`,
    );
    expect(features.features.map(({ geometry }) => geometry.type).sort()).toEqual(['LineString', 'Point']);
  });

  it('gives away nothing but shapes and names, and names are clipped text', async () => {
    const evil = '<img src=x onerror=alert(1)>';
    const { features } = await read('t.geojson', polygon({ NOMBRE: evil, icon: 'https://elsewhere/x.png', stroke: 'url(x)' }));
    expect(features.features[0]?.properties).toEqual({ name: evil });
    const long = await read('t.geojson', polygon({ name: '\u{1F332}'.repeat(500) }));
    expect([...(long.features.features[0]?.properties.name ?? '')]).toHaveLength(81);
  });

  it('keeps what is in a collection of shapes, and drops heights', async () => {
    const { features } = await read('t.json', {
      type: 'GeometryCollection',
      geometries: [{ type: 'Point', coordinates: [-76, -6, 200] }],
    });
    expect(features.features[0]?.geometry).toEqual({
      type: 'GeometryCollection',
      geometries: [{ type: 'Point', coordinates: [-76, -6] }],
    });
  });
});

describe('a file that is no territory', () => {
  it('is refused with the reason', async () => {
    expect(await problem('t.kmz', 'PK')).toBe('map.file.kmz');
    expect(await problem('t.shp', 'x')).toBe('map.file.unknown');
    expect(await problem('t', 'x')).toBe('map.file.unknown');
    expect(await problem('t.geojson', '{', LARGEST_BYTES + 1)).toBe('map.file.too_large');
    expect(await problem('t.geojson', '{')).toBe('map.file.damaged');
    expect(await problem('t.kml', '<kml><Placemark>')).toBe('map.file.damaged');
    expect(await problem('t.geojson', { type: 'FeatureCollection', features: [] })).toBe('map.file.empty');
    expect(await problem('t.geojson', { type: 'Feature', geometry: null })).toBe('map.file.empty');
  });

  it('is refused when it is JSON of another kind', async () => {
    const odd = [7, [], null, {}, { type: 'Topology' }, { type: 'FeatureCollection' }, { type: 'constructor' }];
    for (const content of odd) expect(await problem('t.json', content)).toBe('map.file.no_geojson');
    const broken = [null, 'x', [['a', 1]], [[1, null]], [1, 2]];
    for (const coordinates of broken) {
      expect(await problem('t.json', { type: 'LineString', coordinates })).toBe('map.file.no_geojson');
    }
  });

  it('is refused when its numbers are metres', async () => {
    expect(await problem('t.json', { type: 'Point', coordinates: [349647, 9283257] })).toBe('map.file.metres');
  });

  it('is refused when it has too many points', async () => {
    const coordinates = Array.from({ length: 500_001 }, () => [1, 1]);
    expect(await problem('t.json', { type: 'LineString', coordinates })).toBe('map.file.too_many');
  });

  it('is refused when it can no longer be read', async () => {
    const gone = { name: 't.json', size: 1, text: () => Promise.reject(new Error('NotReadableError')) };
    await expect(readTerritory(gone, parseXml)).rejects.toMatchObject({ said: { id: 'map.file.unreadable' } });
  });
});
