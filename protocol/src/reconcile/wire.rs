//! The messages of reconciliation: a chain of pieces, each with where it ends and what is said of it.
//!
//! ```text
//! message = version(1) piece*
//! piece   = head(1) [shared(1) suffix] said
//! head    = kind in the upper two bits; in the lower six how long the suffix is, or 63: the piece goes on to the end of all
//! shared  = how many bytes of the piece's beginning its end begins with; the suffix follows them, and zeros after that
//! said    = nothing                             kind 0, skip: equal, or not asked about
//!           digest(16)                          kind 1, fingerprint: what I have here comes to this
//!           keys                                kind 2, list: I have these here and no others
//!           count(varint) bitmap keys           kind 3, difference: of your list here I lack those whose bit is set (the first
//!                                               key's is the lowest of the first byte), and I have these, which you did not name
//! keys    = count(varint) (shared(1) rest)*     each key as what it does not share with the one before; the first
//!                                               with the piece's beginning
//! ```
//!
//! The first piece begins at the least key of all, each other one where the one before ends. Ends and keys strictly ascend, and keys lie
//! in their piece. A reader refuses what is not so. An end is no revision's key: as few of its bytes are sent as part two neighbours.

use super::{Edge, Key, MESSAGE_BYTES, MOST_PARTS, Span};

/// The version of this form.
const VERSION: u8 = 1;

/// Keys of one list; whoever has more sends fingerprints.
pub(super) const LIST_MOST: usize = 1_000;

/// In the head: to the end of all.
const TO_END: u8 = 63;

/// The longest form of a piece's end, and of a key.
const EDGE_BYTES: usize = 2 + Key::LEN;
const KEY_BYTES: usize = 1 + Key::LEN;

/// Room that a difference takes but for the keys that are had.
const DIFFERENCE_BYTES: usize = EDGE_BYTES + 3 + LIST_MOST / 8 + 3;

/// Room for whatever is said of one span, a long difference aside: a short list, or the fingerprints of all its pieces.
pub(super) const ROOM: usize = MOST_PARTS * (EDGE_BYTES + 16) + DIFFERENCE_BYTES;

/// Why a peer's message is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is of another version.
    #[error("the message is of version {0} of reconciliation, this program knows version {VERSION}; update the older of the two")]
    Version(u8),
    /// It is too long.
    #[error("the message is longer than {MESSAGE_BYTES} bytes; ask about less at once")]
    TooLong,
    /// It ends in the middle.
    #[error("the message breaks off; send it again")]
    CutOff,
    /// Its ends or keys do not ascend, or lie outside their piece.
    #[error("the message's ends and keys are not in order")]
    Disorder,
    /// A list is too long.
    #[error("a list names more than {LIST_MOST} keys; send fingerprints instead")]
    LongList,
    /// It is about more than its sender may read.
    #[error("the question is about others' revisions, which this device may not read; ask about its own author's alone")]
    Reach,
    /// Something is said that is no answer to what was asked.
    #[error("the answer is not one to what was asked")]
    Unasked,
    /// It leaves out what there was room for.
    #[error("the answer leaves out a part of what was asked")]
    Silent,
    /// Fingerprints differ without end, and no key does.
    #[error("the answers lead nowhere; the other side is no sound hub")]
    Endless,
}

/// What is said of a piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Skip,
    Fingerprint([u8; 16]),
    List(Vec<Key>),
    Difference {
        /// For each key of the other's list in this piece, whether it is lacking.
        lacks: Vec<bool>,
        /// Keys that the other did not name.
        has: Vec<Key>,
    },
}

/// Writes a message piece by piece.
pub(super) struct Writer {
    bytes: Vec<u8>,
    at: Key,
    /// Up to where there is nothing to say, which is written when something follows.
    skipped: Option<Edge>,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self { bytes: vec![VERSION], at: Key::FIRST, skipped: None }
    }

    /// How many bytes still fit in.
    pub(super) fn room(&self) -> usize {
        (MESSAGE_BYTES - EDGE_BYTES).saturating_sub(self.bytes.len())
    }

    /// How many keys surely fit in.
    pub(super) fn room_for_keys(&self) -> usize {
        self.room().saturating_sub(DIFFERENCE_BYTES) / KEY_BYTES
    }

    /// Says nothing of what lies before `to`.
    pub(super) fn skip(&mut self, to: Edge) {
        self.skipped = Some(to);
    }

    /// Says something of what lies before `to`; what was skipped must have led to its beginning.
    pub(super) fn say(&mut self, to: Edge, said: &Said) {
        self.flush();
        let begin = self.at;
        match said {
            Said::Skip => self.edge(0, to),
            Said::Fingerprint(digest) => {
                self.edge(1, to);
                self.bytes.extend_from_slice(digest);
            }
            Said::List(keys) => {
                self.edge(2, to);
                put_keys(&mut self.bytes, begin, keys);
            }
            Said::Difference { lacks, has } => {
                self.edge(3, to);
                put_number(&mut self.bytes, lacks.len());
                for eight in lacks.chunks(8) {
                    self.bytes.push(eight.iter().rev().fold(0, |byte, lack| (byte << 1) | u8::from(*lack)));
                }
                put_keys(&mut self.bytes, begin, has);
            }
        }
    }

    pub(super) fn done(mut self) -> Vec<u8> {
        self.flush();
        self.bytes
    }

    fn flush(&mut self) {
        if let Some(to) = self.skipped.take().filter(|to| *to > Edge::Before(self.at)) {
            self.edge(0, to);
        }
    }

    fn edge(&mut self, kind: u8, to: Edge) {
        let Edge::Before(key) = to else {
            self.bytes.push(kind << 6 | TO_END);
            return;
        };
        let shared = shared(&self.at, &key);
        let end = key.0.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1).max(shared);
        self.bytes.extend_from_slice(&[kind << 6 | (end - shared) as u8, shared as u8]);
        self.bytes.extend_from_slice(&key.0[shared..end]);
        self.at = key;
    }
}

