import { describe, expect, it } from 'vitest';
import { limits, secureAddress, systemOf, wayOf } from './way';

describe('the way in', () => {
  it('is told by what the browser gives and by who answers', () => {
    expect(wayOf({ isSecure: true, isHub: false })).toBe('elsewhere');
    expect(wayOf({ isSecure: true, isHub: true })).toBe('secure');
    expect(wayOf({ isSecure: false, isHub: true })).toBe('plain');
    expect(wayOf({ isSecure: false, isHub: false })).toBe('plain');
  });

  it('promises nothing that the browser does not give', () => {
    const plain = limits({ way: 'plain', isKept: false, isInstalled: false, persisted: null });
    expect(plain.has).toEqual([]);
    expect(plain.lacks.map(({ id }) => id)).toEqual([
      'install.lacks_offline', 'install.lacks_place', 'install.lacks_camera', 'install.lacks_privacy', 'install.lacks_kept_plain',
    ]);
    const whole = limits({ way: 'secure', isKept: true, isInstalled: true, persisted: true });
    expect(whole.lacks).toEqual([]);
    expect(limits({ way: 'secure', isKept: false, isInstalled: false, persisted: false }).lacks.map(({ id }) => id)).toEqual([
      'install.lacks_offline_yet', 'install.lacks_kept', 'install.lacks_icon',
    ]);
  });

  it('leads to the same machine over https', () => {
    expect(secureAddress('192.168.1.5', 8734)).toBe('https://192.168.1.5:8734/phone/');
    expect(secureAddress('[fe80::1]', 8734)).toBe('https://[fe80::1]:8734/phone/');
  });

  it.each([
    ['Mozilla/5.0 (Linux; Android 14; SM-A055M)', true, 'android'],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)', true, 'ios'],
    ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)', true, 'ios'],
    ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)', false, 'desktop'],
    ['Mozilla/5.0 (X11; Linux x86_64)', false, 'desktop'],
  ] as const)('%s has its own steps', (agent, touch, system) => expect(systemOf(agent, touch)).toBe(system));
});
