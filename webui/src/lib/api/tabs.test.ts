import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Events, type Line } from './line';
import { LOOK_MS, SILENCE_MS, Tabs, type Channel } from './tabs';

const MINUTE = 60_000;

/** All tabs of a browser, and the hub as they see it. */
class Browser {
  tabs: Tab[] = [];
  lines: FakeLine[] = [];
  /** A hub that is gone refuses each connection; one that hangs answers none. */
  hub: 'there' | 'gone' | 'hung' = 'there';
  hasChannels = true;

  open(): Tab {
    const tab = new Tab(this);
    this.tabs.push(tab);
    tab.tabs.join();
    return tab;
  }

  get openLines(): FakeLine[] {
    return this.lines.filter(({ isOpen }) => isOpen);
  }

  /** Something happens; the one who has the stream is told. */
  happens(data: unknown): void {
    for (const line of this.openLines) line.hear('overview', data);
  }

  /** Time goes on, and the hub says that it is there as long as it does. */
  async pass(time: number): Promise<void> {
    for (let gone = 0; gone < time; gone += 1000) {
      await vi.advanceTimersByTimeAsync(Math.min(1000, time - gone));
      if (this.hub === 'there') for (const line of this.openLines) if (line.isAnswered && !line.isDead) line.heardAt = Date.now();
    }
  }
}

class FakeLine implements Line {
  heardAt = Date.now();
  isOpen = true;
  isAnswered = false;
  /** Nothing comes through any more, and nothing fails. */
  isDead = false;

  constructor(
    private readonly take: (name: string, data: unknown) => void,
    private readonly ended: () => void,
  ) {}

  hear(name: string, data: unknown): void {
    if (this.isDead || !this.isOpen) return;
    this.heardAt = Date.now();
    this.isAnswered = true;
    this.take(name, data);
  }

  end(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.ended();
  }

  close(): void {
    this.isOpen = false;
  }
}

class Tab {
  hellos = 0;
  losses = 0;
  live = false;
  last: unknown;
  /** Of a tab that does not run: what is said to it waits. */
  frozen: (() => void)[] | null = null;
  tabs: Tabs;
  channel: Channel | null = null;

  constructor(private readonly browser: Browser) {
    this.tabs = new Tabs(
      () => (browser.hasChannels ? (this.channel = this.#openChannel()) : null),
      (take, ended) => this.#connect(take, ended),
      (name, data) => {
        if (name === 'hello') {
          this.hellos += 1;
          this.live = true;
        } else this.last = data;
      },
      () => {
        this.losses += 1;
        this.live = false;
      },
    );
  }

  get leads(): boolean {
    return this.browser.openLines.some((line) => this.#lines.has(line));
  }

  #lines = new Set<FakeLine>();

  #connect(take: (name: string, data: unknown) => void, ended: () => void): Line {
    const line = new FakeLine(take, ended);
    this.#lines.add(line);
    this.browser.lines.push(line);
    const { hub } = this.browser;
    if (hub !== 'hung') setTimeout(() => (hub === 'there' ? line.hear('hello', { head: '1' }) : line.end()), 5);
    return line;
  }

  #openChannel(): Channel {
    const channel: Channel = {
      onmessage: null,
      close: () => void (channel.onmessage = null),
      postMessage: (word: unknown) => {
        const said = structuredClone(word);
        for (const other of this.browser.tabs) {
          const to = other.channel;
          if (other === this || !to) continue;
          const deliver = () => to.onmessage?.call(to as BroadcastChannel, { data: said } as MessageEvent);
          if (other.frozen) other.frozen.push(deliver);
          else queueMicrotask(deliver);
        }
      },
    };
    return channel;
  }

  /** The browser ends it without a word. */
  crash(): void {
    this.tabs.look = () => undefined;
    this.channel = null;
    for (const line of this.#lines) line.isOpen = false;
    this.browser.tabs.splice(this.browser.tabs.indexOf(this), 1);
  }
}

let browser: Browser;

beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-11-20T10:00:00Z') });
  browser = new Browser();
});
afterEach(() => vi.useRealTimers());

async function eight(): Promise<Tab[]> {
  const tabs: Tab[] = [];
  for (let count = 0; count < 8; count += 1) {
    tabs.push(browser.open());
    await browser.pass(1000);
  }
  return tabs;
}

const allLive = () => browser.tabs.every(({ live }) => live);
const leader = () => browser.tabs.filter(({ leads }) => leads);

