//! Every number that both sides must agree on, each with its reason.
//!
//! Everybody calls this; a change here is a change of the protocol.

use std::time::Duration;

/// The port of UDP and HTTP; HTTPS is on the next one. Above 1024, so that no rights are needed and a Chromebook can forward it.
pub const PORT: u16 = 8733;

/// The group to which devices announce themselves. In 224.0.0.x, because some Android devices receive nothing else.
pub const GROUP: std::net::Ipv4Addr = std::net::Ipv4Addr::new(224, 0, 0, 173);

/// When a device announces itself after it came up: at once is too early for a Wi-Fi that has just associated.
pub const ANNOUNCE_BURST: [Duration; 3] = [Duration::from_millis(100), Duration::from_millis(500), Duration::from_secs(2)];

/// How often it goes on announcing while it has something to send: seldom enough for a battery.
pub const ANNOUNCE_EVERY: Duration = Duration::from_secs(30);

/// A question is padded to this, so that an answer is never larger: nobody can use a hub to amplify traffic.
pub const QUESTION_BYTES: usize = 512;

/// A hub's name, in bytes of UTF-8, so that name, key, URLs and signature fit into an answer.
pub const HUB_NAME_BYTES: usize = 64;

/// Parents of one revision: a merge of more branches is done in two steps.
pub const PARENTS: usize = 32;

/// Attachments that one revision attaches, and as many that it detaches.
pub const ATTACHMENTS: usize = 64;

/// A revision in canonical form, in bytes: a long text with a track fits, a photo does not.
pub const REVISION_BYTES: usize = 256 * 1024;

/// One line of a batch as it came: canonical form may be shorter than what was sent, so some air is given.
pub const LINE_BYTES: usize = REVISION_BYTES * 2;

/// Nesting of a JSON value, the outermost array or object being 1.
pub const DEPTH: usize = 32;

/// Greatest magnitude of a number without a fraction: beyond it doubles skip integers, and two readers would differ.
pub const INTEGER_MAX: f64 = 9_007_199_254_740_991.0;

/// A `kind`, in bytes.
pub const KIND_BYTES: usize = 64;

/// A file's or media type's name in an attachment, in bytes.
pub const NAME_BYTES: usize = 255;

/// Revisions in one batch.
pub const BATCH_REVISIONS: usize = 1_000;

/// Bytes of one batch after unpacking.
pub const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Revisions and bytes of one document that one device may bring in its own session; beyond, they stay on the phone.
pub const DOCUMENT_REVISIONS: u64 = 1_000;
/// See [`DOCUMENT_REVISIONS`].
pub const DOCUMENT_BYTES: u64 = 4 * 1024 * 1024;

/// Hashes that may be asked about in one request.
pub const ASKED_HASHES: usize = 1_000;

/// Entries on one page of the feed; a page also ends after [`BATCH_BYTES`].
pub const PAGE_ENTRIES: usize = 1_000;

/// The longest that `GET /changes` waits for news: below the idle time-outs of phones and access points.
pub const LONGEST_WAIT: Duration = Duration::from_secs(25);

/// A media block: the unit that is checked before it is sent, and lost at most when an upload is cut off.
pub const BLOCK_BYTES: usize = 1024 * 1024;

/// The largest media file: FAT32, on which it must one day lie, holds one byte less than 4 GiB.
pub const MEDIA_BYTES: u64 = 4 * 1024 * 1024 * 1024 - 1;

/// How long a typed code is good, and how many wrong ones are allowed: six digits guessed five times are one in 200,000.
pub const CODE_LIFE: Duration = Duration::from_secs(600);
/// See [`CODE_LIFE`].
pub const CODE_TRIES: u32 = 5;

/// How long an unfinished upload is kept: a monitor may walk for weeks.
pub const UPLOAD_LIFE: Duration = Duration::from_secs(60 * 24 * 3600);

/// A clock that is off by more than this is shown to the manager.
pub const CLOCK_WARNING: Duration = Duration::from_secs(3600);
