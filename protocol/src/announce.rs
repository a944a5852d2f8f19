//! The two datagrams by which a device finds a hub: a question to everybody near, an answer to the one who asked.
//!
//! The client's `discover` writes questions and reads answers, the hub's `discovery` reads questions and writes answers. Reading never
//! panics, whatever came; an answer is never longer than the question; and an answer that was read is one that was asked
//! for, signed by the hub that it names.
//!
//! # The format
//!
//! Both begin alike; numbers are single bytes.
//!
//! ```text
//! question                            answer
//!   4  magic "MLCA"                     4  magic "MLCA"
//!   1  version, 1                       1  version, 1
//!   1  type, 1                          1  type, 2
//!  16  nonce, random                   16  nonce of the question
//!   …  zeros, to 512 bytes or more     32  hub: its id, an Ed25519 public key
//!                                      16  project
//!                                       1  n ≤ 64, then n bytes of UTF-8: the hub's name
//!                                       1  count of URLs, and for each: 1  n, then n bytes of ASCII
//!                                       …  more, of a later minor form
//!                                      64  signature by the hub's key, context `Answer`, over all that stands before it
//! ```
//!
//! Rules for readers:
//!
//! - Other magic, or less than six bytes: not ours, no word about it. A greater version: too new, which a person may want to hear.
//! - A question shorter than 512 bytes is refused: it would buy an answer larger than itself. What stands after its nonce
//!   is ignored, so that later devices can say more. It holds no id and no project: nobody shall be tracked by it.
//! - A URL of another scheme than http or https is passed over. What stands between the last URL and the signature is signed,
//!   but passed over too.
//! - Hub and URLs are a claim until the TLS key, or a signature over a nonce, has shown who really listens there.

use rand::Rng as _;

use crate::ids::{DeviceId, ProjectId};
use crate::keys::{self, Context, DeviceKey, Sig};
use crate::limits::{HUB_NAME_BYTES, QUESTION_BYTES};

/// What every datagram of ours begins with.
pub const MAGIC: [u8; 4] = *b"MLCA";

/// The version that this code writes, and the greatest that it reads.
pub const VERSION: u8 = 1;

const QUESTION: u8 = 1;
const ANSWER: u8 = 2;
const HEAD_BYTES: usize = 6;

/// Why a datagram was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Somebody else's protocol, or the other one of the two datagrams.
    #[error("the datagram is not for this reader")]
    NotOurs,
    /// A later version than this program knows.
    #[error("the datagram is of version {0}, this program knows version {VERSION}: update it")]
    TooNew(u8),
    /// Ours by its first bytes, but broken or cut off.
    #[error("the datagram is malformed: {0}")]
    Malformed(&'static str),
    /// An answer to a question that was not asked, or too long ago.
    #[error("the answer is to no question of ours")]
    NotAsked,
    /// An answer that is not signed by the hub that it names.
    #[error("the answer is not signed by the hub that it names")]
    BadSignature,
}

/// Why an answer cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsayable {
    /// The name is longer than [`HUB_NAME_BYTES`] or holds control characters; [`fitting_name`] mends that.
    #[error("the hub's name is longer than {HUB_NAME_BYTES} bytes, or holds control characters")]
    BadName,
    /// A URL is longer than 255 bytes, is not ASCII, or there are more than 255.
    #[error("a URL of the hub does not fit into an answer")]
    BadUrl,
    /// The answer would be longer than the question.
    #[error("the answer would be longer than the question")]
    TooLong,
}

/// What makes an answer belong to a question: 16 random bytes, never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nonce(pub [u8; 16]);

/// "Is a hub here?"
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// Comes back in each answer.
    pub nonce: Nonce,
}

impl Question {
    /// A question that nobody has asked before.
    #[must_use]
    pub fn new() -> Self {
        let mut nonce = [0; 16];
        rand::rng().fill_bytes(&mut nonce);
        Self { nonce: Nonce(nonce) }
    }

    /// The datagram.
    #[must_use]
    pub fn encode(&self) -> [u8; QUESTION_BYTES] {
        let mut bytes = [0; QUESTION_BYTES];
        bytes[..HEAD_BYTES].copy_from_slice(&head(QUESTION));
        bytes[HEAD_BYTES..HEAD_BYTES + 16].copy_from_slice(&self.nonce.0);
        bytes
    }

    /// Reads a datagram.
    ///
    /// # Errors
    /// [`Refused::NotOurs`], [`Refused::TooNew`] or [`Refused::Malformed`].
    pub fn parse(datagram: &[u8]) -> Result<Self, Refused> {
        let mut rest = after_head(datagram, QUESTION)?;
        if datagram.len() < QUESTION_BYTES {
            return Err(Refused::Malformed("a question is at least 512 bytes long"));
        }
        Ok(Self { nonce: Nonce(rest.array()?) })
    }
}

impl Default for Question {
    fn default() -> Self {
        Self::new()
    }
}

