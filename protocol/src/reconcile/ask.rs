//! The side that asks: which spans are open, what to ask of them, and what the answers say.

use std::collections::VecDeque;

use super::wire::{ROOM, Reader, Refused, Said, Writer};
use super::{Edge, Failed, Key, MESSAGE_BYTES, NAMED, SortedSet, Span, digest, parts};

/// Differences told of at a time, of what the other side lacks. What it has more is bounded by its message.
const FOUND_MOST: usize = 10_000;

/// Spans that may be open, at 100 bytes each. Two sets of 100,000 keys with none in common have never more than 15,000.
const OPEN_MOST: usize = 200_000;

/// Answers in a row that may find nothing: among honest hubs a fingerprint that differs leads to a key within ten.
const IDLE_MOST: u32 = 100;

/// Differences that an answer has brought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// What is here and not there, ascending.
    pub they_lack: Vec<Key>,
    /// What is there and not here, ascending.
    pub we_lack: Vec<Key>,
}

/// How a span is asked about next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// By its keys where they are few, else by its fingerprint.
    Compare,
    /// By its fingerprint, however few its keys are: it is one of many pieces, most of which are equal.
    Fingerprint,
    /// By the fingerprints of its pieces, or its keys: its own fingerprint is known to differ.
    Cut,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    span: Span,
    how: How,
}

#[derive(Debug, Clone)]
struct Asked {
    span: Span,
    /// The keys that were named; `None` where a fingerprint was sent.
    named: Option<Vec<Key>>,
}

/// A reconciliation, as the side that asks sees it.
///
/// Invariant: the spans that were asked about, and then the open ones, ascend and do not overlap.
#[derive(Debug)]
pub struct Asker {
    open: VecDeque<Open>,
    asked: Vec<Asked>,
    /// Answers since something was found.
    idle: u32,
}

impl Asker {
    /// Begins.
    #[must_use]
    pub fn new(span: Span) -> Self {
        Self { open: VecDeque::from([Open { span, how: How::Compare }]), asked: Vec::new(), idle: 0 }
    }

