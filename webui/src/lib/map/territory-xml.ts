/**
 * KML and GPX into GeoJSON with the browser's own XML parser, which loads nothing that a document names. Loaded when
 * the first such file is opened.
 */
import { gpx, kml } from '@tmcw/togeojson';
import type { ParseXml } from './territory';

export const parseXml: ParseXml = async (text, format) => {
  const document = new DOMParser().parseFromString(text, 'application/xml');
  // Browsers answer XML that is none with a document that tells of it.
  if (document.getElementsByTagName('parsererror').length) throw new SyntaxError('no XML');
  if (document.documentElement.localName !== format) throw new SyntaxError(`no ${format}`);
  return format === 'kml' ? kml(document) : gpx(document);
};
