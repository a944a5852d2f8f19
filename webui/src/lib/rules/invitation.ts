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
