//! The fingerprint of a set of revisions: a count and a sum, equal exactly when the sets are.
//!
//! Hub and device each keep one per author, in the same commit as the revisions, and compare them in the receipt. It
//! promises that adding is order-independent; the key is the project's, so that nobody can prepare ids whose sums collide
//! across projects. The sum is that of BLAKE3 of each id, keyed, mod 2^256, least significant byte first.

use serde::{Deserialize, Serialize};

use crate::ids::{ProjectId, RevisionId};

/// The key under which a project's ids are summed.
#[derive(Clone)]
pub struct FingerprintKey([u8; 32]);

impl FingerprintKey {
    /// The key of a project.
    #[must_use]
    pub fn of(project: &ProjectId) -> Self {
        Self(blake3::derive_key("maloca set fingerprint 1", &project.0))
    }
}

/// Count and sum of a set of revisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fingerprint {
    /// How many revisions.
    pub count: u64,
    /// The sum, hex, least significant byte first.
    #[serde(with = "hex32")]
    pub sum: [u8; 32],
}

impl Fingerprint {
    /// Adds a revision, which must not be in the set yet.
    pub fn add(&mut self, key: &FingerprintKey, id: &RevisionId) {
        let sum = *blake3::keyed_hash(&key.0, &id.0).as_bytes();
        self.join(&Self { count: 1, sum });
    }

    /// Adds another set, of which no revision may be in this one yet.
    pub fn join(&mut self, other: &Self) {
        let mut carry = 0;
        for (byte, more) in self.sum.iter_mut().zip(&other.sum) {
            let total = u16::from(*byte) + u16::from(*more) + carry;
            *byte = (total & 0xff) as u8;
            carry = total >> 8;
        }
        self.count += other.count;
    }

    /// What is left without a set that is a part of this one.
    #[must_use]
    pub fn without(&self, part: &Self) -> Self {
        let mut left = Self { count: self.count - part.count, sum: self.sum };
        let mut borrow = 0;
        for (byte, less) in left.sum.iter_mut().zip(&part.sum) {
            let total = 0x100 + u16::from(*byte) - u16::from(*less) - borrow;
            *byte = (total & 0xff) as u8;
            borrow = 1 - (total >> 8);
        }
        left
    }
}

mod hex32 {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(sum: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&data_encoding::HEXLOWER.encode(sum))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).map_err(D::Error::custom)?;
        bytes.try_into().map_err(|_| D::Error::custom("expected 64 hex digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_matter_and_members_do() {
        let key = FingerprintKey::of(&ProjectId([3; 16]));
        let ids: Vec<RevisionId> = (0..50).map(|n| RevisionId(*blake3::hash(&[n]).as_bytes())).collect();
        let sum = |ids: &mut dyn Iterator<Item = &RevisionId>| {
            let mut sum = Fingerprint::default();
            ids.for_each(|id| sum.add(&key, id));
            sum
        };
        assert_eq!(sum(&mut ids.iter()), sum(&mut ids.iter().rev()));
        assert_ne!(sum(&mut ids.iter()), sum(&mut ids.iter().skip(1)));
        for cut in 0..=ids.len() {
            let (mut front, back) = (sum(&mut ids[..cut].iter()), sum(&mut ids[cut..].iter()));
            assert_eq!(sum(&mut ids.iter()).without(&front), back);
            front.join(&back);
            assert_eq!(front, sum(&mut ids.iter()));
        }
        let other = FingerprintKey::of(&ProjectId([4; 16]));
        let mut elsewhere = Fingerprint::default();
        ids.iter().for_each(|id| elsewhere.add(&other, id));
        assert_ne!(sum(&mut ids.iter()), elsewhere);
    }
}
