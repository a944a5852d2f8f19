import { api } from './client';
import { Problem } from './problem';

export type Opening = 'open' | 'missing' | 'link_used' | 'unreachable';

/**
 * Opens the manager's session: by the one-time token in the address, else by the cookie of an earlier opening.
 *
 * The token leaves the address before it is used, so that it stays in no history and in no screenshot.
 */
export async function openSession(location: Location, history: History): Promise<Opening> {
  const token = tokenOf(location.hash);
  if (token) history.replaceState(null, '', location.pathname + location.search);
  let used = false;
  try {
    if (token) {
      try {
        await api.openSession(token);
        return 'open';
      } catch (cause) {
        // A reloaded or shared link: an open session in this browser still counts.
        if (Problem.of(cause).status !== 401) throw cause;
        used = true;
      }
    }
    await api.session();
    return 'open';
  } catch (cause) {
    if (Problem.of(cause).status === 401) return used ? 'link_used' : 'missing';
    return 'unreachable';
  }
}

/** The token in `#open=<token>`. */
export function tokenOf(hash: string): string | null {
  return new URLSearchParams(hash.replace(/^#/, '')).get('open') || null;
}
