import { describe, expect, it } from 'vitest';
import common from './messages/common/en.json';
import spanishInCommon from './messages/common/es.json';
import first from './messages/en.json';
import spanish from './messages/es.json';
import rooms from './messages/rooms/en.json';
import spanishRooms from './messages/rooms/es.json';
import { Speaker } from './speaker';

const en = { ...common, ...first, ...rooms };
const es = { ...spanishInCommon, ...spanish, ...spanishRooms };
const english = new Speaker('en', [en], 'UTC');
const NOW = Date.parse('2026-11-21T12:00:00.000Z');

describe('a speaker', () => {
  it('chooses the plural form', () => {
    expect(english.say({ id: 'count.photos', count: 1 })).toBe('1 photo');
    expect(english.say({ id: 'count.photos', count: 1200 })).toBe('1,200 photos');
  });

  it('writes lists, bytes and times in the language', () => {
    const missing = {
      list: [
        { id: 'count.records' as const, count: 3 },
        { id: 'count.photos_of_size' as const, count: 2, values: { size: { bytes: 966_442 } } },
      ],
    };
    expect(english.say({ id: 'sentence.missing', values: { name: 'Rosa', missing } })).toBe(
      'Still only on “Rosa”: 3 records and 2 photos (966 kB).',
    );
    expect(english.ago('2026-11-09T11:00:00.000Z', NOW)).toBe('12 days ago');
  });

  it('inserts words without reading placeholders in them', () => {
    const values = { name: '{when} $& <b>', when: 'x' };
    expect(english.say({ id: 'sentence.name_and_time', values })).toBe('{when} $& <b> (x)');
  });

  it('falls back on Spanish, then on English, message by message', () => {
    const quechua = new Speaker('qu', [{ 'device.heading': 'Antañiqiqkuna' }, es, en]);
    expect(quechua.say({ id: 'device.heading' })).toBe('Antañiqiqkuna');
    expect(quechua.say({ id: 'common.save' })).toBe('Guardar');
    expect(quechua.say({ id: 'count.photos', count: 2 })).toBe('2 fotos');
  });

  it('takes no message from what every object has, and no text that is none', () => {
    const odd = new Speaker('en', [JSON.parse('{"common.save": 7}'), en]);
    expect(odd.find('constructor')).toBeUndefined();
    expect(odd.say({ id: 'common.save' })).toBe('Save');
  });

  it('lives with a file whose name is no language', () => {
    expect(new Speaker('not a language!', [es]).number(1.5)).toBe('1,5');
  });

  it('shows as it came what is no time', () => {
    expect(english.moment('yesterday')).toBe('yesterday');
    expect(english.ago('yesterday', NOW)).toBe('yesterday');
  });
});