/// "Here I am, and there I listen."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The hub that speaks.
    pub hub: DeviceId,
    /// Whose data it keeps.
    pub project: ProjectId,
    /// What its people call it; at most [`HUB_NAME_BYTES`] bytes.
    pub name: String,
    /// Where the asker reaches it, http and https, best first.
    pub urls: Vec<String>,
}

impl Answer {
    /// The datagram that answers `nonce`, signed with `key`, whose public half must be `self.hub`.
    ///
    /// # Errors
    /// When name or URLs do not fit, or the whole would be longer than the question's `asked_bytes`.
    pub fn encode(&self, nonce: Nonce, key: &DeviceKey, asked_bytes: usize) -> Result<Vec<u8>, Unsayable> {
        debug_assert_eq!(self.hub, key.id(), "an answer is signed by the hub that it names");
        if !is_name(&self.name) {
            return Err(Unsayable::BadName);
        }
        let mut bytes = Vec::with_capacity(QUESTION_BYTES);
        bytes.extend_from_slice(&head(ANSWER));
        bytes.extend_from_slice(&nonce.0);
        bytes.extend_from_slice(self.hub.as_bytes());
        bytes.extend_from_slice(self.project.as_bytes());
        put_text(&mut bytes, &self.name).ok_or(Unsayable::BadName)?;
        bytes.push(u8::try_from(self.urls.len()).map_err(|_| Unsayable::BadUrl)?);
        for url in &self.urls {
            if !is_url(url) {
                return Err(Unsayable::BadUrl);
            }
            put_text(&mut bytes, url).ok_or(Unsayable::BadUrl)?;
        }
        let signature = key.sign(Context::Answer, &bytes);
        bytes.extend_from_slice(&signature.0);
        if bytes.len() > asked_bytes { Err(Unsayable::TooLong) } else { Ok(bytes) }
    }

    /// Reads a datagram; `asked` says whether a nonce is of a question that still waits.
    ///
    /// The signature is looked at last: it costs some 50 µs, and a stranger must not buy them with random bytes.
    ///
    /// # Errors
    /// Any [`Refused`].
    pub fn parse(datagram: &[u8], asked: impl FnOnce(&Nonce) -> bool) -> Result<Self, Refused> {
        let mut rest = after_head(datagram, ANSWER)?;
        let nonce = Nonce(rest.array()?);
        if !asked(&nonce) {
            return Err(Refused::NotAsked);
        }
        let hub = DeviceId(rest.array()?);
        let project = ProjectId(rest.array()?);
        let name = rest.text()?;
        if !is_name(name) {
            return Err(Refused::Malformed("the name is too long or holds control characters"));
        }
        let mut urls = Vec::new();
        for _ in 0..rest.byte()? {
            let url = rest.text()?;
            if is_url(url) {
                urls.push(url.to_owned());
            }
        }
        let Some((signed, signature)) = datagram.split_last_chunk::<64>() else {
            return Err(Refused::Malformed("it is cut off"));
        };
        if rest.0.len() < signature.len() {
            return Err(Refused::Malformed("it is cut off"));
        }
        if !keys::verify(&hub, Context::Answer, signed, &Sig(*signature)) || keys::is_weak(&hub) {
            return Err(Refused::BadSignature);
        }
        Ok(Self { hub, project, name: name.to_owned(), urls })
    }
}

fn head(kind: u8) -> [u8; HEAD_BYTES] {
    let [a, b, c, d] = MAGIC;
    [a, b, c, d, VERSION, kind]
}

/// The one place where magic, version and type are judged, in this order: only the first two are promised to stay.
fn after_head(datagram: &[u8], kind: u8) -> Result<Rest<'_>, Refused> {
    let Some((head, rest)) = datagram.split_first_chunk::<HEAD_BYTES>() else {
        return Err(Refused::NotOurs);
    };
    if head[..4] != MAGIC {
        return Err(Refused::NotOurs);
    }
    match head[4] {
        0 => Err(Refused::Malformed("there is no version 0")),
        VERSION if head[5] == kind => Ok(Rest(rest)),
        VERSION => Err(Refused::NotOurs),
        newer => Err(Refused::TooNew(newer)),
    }
}

/// The beginning of `name` that fits into an answer, without control characters.
#[must_use]
pub fn fitting_name(name: &str) -> String {
    let mut fitting: String = name.chars().filter(|char| !char.is_control()).collect();
    fitting.truncate(fitting.floor_char_boundary(HUB_NAME_BYTES));
    fitting
}

/// A name is shown to people, and a line of a terminal or log must stay one line.
fn is_name(text: &str) -> bool {
    text.len() <= HUB_NAME_BYTES && !text.chars().any(char::is_control)
}

