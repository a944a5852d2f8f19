//! What the tables hold, and how it is written. The layout of each row stands above the code that reads it.
//!
//! `store` reads and writes rows; intake, feed, query and api see these types. A change of a layout is a new marker in
//! [`super::codec`] and a step in [`super::upgrade`].

use maloca_protocol::document::State;
use maloca_protocol::fingerprint::Fingerprint;
use maloca_protocol::{DeviceId, DocId, MediaHash, RevisionId, Sig};

use super::codec::{Dec, Enc};

mod media; // what is known of a media file

pub use media::{Attached, Keeping, MediaRow};

/// A row that knows its layout.
pub(crate) trait Row: Sized {
    /// The payload.
    fn encode(&self) -> Vec<u8>;
    /// Reads a payload; `None` where it is of no known form.
    fn decode(bytes: &[u8]) -> Option<Self>;
}

/// By which way and when something came to this hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// When, by the hub's clock, milliseconds since 1970.
    pub at: i64,
    /// The device that brought it; the hub's own id for what it made itself.
    pub carrier: DeviceId,
    /// The carrier's clock minus the hub's, in milliseconds, where it was told.
    pub clock_offset: Option<i64>,
}

/// The first byte of an entry about a media file that is held.
const HELD: u8 = 2;

/// What an entry of the feed says.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// A revision was admitted.
    Revision {
        /// Its id.
        id: RevisionId,
        /// Its signature.
        sig: Sig,
        /// Its canonical form.
        canonical: Vec<u8>,
    },
    /// A media file is now held.
    Held {
        /// Its hash.
        hash: MediaHash,
        /// Its length in bytes.
        size: u64,
    },
    /// A media file was freed after a verified copy elsewhere.
    Released {
        /// Its hash.
        hash: MediaHash,
    },
}

/// An entry of the feed, or a revision in quarantine.
///
/// `type(1) at(8) carrier(32) offset(8, i64::MIN for none) chain(32)`, then for a revision `id(32) sig(64) canonical`,
/// for held media `hash(32) size(8)`, for released media `hash(32)`. In quarantine `chain` is zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// How it came.
    pub arrival: Arrival,
    /// BLAKE3 of the chain before it, its type and its id: the feed's history in one hash.
    pub chain: [u8; 32],
    /// What it says.
    pub subject: Subject,
}

impl Subject {
    const fn tag(&self) -> u8 {
        match self {
            Self::Revision { .. } => 1,
            Self::Held { .. } => HELD,
            Self::Released { .. } => 3,
        }
    }

    /// The chain hash after this entry.
    #[must_use]
    pub fn chain(&self, before: &[u8; 32]) -> [u8; 32] {
        let id = match self {
            Self::Revision { id, .. } => &id.0,
            Self::Held { hash, .. } | Self::Released { hash } => &hash.0,
        };
        let mut hasher = blake3::Hasher::new();
        hasher.update(before).update(&[self.tag()]).update(id);
        *hasher.finalize().as_bytes()
    }
}

impl Entry {
    /// Whether a row says that a media file is held, without the rest of it being read.
    pub(crate) fn is_held(row: &[u8]) -> bool {
        row.first() == Some(&HELD)
    }
}

impl Row for Entry {
    fn encode(&self) -> Vec<u8> {
        let more = if let Subject::Revision { canonical, .. } = &self.subject { canonical.len() } else { 0 };
        let enc = Enc::with_capacity(more + 180)
            .u8(self.subject.tag())
            .i64(self.arrival.at)
            .raw(&self.arrival.carrier.0)
            .i64(self.arrival.clock_offset.unwrap_or(i64::MIN))
            .raw(&self.chain);
        match &self.subject {
            Subject::Revision { id, sig, canonical } => enc.raw(&id.0).raw(&sig.0).raw(canonical),
            Subject::Held { hash, size } => enc.raw(&hash.0).u64(*size),
            Subject::Released { hash } => enc.raw(&hash.0),
        }
        .done()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut dec = Dec::new(bytes);
        let tag = dec.u8()?;
        let at = dec.i64()?;
        let carrier = DeviceId(dec.array()?);
        let clock_offset = dec.i64().map(|offset| (offset != i64::MIN).then_some(offset))?;
        let chain = dec.array()?;
        let subject = match tag {
            1 => Subject::Revision { id: RevisionId(dec.array()?), sig: Sig(dec.array()?), canonical: dec.rest().to_vec() },
            HELD => Subject::Held { hash: MediaHash(dec.array()?), size: dec.u64()? },
            3 => Subject::Released { hash: MediaHash(dec.array()?) },
            _ => return None,
        };
        dec.is_empty().then_some(Self { arrival: Arrival { at, carrier, clock_offset }, chain, subject })
    }
}

/// Where a kept revision is: `0` for quarantine, else its place in the log. Eight bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the feed, at this sequence.
    Log(u64),
    /// Kept, but in no document.
    Quarantine,
}

impl Row for Place {
    fn encode(&self) -> Vec<u8> {
        let seq = if let Self::Log(seq) = self { *seq } else { 0 };
        seq.to_be_bytes().to_vec()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        Some(match u64::from_be_bytes(bytes.try_into().ok()?) {
            0 => Self::Quarantine,
            seq => Self::Log(seq),
        })
    }
}

/// A document: `authors(count u32, 32 each) bytes(8) seqs(8 each)`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DocRow {
    /// Everybody who wrote to it, in the order of arrival.
    pub authors: Vec<DeviceId>,
    /// Bytes of its revisions, for the quota.
    pub bytes: u64,
    /// Places of its revisions in the log, ascending.
    pub seqs: Vec<u64>,
}

