/**
 * Calls to one hub that this phone knows, each signed by the phone's key.
 *
 * `sync` uses it. It promises: every answer is a value or a `CallError` that says what to do; a stale nonce is replaced and the
 * request signed again, once; nothing waits for ever on a silent hub; nothing is signed for a hub other than the pinned one.
 */

import { utf8 } from '../record/bytes';
import { canonical, type Json } from '../record/canonical';
import type { DeviceId, MediaHash } from '../record/ids';
import type { DeviceKey } from '../record/keys';
import { CallError } from './call-error';
import { json, send, sendForBytes, type Answer, type Fetch, type Request, type Send } from './fetching';
import { Signer } from './sign';
import { BASE, type BatchAnswer, type Changes, type NonceAnswer, type SignedReceipt, type StateReport } from './types';

/** What `GET /changes` may be asked. */
export interface ChangesQuestion {
  since?: string;
  /** Seconds that the hub may wait for news where there is none. */
  wait?: number;
  /** `others`: without what this phone itself brought. */
  brought?: 'others';
  /** `mine`: only documents to which this phone wrote, and what everybody needs. */
  scope?: 'mine';
}

/** The longest that a hub waits for news, in seconds. */
const LONGEST_WAIT = 25;

export interface ClientOptions {
  fetch?: Fetch;
  now?: () => number;
}

export class HubClient {
  readonly #signer: Signer;
  readonly #fetch: Fetch;
  readonly #now: () => number;
  #asking: Promise<string> | null = null;
  /** Bytes of bodies that were sent. */
  sent = 0;

  constructor(
    readonly address: string,
    readonly hub: DeviceId,
    key: DeviceKey,
    { fetch: get = (...args) => fetch(...args), now = Date.now }: ClientOptions = {},
  ) {
    this.#signer = new Signer(key, hub);
    this.#fetch = get;
    this.#now = now;
  }

  state = (report: StateReport, stop?: AbortSignal): Promise<SignedReceipt> => this.#json('POST', '/state', report, stop);

  /** A batch of envelopes, each line with its end. */
  async revisions(lines: string, stop?: AbortSignal): Promise<BatchAnswer> {
    const headers = { 'Content-Type': 'application/x-ndjson' };
    return json(await this.call({ method: 'POST', path: `${BASE}/revisions`, headers, body: utf8(lines), stop }));
  }

  async changes(question: ChangesQuestion, stop?: AbortSignal): Promise<Changes> {
    const wait = Math.min(question.wait ?? 0, LONGEST_WAIT);
    const asked = Object.entries({ ...question, wait }).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
    const path = `${BASE}/changes?${new URLSearchParams(asked)}`;
    return json(await this.call({ method: 'GET', path, stop, patienceMs: 40_000 + wait * 1000 }));
  }

  /** Of these, which does the hub lack? At most 1,000. */
  async mediaMissing(hashes: MediaHash[], stop?: AbortSignal): Promise<MediaHash[]> {
    return (await this.#json<{ missing: MediaHash[] }>('POST', '/media/missing', { hashes }, stop)).missing;
  }

  async #json<Body>(method: string, path: string, question: object, stop?: AbortSignal): Promise<Body> {
    const [headers, body] = [{ 'Content-Type': 'application/json' }, utf8(canonical(question as Json))];
    return json(await this.call({ method, path: BASE + path, headers, body, stop }));
  }

  /** One signed request. */
  call = (request: Request): Promise<Answer> => this.#authorized(send, request);

  /** What the browser may keep: what is named by its own bytes, as the tiles of a map are. */
  bytes = (path: string, stop?: AbortSignal): Promise<ArrayBuffer> => this.#authorized(sendForBytes, { method: 'GET', path, cache: 'default', stop });

  async #authorized<Read>(how: Send<Read>, request: Request): Promise<Read> {
    const nonce = this.#signer.nonce ?? (await this.#askNonce(request.stop));
    try {
      return await this.#signed(how, nonce, request);
    } catch (cause) {
      if (!(cause instanceof CallError) || cause.code !== 'nonce_stale') throw cause;
      // The refusal brings a fresh one, unless something in between has kept the header to itself.
      const fresh = this.#signer.nonce;
      return this.#signed(how, fresh && fresh !== nonce ? fresh : await this.#askNonce(request.stop), request);
    }
  }

  async #signed<Read>(how: Send<Read>, nonce: string, request: Request): Promise<Read> {
    const authorization = await this.#signer.authorize(nonce, request);
    const headers = { ...request.headers, Authorization: authorization, 'Maloca-Clock': String(this.#now()) };
    this.sent += request.body?.length ?? 0;
    return how(this.#listening, this.address, { ...request, headers });
  }

  /** Hears of each answer before it is judged, as a refusal may bring a nonce. */
  #listening: Fetch = async (...args) => {
    const response = await this.#fetch(...args);
    const nonce = response.headers.get('Maloca-Nonce');
    if (nonce) this.#signer.renew(nonce);
    return response;
  };

  /** Asked once, however many calls wait for it. */
  #askNonce(stop?: AbortSignal): Promise<string> {
    this.#asking ??= this.#nonceOf(stop).finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #nonceOf(stop?: AbortSignal): Promise<string> {
    const answer = json<NonceAnswer>(await send(this.#fetch, this.address, { method: 'GET', path: `${BASE}/nonce`, stop }));
    if (answer.hub !== this.hub) throw CallError.garbled('another_hub', 'Another hub is at this address.');
    if (typeof answer.nonce !== 'string' || !/^[A-Za-z0-9_-]{1,200}$/.test(answer.nonce)) {
      throw CallError.garbled('garbled', 'The answer is not that of a hub.');
    }
    this.#signer.renew(answer.nonce);
    return answer.nonce;
  }
}
