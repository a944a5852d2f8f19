/**
 * How a browser signs its requests: a page cannot pin a TLS key, so no token would be safe with it, over https neither.
 *
 * `HubClient` calls this. Each request carries `Authorization: Maloca-Signed <device> <nonce> <count> <signature>`; the signature is
 * over hub, method, path with query, the body's BLAKE3, nonce and count, so that it is of no use for anything else.
 */

import { utf8 } from '../record/bytes';
import { hashBytes, hashOf } from '../record/hash';
import type { DeviceId } from '../record/ids';
import type { DeviceKey } from '../record/keys';

const NO_BODY = hashOf('');

/** What a signature is over, besides its context. */
export async function signedText(
  hub: DeviceId,
  request: { method: string; path: string; body?: Uint8Array },
  nonce: string,
  count: number,
): Promise<string> {
  const body = request.body ? await hashBytes(request.body) : NO_BODY;
  return [hub, request.method, request.path, body, nonce, count].join('\n');
}

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
    const sig = this.key.sign('request', utf8(await signedText(this.hub, request, nonce, count)));
    return `Maloca-Signed ${this.key.id} ${nonce} ${count} ${sig}`;
  }
}
