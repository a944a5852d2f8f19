/** What a joining link carries in its fragment, `#<code>.<hub id>`; a fragment never travels over the network. */
export interface Invitation {
  code: string;
  hub: string;
}

/** `null` when it is not of that form: a stranger can make a link that says anything. */
export function readInvitation(hash: string): Invitation | null {
  const match = /^#?(\d{6,12})\.([0-9a-f]{64})$/.exec(hash);
  return match?.[1] && match[2] ? { code: match[1], hub: match[2] } : null;
}

/** An invitation as a camera reads it: `http://192.168.1.5:8733/j#<code>.<hub id>`, or the app's own address with it behind `/join/`. */
export function readLink(text: string): (Invitation & { address: string }) | null {
  const match = /^(https?:\/\/[^/?#\s]+)\/(?:j|phone\/?)?#(?:\/handover\/join\/)?(\d{6,12}\.[0-9a-f]{64})$/.exec(text.trim());
  const invitation = match?.[2] ? readInvitation(match[2]) : null;
  return invitation && match?.[1] ? { ...invitation, address: match[1] } : null;
}

/** Where laptops and phones that give a Wi-Fi are found in it, by the system that gives it. */
export const USUAL_GATEWAYS: readonly string[] = [
  '10.42.0.1', // Linux
  '192.168.137.1', // Windows
  '192.168.2.1', // macOS
  '192.168.43.1', // Android
  '192.168.4.1', // small boards
  '192.168.8.1', // travel routers
  '192.168.0.1',
  '192.168.1.1',
  '172.20.10.1', // iPhone
].map((address) => `http://${address}:8733`);
