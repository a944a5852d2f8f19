//! A newtype for each id and each hash, so that one cannot be taken for another.
//!
//! Everybody calls this. It promises one textual form for each id, the only one that is accepted: lower-case
//! hex of fixed length for keys and hashes, hyphenated lower-case for documents.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why a text is no id: what was expected, and nothing of the text itself, which may be a stranger's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
pub struct BadId {
    expected: &'static str,
}

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $len:literal, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Length in bytes; the textual form is twice as long.
            pub const LEN: usize = $len;

            /// The id's bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                // Eight digits tell ids apart in a log; the whole of it only hides the rest of the line.
                write!(f, "{}({}…)", stringify!($name), data_encoding::HEXLOWER.encode(&self.0[..4]))
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                let mut bytes = [0; $len];
                let expected = BadId { expected: $expected };
                if text.len() != $len * 2 {
                    return Err(expected);
                }
                data_encoding::HEXLOWER.decode_mut(text.as_bytes(), &mut bytes).map_err(|_| expected)?;
                Ok(Self(bytes))
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = BadId;

            fn try_from(bytes: &[u8]) -> Result<Self, BadId> {
                bytes.try_into().map(Self).map_err(|_| BadId { expected: $expected })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut text = [0; $len * 2];
                data_encoding::HEXLOWER.encode_mut(&self.0, &mut text);
                serializer.serialize_str(std::str::from_utf8(&text).expect("hex is ASCII"))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

hex_id! {
    /// The BLAKE3-256 hash of a revision's canonical form.
    RevisionId, 32, "64 lower-case hex digits, the BLAKE3 hash of a revision"
}
hex_id! {
    /// The BLAKE3-256 hash of a media file's bytes.
    MediaHash, 32, "64 lower-case hex digits, the BLAKE3 hash of a media file"
}
hex_id! {
    /// A device's Ed25519 public key. A hub is a device too.
    DeviceId, 32, "64 lower-case hex digits, the public key of a device"
}
hex_id! {
    /// One community's data, named by 16 random bytes of its first hub.
    ProjectId, 16, "32 lower-case hex digits, the id of a project"
}
hex_id! {
    /// One unbroken life of a hub's feed: drawn anew at creation, at restore, and when the data folder has moved.
    Epoch, 16, "32 lower-case hex digits, an epoch"
}

impl MediaHash {
    /// The hash of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

/// A document's id: a UUID, v7 from phones, v8 where it is made from a source's own id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct DocId(pub uuid::Uuid);

impl DocId {
    /// A new document of a phone, ordered by the time of its making.
    #[must_use]
    pub fn now() -> Self {
        Self(uuid::Uuid::now_v7())
    }

    /// The document that stands for `own_id` of `source`, the same whenever and wherever it is asked for.
    ///
    /// The length of `source` is hashed before it, so that no two pairs run together.
    #[must_use]
    pub fn from_source(source: &str, own_id: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("maloca document id from source 1");
        hasher.update(&(source.len() as u64).to_be_bytes());
        hasher.update(source.as_bytes());
        hasher.update(own_id.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Self(uuid::Uuid::new_v8(bytes))
    }

    /// The id's bytes, in the order in which they are stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for DocId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for DocId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DocId({})", self.0)
    }
}

impl FromStr for DocId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let expected = BadId { expected: "a UUID, lower-case and with hyphens" };
        // The crate reads four textual forms; here one document has one name.
        let id = uuid::Uuid::try_parse(text).map_err(|_| expected)?;
        let mut canonical = [0; 36];
        if id.hyphenated().encode_lower(&mut canonical) == text { Ok(Self(id)) } else { Err(expected) }
    }
}

impl<'de> Deserialize<'de> for DocId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_textual_form_only() {
        let id: RevisionId = "ab".repeat(32).parse().unwrap();
        assert_eq!(id.to_string(), "ab".repeat(32));
        assert!("AB".repeat(32).parse::<RevisionId>().is_err());
        assert!("ab".repeat(31).parse::<RevisionId>().is_err());
        assert!("0193e2f1-0000-7000-8000-00000000000a".parse::<DocId>().is_ok());
        assert!("0193E2F1-0000-7000-8000-00000000000A".parse::<DocId>().is_err());
        assert!("0193e2f1000070008000000000000000".parse::<DocId>().is_err());
        assert!("{0193e2f1-0000-7000-8000-000000000000}".parse::<DocId>().is_err());
    }

    #[test]
    fn sources_do_not_run_together() {
        assert_ne!(DocId::from_source("ab", "c"), DocId::from_source("a", "bc"));
        assert_eq!(DocId::from_source("ab", "c"), DocId::from_source("ab", "c"));
        assert_eq!(DocId::from_source("ab", "c").0.get_version_num(), 8);
    }
}
