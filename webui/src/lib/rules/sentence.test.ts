import { describe, expect, it } from 'vitest';
import common from '$lib/i18n/messages/common/en.json';
import first from '$lib/i18n/messages/en.json';
import rooms from '$lib/i18n/messages/rooms/en.json';
import { Speaker } from '$lib/i18n/speaker';
import type { DeviceCard, Overview } from '$lib/api/types';
import { NOW, daysAgo, device, overview } from './fixtures';
import { sentence } from './sentence';

const english = new Speaker('en', [common, first, rooms], 'UTC');

function words(hub: Overview, devices: DeviceCard[]): { tone: string; arrival: string; copy: string } {
  const { tone, arrival, copy } = sentence(hub, devices, NOW);
  const spoken = (parts: typeof arrival) => parts.map((part) => english.say(part, NOW)).join(' ');
  return { tone, arrival: spoken(arrival), copy: spoken(copy) };
}

describe('the sentence on top', () => {
  it('is glad only when every device told and nothing is missing', () => {
    const said = words(overview(), [device(), device({ id: 'b', name: 'Luis' })]);
    expect(said.tone).toBe('ok');
    expect(said.arrival).toBe('Everything that 2 devices told us of is on this laptop: 43 observations and 10 photos.');
  });

  it('names what is still on a phone', () => {
    const unsent = { revisions: 3, media: 2, media_bytes: 966_442, parked: 1, at: daysAgo(0) };
    const said = words(overview(), [device({ state: 'waiting', unsent })]);
    expect(said.tone).toBe('attention');
    expect(said.arrival).toBe(
      'On this laptop: 43 observations and 10 photos. ' +
        'Still only on “Rosa”: 3 records, 2 photos (966 kB), and 1 record that could not come in.',
    );
  });

  it('never counts a device that did not tell as complete', () => {
    const said = words(overview(), [device(), device({ id: 'b', name: 'Luis', state: 'unknown', unsent: null })]);
    expect(said.tone).toBe('unknown');
    expect(said.arrival).toContain('that 1 device told us of');
    expect(said.arrival).toContain('Luis has not said what it holds');
  });

  it('promises nothing when nobody told', () => {
    const said = words(overview(), [device({ state: 'unknown', unsent: null })]);
    expect(said.arrival).not.toContain('Everything');
    expect(said.tone).not.toBe('ok');
  });

  it('names who was not heard of for a week', () => {
    const said = words(overview(), [device({ last_seen: daysAgo(12) }), device({ id: 'b', last_seen: daysAgo(6.9) })]);
    expect(said.tone).toBe('unknown');
    expect(said.arrival).toContain('Not heard of for more than a week: Rosa (12 days ago).');
  });

  it('tells of photos that nobody promised, and counts none twice', () => {
    const unsent = { revisions: 0, media: 2, media_bytes: 9, parked: 0, at: daysAgo(0) };
    expect(words(overview({ media_wanted: 2 }), [device({ unsent })]).arrival).not.toContain('no device says');
    expect(words(overview({ media_wanted: 3 }), [device({ unsent })]).arrival).toContain('1 photo that an observation names');
  });

  it('leaves out devices that were removed', () => {
    const gone = device({ state: 'revoked', unsent: null, last_seen: daysAgo(300) });
    expect(words(overview(), [device({ id: 'b' }), gone]).tone).toBe('ok');
  });

  it('says what is not on a drive and when the last copy was made', () => {
    const waiting = { observations: 112, media: 0 };
    expect(words(overview({}, { not_on_drive: waiting }), []).copy).toBe(
      'Not on a drive yet: 112 observations. No verified copy was ever made.',
    );
    const drives = { not_on_drive: waiting, last_verified_at: daysAgo(9) };
    expect(words(overview({}, drives), []).copy).toContain('Last verified copy: 9 days ago.');
    expect(words(overview({}, { last_verified_at: daysAgo(1) }), []).copy).toBe(
      'Everything that is here is also on a drive. Last verified copy: yesterday.',
    );
  });

  it('says nothing of copies while there is nothing to copy', () => {
    const said = words(overview({ observations: 0, media_held: 0 }), []);
    expect(said).toEqual({ tone: 'unknown', arrival: 'Nothing has arrived yet.', copy: '' });
  });
});
