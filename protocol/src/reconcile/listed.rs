//! A set in memory, 80 bytes a revision: for a device, which has no more than its monitor has written, and for tests.

use std::convert::Infallible;

use super::{Edge, Key, Piece, SortedSet, Span};
use crate::fingerprint::{Fingerprint, FingerprintKey};
use crate::ids::{DeviceId, RevisionId};

/// A sorted set in memory.
#[derive(Debug, Clone, Default)]
pub struct Listed {
    keys: Vec<Key>,
    /// Of the first so many keys; one more than there are keys.
    sums: Vec<Fingerprint>,
}

impl Listed {
    /// Sorts revisions, given as author, time of creation and id. One that is given twice counts once.
    #[must_use]
    pub fn new(key: &FingerprintKey, revisions: impl IntoIterator<Item = (DeviceId, i64, RevisionId)>) -> Self {
        let mut sorted: Vec<(Key, RevisionId)> =
            revisions.into_iter().map(|(author, at, id)| (Key::of(&author, at, &id), id)).collect();
        sorted.sort_unstable();
        sorted.dedup();
        let mut sum = Fingerprint::default();
        let mut sums = Vec::with_capacity(sorted.len() + 1);
        sums.push(sum);
        for (_, id) in &sorted {
            sum.add(key, id);
            sums.push(sum);
        }
        Self { keys: sorted.into_iter().map(|(key, _)| key).collect(), sums }
    }

    /// The keys, ascending.
    #[must_use]
    pub fn all(&self) -> &[Key] {
        &self.keys
    }

    fn places(&self, span: &Span) -> std::ops::Range<usize> {
        let from = self.keys.partition_point(|key| *key < span.from);
        let to = match span.to {
            Edge::End => self.keys.len(),
            Edge::Before(to) => self.keys.partition_point(|key| *key < to),
        };
        from..to.max(from)
    }

    fn sum(&self, places: &std::ops::Range<usize>) -> Fingerprint {
        match (self.sums.get(places.end), self.sums.get(places.start)) {
            (Some(to), Some(from)) => to.without(from),
            _ => Fingerprint::default(),
        }
    }
}

impl SortedSet for Listed {
    type Error = Infallible;

    fn fingerprint(&self, span: &Span) -> Result<Fingerprint, Infallible> {
        Ok(self.sum(&self.places(span)))
    }

    fn cut(&self, span: &Span, parts: usize) -> Result<Vec<Piece>, Infallible> {
        let places = self.places(span);
        let parts = parts.min(places.len()).max(1);
        let mut pieces = Vec::with_capacity(parts);
        let mut from = span.from;
        for part in 0..parts {
            let begin = places.start + places.len() * part / parts;
            let end = places.start + places.len() * (part + 1) / parts;
            let to = if part + 1 == parts { span.to } else { Edge::Before(Key::between(&self.keys[end - 1], &self.keys[end])) };
            pieces.push(Piece { span: Span { from, to }, fingerprint: self.sum(&(begin..end)) });
            if let Edge::Before(next) = to {
                from = next;
            }
        }
        Ok(pieces)
    }

    fn keys(&self, span: &Span, limit: usize) -> Result<Vec<Key>, Infallible> {
        let places = self.places(span);
        Ok(self.keys[places].iter().take(limit).copied().collect())
    }
}
