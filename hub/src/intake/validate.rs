//! Before the writer: lines of strangers become valid revisions, or refusals.
//!
//! [`super::take_in`] calls this on a blocking thread. It promises that a line's verdict rests on that line alone, and
//! that a whole batch costs little more than its hashing, since signatures are verified together.

use maloca_protocol::revision::{self, Unverified};
use maloca_protocol::{Refusal, ValidRevision, limits};

/// Judges each line that is not empty; numbers count from 1, empty lines too.
///
/// Lines beyond [`limits::BATCH_REVISIONS`] are not looked at here: `api` refuses such a batch whole.
#[must_use]
pub fn lines(batch: &[u8]) -> Vec<(u64, Result<ValidRevision, Refusal>)> {
    let mut numbers = Vec::new();
    let mut slots: Vec<Option<Refusal>> = Vec::new();
    let mut unverified: Vec<Unverified> = Vec::new();
    for (number, line) in numbered(batch) {
        numbers.push(number);
        match revision::read(line) {
            Ok(read) => {
                unverified.push(read);
                slots.push(None);
            }
            Err(refusal) => slots.push(Some(refusal)),
        }
    }
    let mut verified = revision::verify_many(unverified).into_iter();
    let verdicts = slots.into_iter().map(|slot| match slot {
        Some(refusal) => Err(refusal),
        None => verified.next().unwrap_or(Err(Refusal::BadSignature)),
    });
    numbers.into_iter().zip(verdicts).collect()
}

/// The lines that are not empty, with their numbers; a carriage return before the line end is passed over.
pub fn numbered(batch: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    (1..).zip(batch.split(|byte| *byte == b'\n')).filter_map(|(number, line)| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        (!line.iter().all(u8::is_ascii_whitespace)).then_some((number, line))
    })
}

/// Whether every line that is sound deletes its document and adds nothing to it.
#[must_use]
pub fn only_deletes(batch: &[u8]) -> bool {
    let mut sound = numbered(batch).filter_map(|(_, line)| revision::read(line).ok()).peekable();
    sound.peek().is_some()
        && sound.all(|read| {
            let content = read.claimed().content();
            content.deleted && content.attach.is_empty() && content.set.is_empty()
        })
}

/// Whether a batch has more lines than are taken at once.
#[must_use]
pub fn is_too_long(batch: &[u8]) -> bool {
    numbered(batch).nth(limits::BATCH_REVISIONS).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use maloca_protocol::{DeviceKey, DocId, Draft};

    #[test]
    fn bad_lines_are_refused_by_number_and_harm_nobody() {
        let key = DeviceKey::from_seed([5; 32]);
        let good = |n: u8| {
            let draft = Draft::new("observation", DocId::from_source("t", &n.to_string()), 0);
            draft.sign(&key).unwrap().envelope()
        };
        let mut forged = good(3);
        let last = forged.len() - 10;
        forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
        let batch = [&good(1)[..], b"not json", b"", &good(2)[..], &forged, b"{\"id\":1}", b"\r", &good(4)[..]].join(&b'\n');
        let verdicts: Vec<(u64, Option<Refusal>)> = lines(&batch).into_iter().map(|(n, v)| (n, v.err())).collect();
        assert_eq!(
            verdicts,
            [
                (1, None),
                (2, Some(Refusal::NotJson)),
                (4, None),
                (5, Some(Refusal::BadSignature)),
                (6, Some(Refusal::BadEnvelope)),
                (8, None)
            ]
        );
    }
}