fn is_url(text: &str) -> bool {
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    host.is_some_and(|host| !host.is_empty()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn put_text(bytes: &mut Vec<u8>, text: &str) -> Option<()> {
    bytes.push(u8::try_from(text.len()).ok()?);
    bytes.extend_from_slice(text.as_bytes());
    Some(())
}

/// What is still unread of a datagram.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], Refused> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Refused::Malformed("it is cut off"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const LEN: usize>(&mut self) -> Result<[u8; LEN], Refused> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Refused::Malformed("it is cut off"))?;
        self.0 = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, Refused> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn text(&mut self) -> Result<&'a str, Refused> {
        let len = self.byte()?;
        std::str::from_utf8(self.take(usize::from(len))?).map_err(|_| Refused::Malformed("a text is not UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub() -> DeviceKey {
        DeviceKey::from_seed([3; 32])
    }

    fn answer() -> Answer {
        Answer {
            hub: hub().id(),
            project: ProjectId([5; 16]),
            name: "Casa comunal".into(),
            urls: vec!["https://10.42.0.1:8734".into(), "http://10.42.0.1:8733".into()],
        }
    }

    #[test]
    fn the_longest_answer_fits_into_the_shortest_question() {
        let answer = Answer {
            name: "ñ".repeat(HUB_NAME_BYTES / 2),
            urls: vec!["https://255.255.255.255:65535".into(), "http://255.255.255.255:65535".into()],
            ..answer()
        };
        assert!(answer.encode(Nonce([1; 16]), &hub(), QUESTION_BYTES).unwrap().len() <= QUESTION_BYTES);
    }

    #[test]
    fn versions_and_strangers_are_told_apart() {
        let mut question = Question { nonce: Nonce([1; 16]) }.encode();
        assert!(Question::parse(&question).is_ok());
        assert!(matches!(Question::parse(&question[..511]), Err(Refused::Malformed(_))));
        assert_eq!(Question::parse(b""), Err(Refused::NotOurs));
        assert_eq!(Question::parse(b"M-SEARCH * HTTP/1.1"), Err(Refused::NotOurs));
        assert_eq!(Answer::parse(&question, |_| true), Err(Refused::NotOurs), "a device hears other devices' questions");
        question[4] = 2;
        assert_eq!(Question::parse(&question[..6]), Err(Refused::TooNew(2)), "even if all after the version is different");
        question[4] = 0;
        assert!(matches!(Question::parse(&question), Err(Refused::Malformed(_))));
    }

    #[test]
    fn an_answer_is_taken_once_asked_for_and_signed_by_whom_it_names() {
        let bytes = answer().encode(Nonce([1; 16]), &hub(), 512).unwrap();
        assert_eq!(Answer::parse(&bytes, |nonce| *nonce == Nonce([1; 16])), Ok(answer()));
        assert_eq!(Answer::parse(&bytes, |nonce| *nonce == Nonce([2; 16])), Err(Refused::NotAsked));

        let mut forged = bytes.clone();
        forged[22..54].copy_from_slice(DeviceKey::from_seed([4; 32]).id().as_bytes());
        assert_eq!(Answer::parse(&forged, |_| true), Err(Refused::BadSignature));

        // Under the identity as key, anybody can sign anything: R the identity, s zero.
        let mut weak = bytes;
        weak[22..54].fill(0);
        weak[22] = 1;
        let len = weak.len();
        weak[len - 64..].fill(0);
        weak[len - 64] = 1;
        assert_eq!(Answer::parse(&weak, |_| true), Err(Refused::BadSignature));
    }

    #[test]
    fn what_a_later_hub_adds_is_passed_over_when_it_is_signed() {
        let mut bytes = answer().encode(Nonce([1; 16]), &hub(), 512).unwrap();
        bytes.truncate(bytes.len() - 64);
        bytes.extend_from_slice(b"later");
        let signature = hub().sign(Context::Answer, &bytes);
        bytes.extend_from_slice(&signature.0);
        assert_eq!(Answer::parse(&bytes, |_| true), Ok(answer()));
    }

    #[test]
    fn names_and_urls_that_could_mislead_are_refused() {
        let nonce = Nonce([1; 16]);
        let long = Answer { name: "x".repeat(HUB_NAME_BYTES + 1), ..answer() };
        assert_eq!(long.encode(nonce, &hub(), 512), Err(Unsayable::BadName));
        let strange = Answer { urls: vec!["javascript:alert(1)".into()], ..answer() };
        assert_eq!(strange.encode(nonce, &hub(), 512), Err(Unsayable::BadUrl));
        assert_eq!(answer().encode(nonce, &hub(), 100), Err(Unsayable::TooLong));
        let two_lines = Answer { name: "a\nb".into(), ..answer() };
        assert_eq!(two_lines.encode(nonce, &hub(), 512), Err(Unsayable::BadName));
        assert_eq!(fitting_name("a\nb"), "ab");
        assert_eq!(fitting_name(&format!("x{}", "ñ".repeat(40))).len(), HUB_NAME_BYTES - 1, "never half a letter");
    }

    #[test]
    fn a_flipped_bit_anywhere_is_refused() {
        let nonce = Nonce([1; 16]);
        let mut bytes = answer().encode(nonce, &hub(), QUESTION_BYTES).unwrap();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Answer::parse(&bytes, |asked| *asked == nonce).is_err(), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
