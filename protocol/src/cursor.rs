//! A cursor: how far a reader has come in one hub's feed. Opaque on the wire, checkable by the hub.
//!
//! A device hands back what it was given; the hub compares epoch and chain hash at that sequence, and answers
//! "reconcile" when they are not its own (a restored, replaced or rolled-back hub). 48 bytes, base64url:
//! epoch (16), sequence (8, big endian), the first 24 bytes of the chain hash after that entry.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::ids::Epoch;

/// A point in a feed: after entry `seq`, 0 being the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The life of the feed.
    pub epoch: Epoch,
    /// The last entry that was seen, 0 for none.
    pub seq: u64,
    /// The beginning of the chain hash after that entry.
    pub chain: [u8; 24],
}

impl Cursor {
    /// Reads the textual form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 48] = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok()?;
        Some(Self {
            epoch: Epoch(bytes[..16].try_into().ok()?),
            seq: u64::from_be_bytes(bytes[16..24].try_into().ok()?),
            chain: bytes[24..].try_into().ok()?,
        })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = [&self.epoch.0[..], &self.seq.to_be_bytes(), &self.chain].concat();
        f.write_str(&data_encoding::BASE64URL_NOPAD.encode(&bytes))
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("expected a cursor as a hub gave it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_as_written() {
        let cursor = Cursor { epoch: Epoch([7; 16]), seq: u64::MAX - 3, chain: [9; 24] };
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        assert_eq!(Cursor::parse("AAAA"), None);
    }
}