/// Reads a message piece by piece.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: Edge,
}

impl<'a> Reader<'a> {
    pub(super) fn new(message: &'a [u8]) -> Result<Self, Refused> {
        if message.len() > MESSAGE_BYTES {
            return Err(Refused::TooLong);
        }
        match message.split_first() {
            None => Err(Refused::CutOff),
            Some((&VERSION, bytes)) => Ok(Self { bytes, at: Edge::Before(Key::FIRST) }),
            Some((other, _)) => Err(Refused::Version(*other)),
        }
    }

    /// The next piece; `None` at the message's end.
    pub(super) fn piece(&mut self) -> Result<Option<(Span, Said)>, Refused> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let Edge::Before(from) = self.at else { return Err(Refused::Disorder) };
        let head = self.byte()?;
        let to = if head & 63 == TO_END { Edge::End } else { self.edge(&from, usize::from(head & 63))? };
        if to <= self.at {
            return Err(Refused::Disorder);
        }
        let span = Span { from, to };
        let said = match head >> 6 {
            0 => Said::Skip,
            1 => Said::Fingerprint(self.array()?),
            2 => {
                let keys = take_keys(&mut self.bytes, &span)?;
                if keys.len() > LIST_MOST {
                    return Err(Refused::LongList);
                }
                Said::List(keys)
            }
            _ => {
                let count = take_number(&mut self.bytes)?;
                if count > LIST_MOST {
                    return Err(Refused::LongList);
                }
                let bits = self.take(count.div_ceil(8))?;
                let lacks = (0..count).map(|at| bits[at / 8] >> (at % 8) & 1 == 1).collect();
                Said::Difference { lacks, has: take_keys(&mut self.bytes, &span)? }
            }
        };
        self.at = to;
        Ok(Some((span, said)))
    }

    fn edge(&mut self, from: &Key, len: usize) -> Result<Edge, Refused> {
        let shared = usize::from(self.byte()?);
        if shared + len > Key::LEN {
            return Err(Refused::Disorder);
        }
        let mut key = Key::FIRST;
        key.0[..shared].copy_from_slice(&from.0[..shared]);
        key.0[shared..shared + len].copy_from_slice(self.take(len)?);
        Ok(Edge::Before(key))
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Refused> {
        take(&mut self.bytes, len)
    }

    fn byte(&mut self) -> Result<u8, Refused> {
        Ok(self.take(1)?[0])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Refused> {
        self.take(N)?.try_into().map_err(|_| Refused::CutOff)
    }
}

/// Keys on their own, in ascending order: what a hub asks another one for.
#[must_use]
pub fn keys_to(keys: &[Key]) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    put_keys(&mut bytes, Key::FIRST, keys);
    bytes
}

/// Reads what [`keys_to`] has written.
///
/// # Errors
/// Where it is not of that form, or longer than a message.
pub fn keys_from(bytes: &[u8]) -> Result<Vec<Key>, Refused> {
    let mut reader = Reader::new(bytes)?;
    let keys = take_keys(&mut reader.bytes, &Span::ALL)?;
    if reader.bytes.is_empty() { Ok(keys) } else { Err(Refused::Disorder) }
}

fn shared(one: &Key, other: &Key) -> usize {
    one.0.iter().zip(&other.0).take_while(|(a, b)| a == b).count()
}

fn put_keys(bytes: &mut Vec<u8>, from: Key, keys: &[Key]) {
    put_number(bytes, keys.len());
    let mut before = from;
    for key in keys {
        let shared = shared(&before, key);
        bytes.push(shared as u8);
        bytes.extend_from_slice(&key.0[shared..]);
        before = *key;
    }
}

fn take_keys(bytes: &mut &[u8], span: &Span) -> Result<Vec<Key>, Refused> {
    let count = take_number(bytes)?;
    // A key takes more than a byte, so nobody makes room for keys that cannot come.
    let mut keys: Vec<Key> = Vec::with_capacity(count.min(bytes.len()));
    for _ in 0..count {
        let before = keys.last().copied().unwrap_or(span.from);
        let shared = usize::from(take(bytes, 1)?[0]);
        let rest = Key::LEN.checked_sub(shared).ok_or(Refused::Disorder)?;
        let mut key = before;
        key.0[shared..].copy_from_slice(take(bytes, rest)?);
        if !span.contains(&key) || keys.last().is_some_and(|last| key <= *last) {
            return Err(Refused::Disorder);
        }
        keys.push(key);
    }
    Ok(keys)
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn put_number(bytes: &mut Vec<u8>, number: usize) {
    let mut rest = number;
    while rest > 0x7f {
        bytes.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}

fn take_number(bytes: &mut &[u8]) -> Result<usize, Refused> {
    let mut number = 0;
    for shift in [0, 7, 14] {
        let byte = take(bytes, 1)?[0];
        number |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    // Three bytes count to two million, and a message is shorter than that.
    Err(Refused::TooLong)
}

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Result<&'a [u8], Refused> {
    let (head, tail) = bytes.split_at_checked(len).ok_or(Refused::CutOff)?;
    *bytes = tail;
    Ok(head)
}
