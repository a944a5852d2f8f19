import type { Said } from '$lib/i18n/speaker';

/** By which of its ways in the phone app was opened. */
export type Way =
  /** From an https origin that is no hub: it was installed beforehand. */
  | 'elsewhere'
  /** From a hub, over https or on the hub's own machine. */
  | 'secure'
  /** From a hub over plain http, where browsers give a page little. */
  | 'plain';

export const wayOf = ({ isSecure, isHub }: { isSecure: boolean; isHub: boolean }): Way => (isSecure ? (isHub ? 'secure' : 'elsewhere') : 'plain');

export interface Circumstances {
  way: Way;
  /** Whether the app is kept for opening without a network. */
  isKept: boolean;
  /** Whether it has an icon and a window of its own. */
  isInstalled: boolean;
  /** What the browser answered when asked not to clear what is recorded; `null`: not asked, or it does not answer. */
  persisted: boolean | null;
}

/** What is missing, and what stands. Nothing is promised that this browser does not give. */
export function limits({ way, isKept, isInstalled, persisted }: Circumstances): { has: Said[]; lacks: Said[] } {
  const [has, lacks]: [Said[], Said[]] = [[], []];
  const put = (stands: boolean, good: Said['id'], bad: Said['id']) => (stands ? has : lacks).push({ id: stands ? good : bad } as Said);
  put(isKept, 'install.has_offline', way === 'plain' ? 'install.lacks_offline' : 'install.lacks_offline_yet');
  put(way !== 'plain', 'install.has_place', 'install.lacks_place');
  put(way !== 'plain', 'install.has_camera', 'install.lacks_camera');
  if (way === 'plain') lacks.push({ id: 'install.lacks_privacy' });
  if (way !== 'plain') put(persisted === true, 'install.has_kept', persisted === false ? 'install.lacks_kept' : 'install.lacks_kept_yet');
  else lacks.push({ id: 'install.lacks_kept_plain' });
  if (way !== 'plain') put(isInstalled, 'install.has_icon', 'install.lacks_icon');
  return { has, lacks };
}

/** The page over https of the hub that this page is from. */
export const secureAddress = (host: string, httpsPort: number): string =>
  `https://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${httpsPort}/phone/`;

/** Which steps lead to trusting an authority, by what the browser says of itself. */
export function systemOf(agent: string, touch: boolean): 'android' | 'ios' | 'desktop' {
  if (/android/i.test(agent)) return 'android';
  // A tablet of Apple's says that it is a computer.
  if (/iphone|ipad|ipod/i.test(agent) || (/macintosh/i.test(agent) && touch)) return 'ios';
  return 'desktop';
}