    /// Whether all is known.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.open() == 0
    }

    /// How many spans are not settled yet.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.len() + self.asked.len()
    }

    /// The next question; `None` where all is known. Called again before [`Asker::hear`] it asks the same anew, of the set as it is.
    ///
    /// # Errors
    /// Where the set cannot be read.
    pub fn question<S: SortedSet>(&mut self, set: &S) -> Result<Option<Vec<u8>>, S::Error> {
        for asked in std::mem::take(&mut self.asked).into_iter().rev() {
            let how = if asked.named.is_some() { How::Compare } else { How::Fingerprint };
            self.open.push_front(Open { span: asked.span, how });
        }
        let mut writer = Writer::new();
        while writer.room() >= ROOM
            && let Some(open) = self.open.pop_front()
        {
            // An error leaves the reconciliation where it was.
            if let Err(error) = self.ask(set, open, &mut writer) {
                self.open.push_front(open);
                return Err(error);
            }
        }
        Ok((!self.asked.is_empty()).then(|| writer.done()))
    }

    fn ask<S: SortedSet>(&mut self, set: &S, Open { span, how }: Open, writer: &mut Writer) -> Result<(), S::Error> {
        let ours = set.fingerprint(&span)?;
        if span.from > Key::FIRST {
            writer.skip(Edge::Before(span.from));
        }
        if ours.count <= NAMED && how != How::Fingerprint {
            let keys = set.keys(&span, NAMED as usize)?;
            let said = Said::List(keys);
            writer.say(span.to, &said);
            let Said::List(keys) = said else { return Ok(()) };
            self.asked.push(Asked { span, named: Some(keys) });
        } else if how == How::Cut {
            for piece in set.cut(&span, parts(ours.count))? {
                writer.say(piece.span.to, &Said::Fingerprint(digest(&piece.fingerprint)));
                self.asked.push(Asked { span: piece.span, named: None });
            }
        } else {
            writer.say(span.to, &Said::Fingerprint(digest(&ours)));
            self.asked.push(Asked { span, named: None });
        }
        Ok(())
    }

    /// Takes an answer to the question that was asked last. Where it fails the same may be asked again.
    ///
    /// # Errors
    /// Where the answer makes no sense, or this peer's answers lead nowhere. Where the set cannot be read.
    pub fn hear<S: SortedSet>(&mut self, set: &S, answer: &[u8]) -> Result<Found, Failed<S::Error>> {
        let (found, open) = self.heard(set, answer)?;
        self.idle = if found == Found::default() { self.idle + 1 } else { 0 };
        if self.idle > IDLE_MOST || open.len() + self.open.len() > OPEN_MOST {
            return Err(Refused::Endless.into());
        }
        self.asked.clear();
        for open in open.into_iter().rev() {
            self.open.push_front(open);
        }
        Ok(found)
    }

    /// What an answer brings, and what it leaves open.
    fn heard<S: SortedSet>(&self, set: &S, answer: &[u8]) -> Result<(Found, Vec<Open>), Failed<S::Error>> {
        let mut reader = Reader::new(answer)?;
        let (mut found, mut open, mut answered) = (Found::default(), Vec::new(), Edge::Before(Key::FIRST));
        let mut asked = &self.asked[..];
        while let Some((span, said)) = reader.piece()? {
            answered = span.to;
            while let Some((first, rest)) = asked.split_first()
                && first.span.to <= Edge::Before(span.from)
            {
                asked = rest;
            }
            if said == Said::Skip {
                continue;
            }
            let Asked { span: whole, named } = asked.first().ok_or(Refused::Unasked)?;
            if !whole.covers(&span) {
                return Err(Refused::Unasked.into());
            }
            match (said, named) {
                (Said::Fingerprint(theirs), None) => {
                    if digest(&set.fingerprint(&span).map_err(Failed::Set)?) != theirs {
                        open.push(Open { span, how: How::Cut });
                    }
                }
                (Said::List(theirs), None) => found.compare(set, span, theirs, &mut open).map_err(Failed::Set)?,
                (Said::Difference { lacks, has }, Some(named)) => found.differ(&span, named, &lacks, has)?,
                _ => return Err(Refused::Unasked.into()),
            }
        }
        for asked in asked.iter().filter(|asked| asked.span.to > answered) {
            // Only a full message leaves something out, so that nobody is kept asking for crumbs.
            if answer.len() < MESSAGE_BYTES / 2 {
                return Err(Refused::Silent.into());
            }
            let from = if let Edge::Before(key) = answered { key.max(asked.span.from) } else { continue };
            open.push(Open { span: Span { from, ..asked.span }, how: How::Compare });
        }
        Ok((found, open))
    }
}

impl Found {
    /// Takes a list of all that they have in a span. What is too much for now is left open.
    fn compare<S: SortedSet>(&mut self, set: &S, span: Span, theirs: Vec<Key>, open: &mut Vec<Open>) -> Result<(), S::Error> {
        let room = FOUND_MOST.saturating_sub(self.they_lack.len()) + theirs.len();
        let mut ours = set.keys(&span, room + 1)?;
        let mut theirs = theirs;
        if ours.len() > room
            && let Some(next) = ours.pop()
        {
            theirs.truncate(theirs.partition_point(|key| *key < next));
            open.push(Open { span: Span { from: next, ..span }, how: How::Compare });
        }
        self.they_lack.extend(ours.iter().filter(|key| theirs.binary_search(key).is_err()));
        self.we_lack.extend(theirs.iter().filter(|key| ours.binary_search(key).is_err()));
        Ok(())
    }

    /// Takes what their answer says of a list of ours.
    fn differ(&mut self, span: &Span, named: &[Key], lacks: &[bool], has: Vec<Key>) -> Result<(), Refused> {
        let named: Vec<&Key> = named.iter().filter(|key| span.contains(key)).collect();
        if named.len() != lacks.len() || has.iter().any(|key| named.binary_search(&key).is_ok()) {
            return Err(Refused::Unasked);
        }
        self.they_lack.extend(named.into_iter().zip(lacks).filter(|(_, lacks)| **lacks).map(|(key, _)| *key));
        self.we_lack.extend(has);
        Ok(())
    }
}
