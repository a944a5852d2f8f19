import type { Plain } from '$lib/i18n/messages';

/**
 * Why a record or a file of this phone is not taken, for the person who made it: what they can do, in the fewest different words. Most
 * codes tell a programmer which rule was broken; to the person those are one and the same. Pure.
 */
const WORDS: Record<string, Plain> = {
  too_big: 'refused.long',
  body_too_big: 'refused.long',
  batch_too_big: 'refused.long',
  too_many_attachments: 'refused.files',
  document_quota: 'refused.quota',
  too_new: 'refused.newer',
  wrong_hash: 'refused.damaged',
  file_changed: 'refused.damaged',
  upload_too_long: 'refused.damaged',
  media_too_big: 'refused.large',
};

/** Rules of form that a revision, a line or a call breaks; the names are those of `protocol/src/problem.rs` and the hub's API. */
const MALFORMED = new Set([
  ...['not_utf8', 'not_json', 'duplicate_key', 'lone_surrogate', 'too_deep', 'number_range', 'bad_envelope', 'bad_version'],
  ...['missing_member', 'bad_kind', 'bad_doc', 'bad_parents', 'too_many_parents', 'duplicate_parent', 'bad_author', 'bad_time'],
  ...['bad_set', 'bad_unset', 'set_and_unset', 'bad_attachment', 'duplicate_attachment', 'bad_detach', 'bad_deleted', 'wrong_id'],
  ...['bad_signature', 'bad_request', 'bad_json', 'bad_batch', 'bad_piece', 'too_many_hashes', 'wrong_offset', 'taken_over', 'refused'],
]);

/** The message for a reason; `null` where it is none of a record or file, or one that a newer hub gives. */
export const wordsOf = (code: string): Plain | null => WORDS[code] ?? (MALFORMED.has(code) ? 'refused.malformed' : null);
