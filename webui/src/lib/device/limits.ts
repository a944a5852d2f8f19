/** Every number that phone and hub must agree on; the twin of `protocol/src/limits.rs`, where each has its reason. */

/** Parents of one revision. */
export const PARENTS = 32;
/** Attachments that one revision attaches, and as many that it detaches. */
export const ATTACHMENTS = 64;
/** A revision in canonical form, in bytes. */
export const REVISION_BYTES = 256 * 1024;
/** One line as it came: canonical form may be shorter than what was sent. */
export const LINE_BYTES = REVISION_BYTES * 2;
/** Nesting of a JSON value, the outermost array or object being 1. */
export const DEPTH = 32;
/** A `kind`, in bytes of UTF-8. */
export const KIND_BYTES = 64;
/** A file's or media type's name, in bytes of UTF-8. */
export const NAME_BYTES = 255;
/** Revisions in one batch. */
export const BATCH_REVISIONS = 1_000;
/** Bytes of one batch. */
export const BATCH_BYTES = 4 * 1024 * 1024;
/** Hashes that may be asked about in one request. */
export const ASKED_HASHES = 1_000;
/** What is sent of a file in one request, and the largest file that goes in one. */
export const BLOCK_BYTES = 1024 * 1024;
/** The largest media file: FAT32, on which it must one day lie, holds one byte less than 4 GiB. */
export const MEDIA_BYTES = 4 * 1024 * 1024 * 1024 - 1;
/** What an envelope and its line end add to the canonical form. */
export const ENVELOPE_BYTES = 180;
