/** Why a revision or a line is refused, as a rule of its own bytes and nothing else; the twin of `protocol/src/problem.rs`. */

/** Stable names with a sentence each. */
export const REFUSALS = {
  not_utf8: 'The line is not UTF-8 text.',
  not_json: 'The line is not a JSON value.',
  duplicate_key: 'An object has the same key twice.',
  lone_surrogate: 'A text holds half of a surrogate pair, which is no character.',
  too_deep: 'The value is nested deeper than 32 levels.',
  number_range: 'A number is not finite, or is an integer beyond 2^53 - 1.',
  too_big: 'The revision is larger than 256 KiB.',
  bad_envelope: 'The line is not an object with id, rev and sig.',
  too_new: 'The revision is of a newer version; keep it until this hub has been updated.',
  bad_version: 'The member v is not 1.',
  missing_member: 'One of v, kind, doc, parents, author, created_at is missing.',
  bad_kind: 'The member kind is not a text of 1 to 64 bytes.',
  bad_doc: 'The member doc is not a UUID, lower-case and with hyphens.',
  bad_parents: 'The member parents is not a list of revision ids.',
  too_many_parents: 'There are more than 32 parents.',
  duplicate_parent: 'A parent is named twice.',
  bad_author: 'The member author is not a public key.',
  bad_time: 'A time is not of the form 2026-11-21T05:28:00.000Z, or no such day exists.',
  bad_set: 'The member set is not an object.',
  bad_unset: 'The member unset is not a list of distinct names.',
  set_and_unset: 'A property is both set and unset.',
  bad_attachment: 'An attachment lacks hash, name, type or size, or one of them is malformed.',
  too_many_attachments: 'More than 64 media are attached, or more than 64 detached.',
  duplicate_attachment: 'The same media is named twice, or attached and detached at once.',
  bad_detach: 'The member detach is not a list of media hashes.',
  bad_deleted: 'The member deleted is not true or false.',
  wrong_id: 'The id is not the hash of the revision.',
  bad_signature: "The signature is not the author's over this id.",
} as const;

export type RefusalCode = keyof typeof REFUSALS;

export class Refusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode) {
    super(REFUSALS[code]);
    this.name = 'Refusal';
    this.code = code;
  }
}

/** Ends the reading with a refusal. */
export function refuse(code: RefusalCode): never {
  throw new Refusal(code);
}