describe('the tabs of a browser', () => {
  it('have one connection, and each is live and hears everything', async () => {
    const tabs = await eight();
    expect(browser.lines).toHaveLength(1);
    expect(allLive()).toBe(true);
    browser.happens('three observations');
    await browser.pass(10);
    expect(tabs.map(({ last }) => last)).toEqual(Array(8).fill('three observations'));
    await browser.pass(10 * MINUTE);
    expect(browser.lines).toHaveLength(1);
    expect(tabs.map(({ hellos, losses }) => [hellos, losses])).toEqual(Array(8).fill([1, 0]));
  });

  it('that open in one moment agree on one', async () => {
    for (let count = 0; count < 8; count += 1) browser.open();
    await browser.pass(5000);
    expect(browser.openLines).toHaveLength(1);
    expect(allLive()).toBe(true);
  });

  it('say who is next when the leader closes, and all are told hello', async () => {
    const [first, ...rest] = await eight();
    first?.tabs.leave();
    await browser.pass(1000);
    expect(browser.openLines).toHaveLength(1);
    expect(first?.leads).toBe(false);
    expect(rest.map(({ hellos, losses }) => [hellos, losses])).toEqual(Array(7).fill([2, 0]));
    browser.happens('nest');
    await browser.pass(10);
    expect(rest.map(({ last }) => last)).toEqual(Array(7).fill('nest'));
    expect(first?.last).toBeUndefined();
  });

  it('notice a leader that crashed', async () => {
    const [first] = await eight();
    first?.crash();
    await browser.pass(2 * LOOK_MS + 3000);
    expect(leader()).toHaveLength(1);
    expect(browser.tabs.map(({ hellos }) => hellos)).toEqual(Array(7).fill(2));
  });

  it('go on without one that does not run, and it follows when it runs again', async () => {
    const [first, ...rest] = await eight();
    if (!first) throw new Error('no tab');
    const look = first.tabs.look.bind(first.tabs);
    first.frozen = [];
    first.tabs.look = () => undefined;
    await browser.pass(MINUTE);
    expect(rest.map(({ hellos }) => hellos)).toEqual(Array(7).fill(2));
    first.tabs.look = look;
    for (const deliver of first.frozen.splice(0)) deliver();
    first.frozen = null;
    look();
    await browser.pass(2 * LOOK_MS);
    expect(first.leads).toBe(false);
    expect(browser.openLines).toHaveLength(1);
    expect(first.live).toBe(true);
    expect(first.hellos).toBeGreaterThan(1);
  });

  it('all hear that the hub is gone, and that it is back', async () => {
    await eight();
    browser.hub = 'gone';
    for (const line of browser.openLines) line.end();
    await browser.pass(10);
    expect(browser.tabs.some(({ live }) => live)).toBe(false);
    const late = browser.open();
    await browser.pass(1000);
    expect(late.losses).toBeGreaterThan(0);
    browser.hub = 'there';
    await browser.pass(20_000);
    expect(allLive()).toBe(true);
    expect(browser.openLines).toHaveLength(1);
  });

  it('do not wait out a pause of the leader when one of them is looked at', async () => {
    const [first, second] = await eight();
    browser.hub = 'gone';
    for (const line of browser.openLines) line.end();
    await browser.pass(5 * MINUTE);
    browser.hub = 'there';
    const before = browser.lines.length;
    second?.tabs.look(true);
    await browser.pass(10);
    expect(browser.lines.length).toBe(before + 1);
    expect(first?.live).toBe(true);
  });

  it('that slept are told hello, as what was said meanwhile may be gone', async () => {
    const [, second] = await eight();
    vi.setSystemTime(Date.now() + 30 * MINUTE);
    // The connection held; the words from tab to tab may not have.
    for (const line of browser.openLines) line.heardAt = Date.now();
    second?.tabs.look();
    await browser.pass(10);
    expect(second?.hellos).toBe(2);
  });

  it('without channels have a stream each', async () => {
    browser.hasChannels = false;
    await eight();
    expect(browser.openLines).toHaveLength(8);
    expect(allLive()).toBe(true);
  });
});

describe('a connection on which nothing comes any more', () => {
  it('is renewed, without a word where the hub answers', async () => {
    const tab = browser.open();
    await browser.pass(1000);
    const [line] = browser.lines;
    if (line) line.isDead = true;
    await browser.pass(SILENCE_MS + LOOK_MS);
    expect([tab.hellos, tab.losses, browser.openLines.length]).toEqual([2, 0, 1]);
  });

  it('is renewed at once after sleep', async () => {
    const tab = browser.open();
    await browser.pass(1000);
    vi.setSystemTime(Date.now() + 30 * MINUTE);
    await vi.advanceTimersByTimeAsync(LOOK_MS + 10);
    expect(tab.hellos).toBe(2);
  });

  it('is renewed after a clock was set back', async () => {
    const tab = browser.open();
    await browser.pass(1000);
    vi.setSystemTime(Date.now() - 300 * MINUTE);
    await vi.advanceTimersByTimeAsync(LOOK_MS + 10);
    expect(tab.hellos).toBe(2);
  });

  it('is a hub that is gone where a new one is not answered either', async () => {
    const tab = browser.open();
    await browser.pass(1000);
    browser.hub = 'hung';
    await browser.pass(SILENCE_MS + 2 * LOOK_MS);
    expect(tab.losses).toBe(0);
    await browser.pass(20_000 + LOOK_MS);
    expect(tab.losses).toBe(1);
    browser.hub = 'there';
    await browser.pass(MINUTE);
    expect([tab.live, browser.openLines.length]).toEqual([true, 1]);
  });

  it('is not one that says that it is there', async () => {
    const tab = browser.open();
    await browser.pass(60 * MINUTE);
    expect([tab.hellos, tab.losses, browser.lines.length]).toEqual([1, 0, 1]);
  });
});

describe('the text of a stream', () => {
  const text = ': \n\nevent: device\ndata: {"name":"Ñawi"}\n\n:\n\nevent: media\ndata: {"hashes":["a"]}\n\n';
  const told = [{ name: 'device', data: { name: 'Ñawi' } }, { name: 'media', data: { hashes: ['a'] } }];

  it('is read wherever it is cut', () => {
    for (let at = 0; at <= text.length; at += 1) {
      const events = new Events();
      expect([...events.add(text.slice(0, at)), ...events.add(text.slice(at))]).toEqual(told);
    }
    const letters = new Events();
    expect([...text].flatMap((letter) => letters.add(letter))).toEqual(told);
  });
});
