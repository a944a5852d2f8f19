/**
 * How a browser signs its requests: a page cannot pin a TLS key, so no token would be safe with it, over https neither.
 *
 * `HubClient` calls this. Each request carries `Authorization: Maloca-Signed <device> <nonce> <count> <body> <signature>`, `body`
 * being its BLAKE3; the signature is over hub, method, path with query, body, nonce and count, so that it is of no use for
 * anything else. The twin of `protocol/src/signed.rs`.
 */

import { utf8 } from '../record/bytes';
import { hashBytes, hashOf } from '../record/hash';
import type { DeviceId } from '../record/ids';
import type { DeviceKey } from '../record/keys';

/** Of no bytes at all. */
const noBody = (): string => hashOf('');

/** What a signature is over, besides its context. */
export const signedText = (hub: DeviceId, method: string, path: string, body: string, nonce: string, count: number): string =>
  [hub, method, path, body, nonce, count].join('\n');

/** A nonce of one hub and the numbers that were used with it. One for each hub, as long as the page is open. */
export class Signer {
  #nonce: string | null = null;
  #count = 0;

  constructor(
    private readonly key: DeviceKey,
    private readonly hub: DeviceId,
  ) {}

  get nonce(): string | null {
    return this.#nonce;
  }

  /** Takes a nonce that the hub gave. Counting begins anywhere, as another tab may have been given the same one. */
  renew(nonce: string): void {
    if (nonce === this.#nonce) return;
    this.#nonce = nonce;
    this.#count = (crypto.getRandomValues(new Uint32Array(1))[0] as number) >>> 2;
  }

  /** The header's value for one request; each is good once. */
  async authorize(nonce: string, request: { method: string; path: string; body?: Uint8Array }): Promise<string> {
    this.#count += 1;
    const count = this.#count;
    const body = request.body ? await hashBytes(request.body) : noBody();
    const sig = this.key.sign('request', utf8(signedText(this.hub, request.method, request.path, body, nonce, count)));
    return `Maloca-Signed ${this.key.id} ${nonce} ${count} ${body} ${sig}`;
  }
}
