/**
 * A hub for tests: the calls of a phone over real HTTP, in memory, as the wire is written down; nothing of the client is used to
 * answer it but the record's own rules, which the conformance vectors hold.
 *
 * It is strict where the real one is: a request whose signature, nonce or count is wrong gets nothing.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { blake3 } from '@noble/hashes/blake3.js';
import { concat, fromBase64Url, fromHex, toBase64Url, toHex, utf8 } from '../record/bytes';
import { canonical, type Json } from '../record/canonical';
import { add, NOTHING, type Fingerprint } from '../record/fingerprint';
import { hashOf } from '../record/hash';
import { DeviceKey, verify } from '../record/keys';
import { Refusal } from '../record/refusal';
import { check, type Revision } from '../record/revision';
import { formatTime } from '../record/time';

interface Call {
  method: string;
  path: string;
  body: Buffer;
  device: string;
  request: IncomingMessage;
  response: ServerResponse;
}

interface Upload {
  hash: string;
  size: number;
  bytes: Buffer;
}

export class FakeHub {
  key = DeviceKey.generate();
  project = 'ab'.repeat(16);
  epoch = toHex(crypto.getRandomValues(new Uint8Array(16)));
  name = 'Tarapoto';
  code = '123456';
  nonce = 'nonce-1';
  revisions = new Map<string, Revision>();
  feed: Revision[] = [];
  chains: Uint8Array[] = [new Uint8Array(24)];
  media = new Map<string, Buffer>();
  copies = new Map<string, number>();
  uploads = new Map<string, Upload>();
  devices = new Set<string>();
  /** Which calls came, as `POST /state`. */
  calls: string[] = [];
  /** Called before an answer is made; what it throws or breaks off happens to the phone. */
  before: (call: { method: string; path: string; body: Buffer }) => Promise<void> | void = () => {};
  /** Called after the hub did what it was asked: `true` loses the answer. */
  loseAnswer: (call: { method: string; path: string }) => boolean = () => false;
  /** A line that is refused for good: by document. */
  refusedDocs = new Set<string>();
  readonly #used = new Set<string>();
  readonly #server = createServer((request, response) => void this.#handle(request, response));
  address = '';

  static async start(given: Partial<FakeHub> = {}): Promise<FakeHub> {
    const hub = Object.assign(new FakeHub(), given);
    await new Promise<void>((done) => hub.#server.listen(0, '127.0.0.1', done));
    hub.address = `http://127.0.0.1:${(hub.#server.address() as AddressInfo).port}`;
    return hub;
  }

  stop(): Promise<unknown> {
    this.#server.closeAllConnections();
    return new Promise((done) => this.#server.close(done));
  }

  /** The disk was lost, and an old copy, or nothing, came back: same key, another life. */
  loseEverything(): void {
    this.epoch = toHex(crypto.getRandomValues(new Uint8Array(16)));
    [this.revisions, this.feed, this.chains, this.media] = [new Map(), [], [new Uint8Array(24)], new Map()];
  }

  /** A revision that came by another way. */
  admit(revision: Revision): void {
    if (this.revisions.has(revision.id)) return;
    this.revisions.set(revision.id, revision);
    this.feed.push(revision);
    this.chains.push(blake3(concat(this.chains.at(-1) as Uint8Array, fromHex(revision.id) as Uint8Array)).slice(0, 24));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const [method, path] = [request.method as string, request.url as string];
    const call: Call = { method, path, body: Buffer.concat(chunks), device: '', request, response };
    this.calls.push(`${method} ${path.replace('/api/v1', '').split('?')[0]}`);
    try {
      await this.before(call);
      if (response.destroyed) return;
      await this.#route(call);
    } catch (cause) {
      if (!response.headersSent) problem(response, 500, 'internal', String(cause));
    }
  }

  async #route(call: Call): Promise<void> {
    const route = call.path.replace('/api/v1', '').split('?')[0] as string;
    const { method, response } = call;
    if (method === 'GET' && route === '/hub') return json(response, this.#info());
    if (method === 'GET' && route === '/nonce') return json(response, { nonce: this.nonce, hub: this.key.id });
    if (method === 'POST' && route === '/pair') return this.#pair(call);
    if (!this.#isSigned(call)) return;
    const known: Record<string, () => void> = {
      'POST /state': () => this.#state(call),
      'POST /revisions': () => this.#take(call),
      'POST /media/missing': () => json(response, { missing: this.#missing(call) }),
      'POST /media/uploads': () => this.#create(call),
      'GET /changes': () => this.#changes(call),
    };
    const upload = this.uploads.get(route.replace('/media/uploads/', ''));
    const handler = known[`${method} ${route}`] ?? (upload && method === 'HEAD' ? () => this.#answerUpload(call, upload, 200) : null);
    if (this.loseAnswer(call)) {
      const end = response.end.bind(response);
      response.end = (() => (response.destroy(), end)) as unknown as typeof response.end;
    }
    if (upload && method === 'PATCH') return this.#append(call, upload);
    if (handler) return handler();
    problem(response, 404, route.startsWith('/media/uploads/') ? 'upload_gone' : 'not_found', route);
  }

  #info() {
    const spki = new Uint8Array(32).fill(9);
    return {
      id: this.key.id, name: this.name, project: this.project, version: '0.1.0', capabilities: [], now: formatTime(Date.now()), https_port: 8734,
      tls_spki: toHex(spki), tls_sig: this.key.sign('tls', spki),
    };
  }

  #pair({ body, response }: Call): void {
    const { device, code, proof } = JSON.parse(body.toString()) as { device: string; code: string; proof: string };
    if (code !== this.code) return problem(response, 403, 'wrong_code', 'Wrong.');
    const proven = concat(fromHex(this.key.id) as Uint8Array, fromHex(device) as Uint8Array, utf8(code));
    if (!verify(device, 'pair', proven, proof)) return problem(response, 403, 'bad_proof', 'No.');
    this.devices.add(device);
    json(response, { hub: this.key.id, project: this.project, name: this.name });
  }

  #isSigned(call: Call): boolean {
    const { method, path, body, request, response } = call;
    const words = (request.headers.authorization ?? '').split(' ') as [string, string, string, string, string, string];
    const [scheme, device, nonce, count, hash, sig] = words;
    const refuse = (status: number, code: string) => (problem(response, status, code, code), false);
    if (scheme !== 'Maloca-Signed' || !this.devices.has(device)) return refuse(401, 'session_missing');
    if (!/^\d{13}$/.test(String(request.headers['maloca-clock']))) return refuse(400, 'no_clock');
    if (nonce !== this.nonce) {
      response.setHeader('Maloca-Nonce', this.nonce);
      return refuse(401, 'nonce_stale');
    }
    const text = [this.key.id, method, path, hash, nonce, count].join('\n');
    if (hash !== hashOf(new Uint8Array(body))) return refuse(403, 'bad_signature');
    if (!/^\d+$/.test(count) || !verify(device, 'request', utf8(text), sig)) return refuse(403, 'bad_signature');
    const use = `${device} ${nonce} ${count}`;
    if (this.#used.has(use)) return refuse(403, 'bad_signature');
    this.#used.add(use);
    call.device = device;
    return true;
  }

  #cursor(seq: number): string {
    const number = new Uint8Array(8);
    new DataView(number.buffer).setBigUint64(0, BigInt(seq));
    return toBase64Url(concat(fromHex(this.epoch) as Uint8Array, number, this.chains[seq] as Uint8Array));
  }

  fingerprintOf(author: string): Fingerprint {
    const own = [...this.revisions.values()].filter(({ content }) => content.author === author);
    return own.reduce((sum, { id }) => add(sum, this.project, id), NOTHING);
  }

  #state({ body, device, response }: Call): void {
    const { ask = [] } = JSON.parse(body.toString()) as { ask?: string[] };
    const own = [...this.revisions.values()].filter(({ content }) => content.author === device);
    const attached = new Set(own.flatMap(({ content }) => content.attach.map(({ hash }) => hash)));
    const media = ask.map((hash) => ({ hash, state: this.media.has(hash) ? 'held' : 'wanted', copies: this.copies.get(hash) ?? 0 }));
    const receipt = {
      hub: this.key.id, project: this.project, device, epoch: this.epoch, head: this.#cursor(this.feed.length), at: formatTime(Date.now()),
      author: this.fingerprintOf(device), quarantined: 0, wanted: [...attached].filter((hash) => !this.media.has(hash)).length,
      ...(media.length > 0 && { media }),
    };
    json(response, { receipt, sig: this.key.sign('receipt', blake3(utf8(canonical(receipt as unknown as Json)))) });
  }

  #take({ body, response }: Call): void {
    const results = body.toString().split('\n').filter(Boolean).map((line, at) => ({ from: at + 1, to: at + 1, ...this.#verdict(line) }));
    json(response, { results, wanted: [] });
  }

  #verdict(line: string) {
    try {
      const revision = check(utf8(line));
      if (this.refusedDocs.has(revision.content.doc)) return { status: 'refused', code: 'not_here', detail: 'Not here.' };
      const status = this.revisions.has(revision.id) ? 'duplicate' : 'stored';
      this.admit(revision);
      return { status };
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause;
      return { status: 'refused', code: cause.code, detail: cause.message };
    }
  }

  #missing({ body }: Call): string[] {
    return (JSON.parse(body.toString()) as { hashes: string[] }).hashes.filter((hash) => !this.media.has(hash));
  }

  #create(call: Call): void {
    const { request, response, body } = call;
    const said = new Map(String(request.headers['upload-metadata']).split(',').map((pair) => pair.split(' ') as [string, string]));
    const hash = Buffer.from(said.get('hash') as string, 'base64').toString();
    const upload: Upload = { hash, size: Number(request.headers['upload-length']), bytes: Buffer.alloc(0) };
    const id = toHex(crypto.getRandomValues(new Uint8Array(8)));
    response.setHeader('Location', `/api/v1/media/uploads/${id}`);
    if (this.media.has(hash)) upload.bytes = this.media.get(hash) as Buffer;
    else if (request.headers['content-type'] === 'application/offset+octet-stream') upload.bytes = body;
    this.uploads.set(id, upload);
    this.#answerUpload(call, upload, 201);
  }

  #append(call: Call, upload: Upload): void {
    if (Number(call.request.headers['upload-offset']) !== upload.bytes.length) return problem(call.response, 409, 'wrong_offset', 'No.');
    upload.bytes = Buffer.concat([upload.bytes, call.body]);
    this.#answerUpload(call, upload, 204);
  }

  #answerUpload({ request, response }: Call, upload: Upload, status: number): void {
    if (request.headers['tus-resumable'] !== '1.0.0') return problem(response, 412, 'tus_version', 'No.');
    if (upload.bytes.length === upload.size) {
      if (hashOf(new Uint8Array(upload.bytes)) !== upload.hash) return problem(response, 422, 'wrong_hash', 'No.');
      this.media.set(upload.hash, upload.bytes);
    }
    response.writeHead(status, { 'Tus-Resumable': '1.0.0', 'Upload-Offset': String(upload.bytes.length) });
    response.end();
  }

  #changes({ path, device, response }: Call): void {
    const query = new URLSearchParams(path.split('?')[1]);
    const since = query.get('since');
    const bytes = since ? (fromBase64Url(since) as Uint8Array) : null;
    const seq = bytes ? Number(new DataView(bytes.buffer).getBigUint64(16)) : 0;
    if (since && (seq > this.feed.length || this.#cursor(seq) !== since)) return problem(response, 409, 'cursor_void', 'No.');
    // Two a page, so that every test of a pull is one of pages.
    const page = this.feed.slice(seq, seq + 2);
    const others = page.filter(({ content }) => query.get('brought') !== 'others' || content.author !== device);
    const entries = others.map(({ id, canonical: rev, sig }) => ({ type: 'revision', seq: 1, received_at: '', id, rev: JSON.parse(rev), sig }));
    const end = seq + page.length;
    json(response, { entries, cursor: this.#cursor(end), more: end < this.feed.length, filtered: false });
  }
}

function json(response: ServerResponse, body: object): void {
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify(body));
}

function problem(response: ServerResponse, status: number, code: string, detail: string): void {
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/problem+json');
  response.end(JSON.stringify({ type: `urn:maloca:problem:${code}`, title: code, status, detail, code, retry: status === 503 }));
}
