/** One connection to the hub's event stream, read byte by byte, so that its silence is heard too. */
export interface Line {
  /** When the last byte came, or the connection was asked for, by the clock on the wall. */
  readonly heardAt: number;
  close(): void;
}

export type Connect = (take: (name: string, data: unknown) => void, ended: () => void) => Line;

/**
 * Not an `EventSource`: that one keeps to itself the comment by which the hub says every 15 seconds that it is there.
 * Without it nobody learns of a connection that died while a laptop slept, on which nothing ever fails.
 */
export function connect(url: string, ...[take, ended]: Parameters<Connect>): Line {
  const stop = new AbortController();
  const line = { heardAt: Date.now(), close: () => stop.abort() };
  read(url, stop.signal, (chunk) => {
    line.heardAt = Date.now();
    for (const { name, data } of chunk) {
      try {
        take(name, data);
      } catch (cause) {
        // A mistake of whoever listens is no fault of the connection.
        reportError(cause);
      }
    }
  }).catch(() => undefined).then(() => stop.signal.aborted || ended());
  return line;
}

async function read(url: string, signal: AbortSignal, take: (events: Told[]) => void): Promise<void> {
  // Kept by no cache: the answer never ends.
  const { ok, body } = await fetch(url, { signal, cache: 'no-store' });
  const reader = ok && body?.getReader();
  if (!reader) return;
  const decoder = new TextDecoder();
  const events = new Events();
  for (;;) {
    const { done, value } = await reader.read();
    if (done || signal.aborted) return;
    take(events.add(decoder.decode(value, { stream: true })));
  }
}

export interface Told {
  name: string;
  data: unknown;
}

/** Makes events of the stream's text, wherever it is cut. */
export class Events {
  #rest = '';

  add(text: string): Told[] {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    return blocks.flatMap((block) => {
      const name = /^event: ?(.*)$/m.exec(block)?.[1];
      const data = /^data: ?(.*)$/m.exec(block)?.[1];
      return name && data ? [{ name, data: JSON.parse(data) as unknown }] : [];
    });
  }
}
