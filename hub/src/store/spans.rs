//! Sets of places in the feed, kept as stretches: what a drive holds is nearly everything up to a point, or nearly nothing.
//!
//! The ledger keeps one for each copy and one for each drive; filters and receipts ask them. It promises that a set says neither more nor
//! less than what was put in, however it was put in, and that what is written down is read back or refused whole.

use std::ops::ControlFlow;

use super::rows::Row;

/// A set of places, `1..`, as stretches that neither touch nor overlap, in order: first and last place of each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spans(Vec<(u64, u64)>);

impl Spans {
    /// All places up to `last`.
    #[must_use]
    pub fn through(last: u64) -> Self {
        Self::between(1, last)
    }

    /// All places from `first` to `last`; none where `last` comes before.
    #[must_use]
    pub fn between(first: u64, last: u64) -> Self {
        Self(if first == 0 || last < first { Vec::new() } else { vec![(first, last)] })
    }

    /// Just these places, in whatever order and however often.
    #[must_use]
    pub fn of(mut places: Vec<u64>) -> Self {
        places.sort_unstable();
        let mut spans = Self::default();
        for place in places.into_iter().filter(|place| *place > 0) {
            spans.push(place, place);
        }
        spans
    }

    /// Adds a stretch that begins no earlier than the last one does.
    fn push(&mut self, first: u64, last: u64) {
        match self.0.last_mut() {
            Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
            _ => self.0.push((first, last)),
        }
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a place is in it.
    #[must_use]
    pub fn contains(&self, place: u64) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= place);
        after > 0 && self.0[after - 1].1 >= place
    }

    /// How many places are in it.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// Everything that is in one of the two.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut all: Vec<(u64, u64)> = self.0.iter().chain(&other.0).copied().collect();
        all.sort_unstable();
        let mut spans = Self::default();
        for (first, last) in all {
            spans.push(first, last);
        }
        spans
    }

    /// What of `1..=head` is not in it.
    #[must_use]
    pub fn gaps(&self, head: u64) -> Self {
        let mut gaps = Self::default();
        let mut next = 1;
        for (first, last) in &self.0 {
            if next > head {
                break;
            }
            if *first > next {
                gaps.push(next, head.min(first - 1));
            }
            next = last.saturating_add(1);
        }
        if next <= head {
            gaps.push(next, head);
        }
        gaps
    }

    /// What is in it and not among `others`.
    #[must_use]
    pub fn without(&self, others: &Self) -> Self {
        let head = self.0.last().map_or(0, |(_, last)| *last);
        // What neither has, together with the others, leaves what is wanted.
        self.gaps(head).union(others).gaps(head)
    }

    /// Its stretches in order, first and last place of each, until one is enough.
    ///
    /// # Errors
    /// What `each` fails with.
    pub fn each<E>(&self, each: &mut dyn FnMut(u64, u64) -> Result<ControlFlow<()>, E>) -> Result<(), E> {
        for (first, last) in &self.0 {
            if each(*first, *last)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The set for keeping inside of JSON.
    #[must_use]
    pub fn to_text(&self) -> String {
        data_encoding::BASE64URL_NOPAD.encode(&self.encode())
    }

    /// Reads what [`Self::to_text`] wrote.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::decode(&data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).ok()?)
    }
}

/// For each stretch the distance from the end of the one before and its length less one, each as LEB128.
impl Row for Spans {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 4);
        let mut before = 0;
        for (first, last) in &self.0 {
            number(first - before, &mut bytes);
            number(last - first, &mut bytes);
            before = *last;
        }
        bytes
    }

    fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut spans = Self::default();
        let mut before = 0_u64;
        while !bytes.is_empty() {
            let first = before.checked_add(read(&mut bytes)?)?;
            let last = first.checked_add(read(&mut bytes)?)?;
            // A stretch that touches the one before it would be one with it.
            let is_apart = if before == 0 { first > 0 } else { first > before + 1 };
            if !is_apart || last == u64::MAX {
                return None;
            }
            spans.0.push((first, last));
            before = last;
        }
        Some(spans)
    }
}

fn number(mut value: u64, into: &mut Vec<u8>) {
    while value >= 0x80 {
        into.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

fn read(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let part = u64::from(byte & 0x7f);
        if shift == 63 && part > 1 {
            return None;
        }
        value |= part << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn plain(spans: &Spans) -> BTreeSet<u64> {
        spans.0.iter().flat_map(|(first, last)| *first..=*last).collect()
    }

    proptest! {
        #[test]
        fn a_set_is_what_was_put_in(a in prop::collection::vec(1_u64..60, 0..40), b in prop::collection::vec(1_u64..60, 0..40), head in 0_u64..70) {
            let (one, two) = (Spans::of(a.clone()), Spans::of(b.clone()));
            let (plain_one, plain_two): (BTreeSet<u64>, BTreeSet<u64>) = (a.into_iter().collect(), b.into_iter().collect());
            prop_assert_eq!(plain(&one), plain_one.clone());
            prop_assert_eq!(one.count(), plain_one.len() as u64);
            prop_assert_eq!(plain(&one.union(&two)), plain_one.union(&plain_two).copied().collect());
            prop_assert_eq!(plain(&one.without(&two)), plain_one.difference(&plain_two).copied().collect());
            prop_assert_eq!(plain(&one.gaps(head)), (1..=head).filter(|place| !plain_one.contains(place)).collect());
            for place in 0..70 {
                prop_assert_eq!(one.contains(place), plain_one.contains(&place));
            }
            prop_assert_eq!(Spans::from_text(&one.to_text()), Some(one));
        }

        #[test]
        fn what_is_read_is_what_would_be_written(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Some(spans) = Spans::decode(&bytes) {
                // A number may have been written at greater length; the set is the same.
                prop_assert_eq!(Spans::decode(&spans.encode()), Some(spans));
            }
        }
    }

    #[test]
    fn everything_up_to_a_point_takes_few_bytes() {
        assert_eq!(Spans::through(1_000_000).encode().len(), 4);
        assert!(Spans::through(0).is_empty() && !Spans::through(3).contains(4) && Spans::through(3).contains(1));
    }
}
