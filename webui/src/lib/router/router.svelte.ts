import { isPlainClick, match, type Route } from './routes';

/**
 * The address as the page sees it, over the History API.
 *
 * Whoever shows something reads `path`, `search` and `note`; whoever changes it calls `go`. Every address can be
 * reloaded, copied, and gone back to: nothing that decides what is on the screen is kept anywhere else.
 */

/** What an entry of the history remembers beside its address. It survives a reload, and is in no copied link. */
export interface Note {
  /** The address that stays on the screen behind what was opened over it. */
  behind?: string;
  /** The entry was made by typing: the next letter changes it rather than making another. */
  typing?: boolean;
}

export interface Going {
  /** Change the entry of the history instead of making a new one. */
  replace?: boolean;
  note?: Note;
}

class Router {
  path = $state('/');
  search = $state('');
  note = $state.raw<Note>({});

  /** A step back was asked for, and the browser takes its time; what is wanted meanwhile comes after it. */
  #leaving = false;
  #afterwards: (() => void) | null = null;

  constructor() {
    this.#read();
  }

  /** Follows the browser's back and forward, and links to the pages given; undone by what it returns. */
  start(pages: readonly Route[]): () => void {
    const follow = (event: MouseEvent) => {
      const link = event.target instanceof Element ? event.target.closest('a') : null;
      if (!link || link.target || link.hasAttribute('download') || !isPlainClick(event)) return;
      if (link.origin !== location.origin || !match(pages, link.pathname)) return;
      // A jump within the page, such as "skip to the content", is the browser's.
      if (link.hash && link.pathname === location.pathname) return;
      event.preventDefault();
      this.go(link.pathname + link.search);
    };
    const moved = () => {
      this.#read();
      this.#leaving = false;
      const next = this.#afterwards;
      this.#afterwards = null;
      next?.();
    };
    this.#read();
    addEventListener('popstate', moved);
    document.addEventListener('click', follow);
    return () => {
      removeEventListener('popstate', moved);
      document.removeEventListener('click', follow);
    };
  }

  get href(): string {
    return this.path + this.search;
  }

  go(href: string, { replace = false, note = {} }: Going = {}): void {
    if (this.#leaving) {
      this.#afterwards = () => this.go(href, { replace, note });
      return;
    }
    if (href === this.href && !note.behind) replace = true;
    history[replace ? 'replaceState' : 'pushState'](note, '', href);
    this.#read();
  }

  /** Shows `href` over what is on the screen now; see `leave`. */
  open(href: string): void {
    if (this.#leaving) {
      this.#afterwards = () => this.open(href);
      return;
    }
    this.go(href, { note: { behind: this.note.behind ?? this.href } });
  }

  /** Closes what was opened over another page: one step back, or `home` for who came by a link. */
  leave(home: string): void {
    if (this.note.behind === undefined) return this.go(home, { replace: true });
    if (this.#leaving) return;
    this.#leaving = true;
    history.back();
  }

  #read(): void {
    this.path = location.pathname;
    this.search = location.search;
    this.note = (history.state as Note | null) ?? {};
  }
}

export const router = new Router();
