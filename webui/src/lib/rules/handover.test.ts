import { describe, expect, it } from 'vitest';
import { NOTHING_UNSENT, newReport } from '$lib/device/sync/report';
import { CallError } from '$lib/device/wire/call-error';
import type { HubStatus, Unsent } from '$lib/device/device';
import common from '$lib/i18n/messages/common/en.json';
import phone from '$lib/i18n/messages/phone/en.json';
import { Speaker } from '$lib/i18n/speaker';
import { along, atRisk, NO_COURSE, standing, type Situation } from './handover';

const english = new Speaker('en', [common, phone], 'UTC');
const status = (fields: Partial<HubStatus>): HubStatus => ({ hub: 'ab', phase: 'waiting', nextAt: 0, report: null, trouble: null, ...fields });
const unsent = (fields: Partial<Unsent>): Unsent => ({ ...NOTHING_UNSENT, ...fields });
const hub = { name: 'Tarapoto', forgotten: false, receipt: null };

function words(fields: Partial<Situation>) {
  const situation: Situation = { hub, status: null, course: NO_COURSE, unsent: NOTHING_UNSENT, way: 'secure', origin: 'https://app.example', ...fields };
  const { tone, said, todo, bar } = standing(situation);
  return { tone, said: english.say(said), todo: todo.map((one) => english.say(one)), bar: bar && { ...bar, text: english.say(bar.text) } };
}

describe('the sentence of a hub', () => {
  it('says that everything is there by the signed receipt alone', () => {
    const done = status({ report: { ...newReport(), inSync: true } });
    expect(words({ status: done })).toMatchObject({ tone: 'ok', said: 'Everything is on Tarapoto.' });
    const open = [
      words({}),
      words({ status: status({ report: newReport() }) }),
      words({ status: done, unsent: unsent({ revisions: 1 }) }),
      words({ status: done, unsent: unsent({ parked: 1 }) }),
      words({ status: done, unsent: unsent({ media: 1, media_bytes: 5 }) }),
      words({ status: { ...done, trouble: CallError.unreachable() } }),
      words({ status: { ...done, phase: 'talking' } }),
      words({ status: { ...done, phase: 'looking' } }),
      words({ status: done, hub: { ...hub, forgotten: true } }),
      words({ status: status({ report: { ...newReport(), quarantined: 2 } }) }),
    ];
    for (const { tone, said } of open) {
      expect(tone, said).not.toBe('ok');
      expect(said).not.toContain('Everything');
    }
  });

  it('says what waits', () => {
    const said = words({ status: status({}), unsent: unsent({ revisions: 3, media: 2, media_bytes: 1_400_000 }) });
    expect(said).toMatchObject({ tone: 'attention', said: 'Waiting for Tarapoto: 3 records and 2 photos (1.4 MB).' });
  });

  it('counts photos on their way, two at once', () => {
    let course = along(NO_COURSE, { type: 'met', unsent: unsent({ revisions: 1, media: 3, media_bytes: 300 }) });
    expect(words({ status: status({ phase: 'talking' }), course }).bar).toBeNull();
    course = along(course, { type: 'media', hash: 'a', sent: 50, size: 100 });
    course = along(course, { type: 'media', hash: 'b', sent: 10, size: 100 });
    const on = words({ status: status({ phase: 'talking' }), course });
    expect(on).toMatchObject({ said: 'Handing over to Tarapoto: photo 1 of 3', bar: { value: 60, max: 300, text: '60 byte of 300 byte' } });
    course = along(course, { type: 'media', hash: 'a', sent: 100, size: 100 });
    expect(words({ status: status({ phase: 'talking' }), course }).said).toBe('Handing over to Tarapoto: photo 2 of 3');
  });

  it('counts records before the photos', () => {
    const course = along(NO_COURSE, { type: 'revisions', done: 40, of: 100 });
    expect(words({ status: status({ phase: 'talking' }), course }).bar).toEqual({ value: 40, max: 100, text: '40 of 100' });
  });

  it('says why not, and what to do', () => {
    const of = (trouble: CallError, fields: Partial<Situation> = {}) => words({ status: status({ trouble }), ...fields });
    expect(of(CallError.unreachable())).toMatchObject({
      said: 'Tarapoto is not on this Wi-Fi.',
      todo: ['Connect this phone to the Wi-Fi of Tarapoto. The rest happens by itself.'],
    });
    expect(of(CallError.unreachable(), { way: 'elsewhere', isBlocked: true }).todo).toHaveLength(2);
    expect(of(CallError.unreachable(), { way: 'elsewhere' }).todo.at(-1)).toContain('--allow-origin https://app.example');
    expect(of(CallError.garbled('another_hub', '')).said).toContain('another hub');
    expect(of(CallError.garbled('stranger', '')).said).toContain('another hub');
    expect(of(CallError.garbled('bad_receipt', '')).said).toContain('does not prove');
    expect(of(new CallError('full', { code: 'disk_full', status: 507, detail: '', retry: true })).said).toContain('full');
    for (const kind of ['busy', 'join_again', 'refused', 'denied', 'gone'] as const) {
      expect(of(new CallError(kind, { code: 'x', status: 400, detail: '', retry: false })).todo).toHaveLength(1);
    }
  });
});

describe('what would be lost', () => {
  it('is what no hub has', () => {
    expect(atRisk([], 4)).toBe(4);
    expect(atRisk([unsent({ revisions: 3, media: 1 }), unsent({})], 9)).toBe(0);
    expect(atRisk([unsent({ revisions: 3, media: 1 }), unsent({ parked: 1 })], 9)).toBe(1);
  });
});