impl Row for DocRow {
    fn encode(&self) -> Vec<u8> {
        let enc = Enc::with_capacity(12 + self.authors.len() * 32 + self.seqs.len() * 8).u32(self.authors.len() as u32);
        let enc = self.authors.iter().fold(enc, |enc, author| enc.raw(&author.0)).u64(self.bytes);
        self.seqs.iter().fold(enc, |enc, seq| enc.u64(*seq)).done()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut dec = Dec::new(bytes);
        let authors = (0..dec.u32()?).map(|_| dec.array().map(DeviceId)).collect::<Option<_>>()?;
        let bytes = dec.u64()?;
        let mut seqs = Vec::new();
        while !dec.is_empty() {
            seqs.push(dec.u64()?);
        }
        Some(Self { authors, bytes, seqs })
    }
}

/// What filters ask of a document, without opening it.
///
/// `doc(16) flags(1) observed(8) lat(8) lon(8) person(32) kind(text) category(text)`
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The document.
    pub doc: DocId,
    /// Whether all its heads say that it is deleted.
    pub deleted: bool,
    /// Whole, in conflict or incomplete.
    pub state: State,
    /// Whether media are attached.
    pub has_media: bool,
    /// When it was observed, as its people say: `set.observed_at`, else `created_at`; milliseconds since 1970.
    pub observed_at: i64,
    /// Latitude and longitude in degrees, where `set.location` has them.
    pub location: Option<(f64, f64)>,
    /// The author of its first revision.
    pub person: DeviceId,
    /// Sort of document.
    pub kind: String,
    /// `set.category`, empty where there is none.
    pub category: String,
}

const DELETED: u8 = 1;
const CONFLICT: u8 = 2;
const INCOMPLETE: u8 = 4;
const MEDIA: u8 = 8;
const LOCATION: u8 = 16;

impl Row for Summary {
    fn encode(&self) -> Vec<u8> {
        let flags = [
            (self.deleted, DELETED),
            (self.state == State::Conflict, CONFLICT),
            (self.state == State::Incomplete, INCOMPLETE),
            (self.has_media, MEDIA),
            (self.location.is_some(), LOCATION),
        ];
        let flags = flags.iter().filter(|(on, _)| *on).fold(0, |all, (_, bit)| all | bit);
        let (lat, lon) = self.location.unwrap_or_default();
        Enc::with_capacity(120)
            .raw(self.doc.as_bytes())
            .u8(flags)
            .i64(self.observed_at)
            .f64(lat)
            .f64(lon)
            .raw(&self.person.0)
            .text(&self.kind)
            .text(&self.category)
            .done()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut dec = Dec::new(bytes);
        let doc = doc_id(dec.raw(16)?)?;
        let flags = dec.u8()?;
        let observed_at = dec.i64()?;
        let location = (dec.f64()?, dec.f64()?);
        let state = match flags & (CONFLICT | INCOMPLETE) {
            0 => State::Whole,
            CONFLICT => State::Conflict,
            _ => State::Incomplete,
        };
        Some(Self {
            doc,
            deleted: flags & DELETED != 0,
            state,
            has_media: flags & MEDIA != 0,
            observed_at,
            location: (flags & LOCATION != 0).then_some(location),
            person: DeviceId(dec.array()?),
            kind: dec.text()?,
            category: dec.text()?,
        })
    }
}

/// A document's id out of a key or row.
pub(crate) fn doc_id(bytes: &[u8]) -> Option<DocId> {
    uuid::Uuid::from_slice(bytes).ok().map(DocId)
}

/// What this hub keeps of an author. Six numbers of 8 bytes around a sum of 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AuthorRow {
    /// All its kept revisions.
    pub fingerprint: Fingerprint,
    /// How many of them are in quarantine.
    pub quarantined: u64,
    /// Documents whose first revision here is its own.
    pub documents: u64,
    /// Distinct media that it attached.
    pub attached: u64,
    /// How many of them are not here.
    pub wanted: u64,
    /// Their bytes, as claimed.
    pub wanted_bytes: u64,
}

impl Row for AuthorRow {
    fn encode(&self) -> Vec<u8> {
        Enc::with_capacity(80)
            .u64(self.fingerprint.count)
            .raw(&self.fingerprint.sum)
            .u64(self.quarantined)
            .u64(self.documents)
            .u64(self.attached)
            .u64(self.wanted)
            .u64(self.wanted_bytes)
            .done()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut dec = Dec::new(bytes);
        let row = Self {
            fingerprint: Fingerprint { count: dec.u64()?, sum: dec.array()? },
            quarantined: dec.u64()?,
            documents: dec.u64()?,
            attached: dec.u64()?,
            wanted: dec.u64()?,
            wanted_bytes: dec.u64()?,
        };
        dec.is_empty().then_some(row)
    }
}

/// What the hubs of the project say of a device: one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A member: its revisions are admitted.
    Member,
    /// A hub of the project: its `member`, `revoke`, `hub` and `preset` revisions count.
    Hub,
    /// No longer: what arrives now is quarantined.
    Revoked,
}

impl Row for Standing {
    fn encode(&self) -> Vec<u8> {
        vec![match self {
            Self::Member => 1,
            Self::Hub => 2,
            Self::Revoked => 3,
        }]
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [1] => Some(Self::Member),
            [2] => Some(Self::Hub),
            [3] => Some(Self::Revoked),
            _ => None,
        }
    }
}

/// A row that is only its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Nothing;

impl Row for Nothing {
    fn encode(&self) -> Vec<u8> {
        Vec::new()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        bytes.is_empty().then_some(Self)
    }
}
