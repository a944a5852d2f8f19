//! The side that is asked: one answer to one question, from nothing but the set.

use super::wire::{ROOM, Reader, Refused, Said, Writer};
use super::{Edge, Failed, Key, NAMED, SortedSet, Span, digest, parts};

/// Answers a question, which may be about what lies in `reach` and nothing else. An answer that would be too long ends early;
/// what it says nothing of is asked again.
///
/// # Errors
/// Where the question makes no sense or reaches too far, or the set cannot be read.
pub fn answer<S: SortedSet>(set: &S, reach: &Span, question: &[u8]) -> Result<Vec<u8>, Failed<S::Error>> {
    let mut reader = Reader::new(question)?;
    let mut writer = Writer::new();
    while let Some((span, said)) = reader.piece()? {
        if writer.room() < ROOM {
            break;
        }
        if said != Said::Skip && !reach.covers(&span) {
            return Err(Refused::Reach.into());
        }
        let is_whole = match said {
            Said::Skip => {
                writer.skip(span.to);
                true
            }
            Said::Fingerprint(theirs) => {
                compare(set, &span, theirs, &mut writer).map_err(Failed::Set)?;
                true
            }
            Said::List(theirs) => differ(set, &span, &theirs, &mut writer).map_err(Failed::Set)?,
            Said::Difference { .. } => return Err(Refused::Unasked.into()),
        };
        if !is_whole {
            break;
        }
    }
    Ok(writer.done())
}

fn compare<S: SortedSet>(set: &S, span: &Span, theirs: [u8; 16], writer: &mut Writer) -> Result<(), S::Error> {
    let ours = set.fingerprint(span)?;
    if digest(&ours) == theirs {
        writer.skip(span.to);
    } else if ours.count <= NAMED {
        writer.say(span.to, &Said::List(set.keys(span, NAMED as usize)?));
    } else {
        for piece in set.cut(span, parts(ours.count))? {
            writer.say(piece.span.to, &Said::Fingerprint(digest(&piece.fingerprint)));
        }
    }
    Ok(())
}

/// Says in what a list differs from the set; whether that fitted in.
fn differ<S: SortedSet>(set: &S, span: &Span, theirs: &[Key], writer: &mut Writer) -> Result<bool, S::Error> {
    let room = writer.room_for_keys();
    let mut ours = set.keys(span, room + 1)?;
    let (mut span, mut theirs) = (*span, theirs);
    let is_whole = ours.len() <= room;
    if !is_whole && let Some(next) = ours.pop() {
        span.to = Edge::Before(next);
        theirs = &theirs[..theirs.partition_point(|key| *key < next)];
    }
    let lacks: Vec<bool> = theirs.iter().map(|key| ours.binary_search(key).is_err()).collect();
    let has: Vec<Key> = ours.iter().filter(|key| theirs.binary_search(key).is_err()).copied().collect();
    if has.is_empty() && lacks.iter().all(|lack| !lack) {
        writer.skip(span.to);
    } else {
        writer.say(span.to, &Said::Difference { lacks, has });
    }
    Ok(is_whole)
}
