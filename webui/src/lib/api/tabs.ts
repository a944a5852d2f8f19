import type { Connect, Line } from './line';

/** What the tabs of one browser say to each other. */
export type Word =
  /** Who leads? `now`: somebody looks at the page, or a network came. */
  | { say: 'ask'; from: string; now: boolean }
  /** I do. `hello`: the hub's, while it is connected; `lost`: it does not answer. */
  | { say: 'lead'; from: string; since: number; hello: unknown; lost: boolean }
  | { say: 'event'; from: string; name: string; data: unknown }
  | { say: 'lost'; from: string }
  | { say: 'bye'; from: string };

export type Channel = Pick<BroadcastChannel, 'postMessage' | 'close' | 'onmessage'>;

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/** Doubling pauses with jitter, so that many browsers do not return to a waking hub in one moment. */
export function pauseBefore(attempt: number, random: number = Math.random()): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt) * (0.5 + random / 2);
}

/** How often a tab looks whether all is well. Browsers make it a minute in the background. */
export const LOOK_MS = 5000;
/** A leader answers in a few milliseconds. Who just came waits less: to lead beside another mends itself, and costs a `hello`. */
const COMING_MS = 400;
const STAYING_MS = 2000;
/** The hub says every 15 seconds that it is there: two of these were missed. */
export const SILENCE_MS = 40_000;
/** As long as any other call waits. */
const ANSWER_MS = 20_000;
/** Longer than between two looks in the background: this tab did not run, and what was said meanwhile may be gone. */
const ABSENCE_MS = 90_000;

/**
 * The hub's events for all tabs of a browser, over one connection: HTTP/1.1 has six for each hub, and a stream takes
 * one for good.
 *
 * One tab leads: it holds the stream and passes on what it hears. There is no heartbeat, as a tab in the background has
 * no timers to speak of; whoever wonders asks, and an answer to a message is never put off. Who hears none leads. Of two
 * that lead, the later one stays. Whoever may have missed something is told `hello`, and fetches anew what it shows.
 */
export class Tabs {
  readonly #me = `${Math.random()}`;
  #channel: Channel | null = null;
  /** Of whom this tab hears. */
  #leader = '';
  #leaderAt = 0;
  /** Since when this tab leads; 0: another does. */
  #since = 0;
  #line: Line | null = null;
  /** The hub's `hello`, while it is connected. */
  #hello: unknown = null;
  #lost = false;
  #attempt = 0;
  #lookedAt = 0;
  #look: ReturnType<typeof setInterval> | undefined;
  #claim: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #retryAt = 0;

  /** @param open a channel to the other tabs; `null` where the browser has none: then each tab has its own stream */
  constructor(
    private readonly open: () => Channel | null,
    private readonly connect: Connect,
    private readonly heard: (name: string, data: unknown) => void,
    private readonly lost: () => void,
  ) {}

  /** The tab opens, or comes back from where it did not run. */
  join(): void {
    if (this.#look) return;
    this.#channel = this.open();
    this.#lookedAt = Date.now();
    this.#look = setInterval(() => this.look(), LOOK_MS);
    if (!this.#channel) return this.#lead();
    this.#channel.onmessage = ({ data }) => this.#listen(data as Word);
    this.#ask(COMING_MS);
  }

  /** The tab closes, or will not run for a while. */
  leave(): void {
    if (this.#since) this.#say({ say: 'bye', from: this.#me });
    this.#follow('');
    clearInterval(this.#look);
    this.#look = undefined;
    this.#channel?.close();
    this.#channel = null;
  }

  /** Looks whether all is well; `now`: there is a reason not to wait out a pause. */
  look(now = false): void {
    if (!this.#look) return;
    const before = this.#lookedAt;
    this.#lookedAt = Date.now();
    if (this.#since) {
      if (!this.#line && (now || passed(this.#retryAt, 0))) this.#dial();
      else if (this.#line && passed(this.#line.heardAt, this.#hello ? SILENCE_MS : ANSWER_MS)) this.#silent();
      return;
    }
    if (passed(before, ABSENCE_MS)) this.#leader = '';
    if (now || !this.#leader || passed(this.#leaderAt, LOOK_MS)) this.#ask(STAYING_MS, now);
  }

  #say(word: Word): void {
    this.#channel?.postMessage(word);
  }

  #ask(patience: number, now = false): void {
    this.#say({ say: 'ask', from: this.#me, now });
    this.#claim ??= setTimeout(() => this.#lead(), patience);
  }

  #listen(word: Word): void {
    if (word.say === 'ask') {
      if (!this.#since) return;
      this.#sayLead();
      // Timers may be slow here, and the one who asks is looked at.
      this.look(word.now);
    } else if (word.say === 'lead') {
      this.#heardLead(word);
    } else if (word.from === this.#leader) {
      this.#leaderAt = Date.now();
      if (word.say === 'bye') this.#ask(COMING_MS * Math.random());
      else this.#tell(word);
    }
  }

  #heardLead({ from, since, hello, lost }: Word & { say: 'lead' }): void {
    if (this.#since > since || (this.#since === since && this.#me < from)) return this.#sayLead();
    const isNew = this.#since > 0 || from !== this.#leader;
    this.#follow(from);
    if (hello && (isNew || !this.#hello)) this.#tell({ say: 'event', from, name: 'hello', data: hello });
    if (lost && !this.#lost) this.#tell({ say: 'lost', from });
  }

  /** Another leads, or nobody does. */
  #follow(leader: string): void {
    clearTimeout(this.#claim);
    clearTimeout(this.#retry);
    this.#claim = undefined;
    this.#line?.close();
    this.#line = null;
    this.#since = 0;
    this.#leader = leader;
    this.#leaderAt = Date.now();
  }

  #lead(): void {
    this.#follow('');
    this.#since = Date.now();
    this.#hello = null;
    this.#attempt = 0;
    this.#sayLead();
    this.#dial();
  }

  #sayLead(): void {
    this.#say({ say: 'lead', from: this.#me, since: this.#since, hello: this.#hello, lost: this.#lost });
  }

  #dial(): void {
    clearTimeout(this.#retry);
    const line = this.connect(
      (name, data) => {
        if (this.#line === line) this.#pass({ say: 'event', from: this.#me, name, data });
      },
      () => {
        if (this.#line === line) this.#failed();
      },
    );
    this.#line = line;
  }

  /** A connection that was good is renewed without a word; one that is not answered has failed. */
  #silent(): void {
    this.#line?.close();
    this.#line = null;
    if (!this.#hello) return this.#failed();
    this.#hello = null;
    this.#dial();
  }

  #failed(): void {
    this.#line = null;
    const pause = pauseBefore(this.#attempt++);
    this.#retryAt = Date.now() + pause;
    this.#retry = setTimeout(() => this.#dial(), pause);
    this.#pass({ say: 'lost', from: this.#me });
  }

  /** To this tab, and to all others. */
  #pass(word: Word & { say: 'event' | 'lost' }): void {
    this.#tell(word);
    this.#say(word);
  }

  #tell(word: Word & { say: 'event' | 'lost' }): void {
    if (word.say === 'lost') {
      this.#hello = null;
      this.#lost = true;
      return this.lost();
    }
    if (word.name === 'hello') {
      this.#hello = word.data;
      this.#lost = false;
      this.#attempt = 0;
    }
    this.heard(word.name, word.data);
  }
}

/** Whether so much time has passed; a clock that was set back tells nothing, so then it has. */
const passed = (since: number, time: number) => Date.now() - since > time || Date.now() < since - ABSENCE_MS;
