//! Range-based reconciliation: what you have that I lack, and what I have that you lack, without cursors.
//!
//! Two hubs call this when they meet, and a device whose cursor is void: one *asks* ([`Asker`]), the other *answers* ([`answer`]).
//! Both sort their revisions by a [`Key`] of 40 bytes, so that what differs lies together: what one device wrote while the hubs were
//! apart. A span of keys whose fingerprints are equal is done with; one whose fingerprints differ is cut into pieces, until
//! naming the keys costs less than cutting further.
//!
//! It promises: whatever the sets are, exactly the differences are found, each once, as long as the sets stay what they were (what is
//! added meanwhile may be found or not, and nothing else is harmed); the one who answers keeps nothing between two questions; the one
//! who asks keeps a bounded list of open spans, and is told of a bounded number of differences at a time, so that it can carry these
//! over before it asks on; a question that was lost is asked again; no message is longer than [`MESSAGE_BYTES`]; a peer that
//! talks nonsense is refused by a [`Refused`] and can make nobody loop or fill memory.

use crate::fingerprint::Fingerprint;
use crate::ids::{DeviceId, RevisionId};

mod answer; // the side that is asked
mod ask; // the side that asks
mod listed; // a set in memory
mod wire; // the messages

pub use answer::answer;
pub use ask::{Asker, Found};
pub use listed::Listed;
pub use wire::{Refused, keys_from, keys_to};

/// A message is at most this long: some 9,000 keys, or 12,000 fingerprints.
pub const MESSAGE_BYTES: usize = 256 * 1024;

/// Where a revision stands in the order of reconciliation: `author[0..8] created_at(8) id[0..24]`, the time in milliseconds since 1970
/// as a big-endian i64 with its sign flipped, so that the order of bytes is that of time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub [u8; Self::LEN]);

impl Key {
    /// Length in bytes.
    pub const LEN: usize = 40;

    /// Before all others.
    pub const FIRST: Self = Self([0; Self::LEN]);

    /// The key of a revision.
    #[must_use]
    pub fn of(author: &DeviceId, created_at: i64, id: &RevisionId) -> Self {
        let mut key = Self::FIRST;
        key.0[..8].copy_from_slice(&author.0[..8]);
        key.0[8..16].copy_from_slice(&(created_at ^ i64::MIN).to_be_bytes());
        key.0[16..].copy_from_slice(&id.0[..24]);
        key
    }

    /// The author's own clock, milliseconds since 1970.
    #[must_use]
    pub fn created_at(&self) -> i64 {
        self.0[8..16].iter().fold(0, |time, byte| (time << 8) | i64::from(*byte)) ^ i64::MIN
    }

    /// The beginning of the revision's id. No two ids begin so: it would take 2^96 tries to make a pair.
    #[must_use]
    pub fn id(&self) -> &[u8] {
        &self.0[16..]
    }

    /// The least key that parts `below` from `above`, which is greater: as few bytes as tell them apart, and zeros after them.
    #[must_use]
    pub fn between(below: &Self, above: &Self) -> Self {
        let same = below.0.iter().zip(&above.0).take_while(|(a, b)| a == b).count();
        let mut between = Self::FIRST;
        let len = (same + 1).min(Self::LEN);
        between.0[..len].copy_from_slice(&above.0[..len]);
        between
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
        write!(f, "Key({}… {} {}…)", hex(&self.0[..4]), self.created_at(), hex(&self.0[16..20]))
    }
}

/// Where a span ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edge {
    /// Before this key.
    Before(Key),
    /// After all keys.
    End,
}

/// The keys from `from` on, up to `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first key that belongs to it.
    pub from: Key,
    /// The first that no longer does.
    pub to: Edge,
}

impl Span {
    /// All keys.
    pub const ALL: Self = Self { from: Key::FIRST, to: Edge::End };

    /// The keys of an author, and of whoever has a public key that begins with the same eight bytes.
    #[must_use]
    pub fn of_author(author: &DeviceId) -> Self {
        let mut from = Key::FIRST;
        from.0[..8].copy_from_slice(&author.0[..8]);
        let next = from.0[..8].iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte)).checked_add(1);
        let to = next.map_or(Edge::End, |next| {
            let mut to = Key::FIRST;
            to.0[..8].copy_from_slice(&next.to_be_bytes());
            Edge::Before(to)
        });
        Self { from, to }
    }

    /// Whether a key lies in it.
    #[must_use]
    pub fn contains(&self, key: &Key) -> bool {
        self.from <= *key && Edge::Before(*key) < self.to
    }

    /// Whether another span lies in it.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.from <= other.from && other.to <= self.to
    }
}

/// A piece of a span, with what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Which keys.
    pub span: Span,
    /// How many are there, and their sum.
    pub fingerprint: Fingerprint,
}

/// A set of revisions, sorted by their keys.
pub trait SortedSet {
    /// Why it cannot be read.
    type Error;

    /// Count and sum of what is in a span.
    ///
    /// # Errors
    /// Where the set cannot be read.
    fn fingerprint(&self, span: &Span) -> Result<Fingerprint, Self::Error>;

    /// Cuts a span with more than one key into at least two and at most `parts` pieces of about as many keys each. They follow one
    /// another without a gap from its beginning to its end, and none is empty.
    ///
    /// # Errors
    /// Where the set cannot be read.
    fn cut(&self, span: &Span, parts: usize) -> Result<Vec<Piece>, Self::Error>;

    /// The first keys of a span, in order, at most `limit`.
    ///
    /// # Errors
    /// Where the set cannot be read.
    fn keys(&self, span: &Span, limit: usize) -> Result<Vec<Key>, Self::Error>;
}

/// Why a reconciliation ended.
#[derive(Debug, thiserror::Error)]
pub enum Failed<E> {
    /// The peer's message makes no sense.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The own set cannot be read.
    #[error("the own revisions cannot be read")]
    Set(#[source] E),
}

/// Up to so many keys are named rather than cut further: a key takes 28 bytes, a fingerprint 21 and half a round trip more.
const NAMED: u64 = 12;

/// How many keys a piece shall have that is not cut again.
const LEAST: u64 = 8;

/// The most pieces into which a span is cut.
const MOST_PARTS: usize = 128;

/// Into how many pieces a span is cut. Few spans are very large, so cutting these finer costs little and saves a round trip.
fn parts(count: u64) -> usize {
    if count > 65_536 { MOST_PARTS } else { usize::try_from(count / LEAST).map_or(16, |parts| parts.clamp(2, 16)) }
}

/// What of a fingerprint is sent. The sets as a whole are compared by the whole of it.
fn digest(fingerprint: &Fingerprint) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&fingerprint.count.to_be_bytes()).update(&fingerprint.sum);
    let mut digest = [0; 16];
    digest.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    digest
}

#[cfg(test)]
mod tests;
