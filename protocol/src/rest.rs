//! The bodies of the REST calls between devices and hubs, under `/api/v1`.
//!
//! Hub and client both use these types, so that a call cannot mean two things. They hold no logic but the receipt's
//! signature and the run-length form of a batch's verdicts. Unknown members are ignored by readers: a newer peer may say more.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::cursor::Cursor;
use crate::ids::{DeviceId, DocId, MediaHash, ProjectId, RevisionId};
use crate::keys::{self, Context, DeviceKey, Sig};
use crate::revision::Attachment;

mod media; // which media are lacking, and which are wanted
mod receipt; // what a device tells, and what it is told

pub use media::{MediaMissing, MediaQuestion, MediaWanted, MediaWantedPage};
pub use receipt::{MediaReceipt, MediaState, Receipt, SignedReceipt, StateReport, Unsent};

/// Where all calls begin.
pub const BASE: &str = "/api/v1";

/// The header with the device's clock, in milliseconds since 1970.
pub const CLOCK_HEADER: &str = "maloca-clock";

/// The media type of a batch and of other lines of JSON.
pub const NDJSON: &str = "application/x-ndjson";

/// `GET /hub`: who this hub is. Anyone may ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubInfo {
    /// The hub's key.
    pub id: DeviceId,
    /// Its name, for people.
    pub name: String,
    /// Whose data it keeps.
    pub project: ProjectId,
    /// The program's version, for people; programs look at `capabilities`.
    pub version: String,
    /// What it can do, each word with its own version: `revisions-1`, `tus-1`, …
    pub capabilities: Vec<String>,
    /// Its clock.
    pub now: String,
    /// The port of HTTPS at the same address.
    pub https_port: u16,
    /// SHA-256 of its TLS public key (SPKI, DER), hex.
    pub tls_spki: String,
    /// The hub's signature over those 32 bytes, [`Context::Tls`].
    pub tls_sig: Sig,
}

/// `POST /pair`: a device asks to join. Over plain HTTP it gets no token, and signs its requests ([`crate::signed`]).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PairRequest {
    /// The device's key.
    pub device: DeviceId,
    /// What people call it.
    pub name: String,
    /// The code, or the secret of the QR code, from the manager's screen.
    pub code: String,
    /// The app and its version.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub app: Option<String>,
    /// It is a hub, and wants to be one of the project's. The code must then be one for hubs.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub hub: bool,
    /// The device's signature over [`PairRequest::proven`], so that nobody joins under another's id.
    pub proof: Sig,
}

/// What a hub's proof is over besides, so that a device's proof makes nobody a hub.
const AS_HUB: &[u8] = b" as a hub";

impl PairRequest {
    /// What the proof is over: the hub and the code, so that it is of no use elsewhere, nor a second time.
    #[must_use]
    pub fn proven(hub: &DeviceId, device: &DeviceId, code: &str) -> Vec<u8> {
        [&hub.0[..], &device.0, code.as_bytes()].concat()
    }

    /// A signed request.
    #[must_use]
    pub fn new(key: &DeviceKey, hub: &DeviceId, name: &str, code: &str, app: Option<String>) -> Self {
        let proof = key.sign(Context::Pair, &Self::proven(hub, &key.id(), code));
        Self { device: key.id(), name: name.to_owned(), code: code.to_owned(), app, hub: false, proof }
    }

    /// A signed request of a hub that wants to be let in as one.
    #[must_use]
    pub fn new_hub(key: &DeviceKey, hub: &DeviceId, name: &str, code: &str, app: Option<String>) -> Self {
        let proof = key.sign(Context::Pair, &[&Self::proven(hub, &key.id(), code), AS_HUB].concat());
        Self { hub: true, proof, ..Self::new(key, hub, name, code, app) }
    }

    /// Whether the device holds the key that it names, and means this hub.
    #[must_use]
    pub fn is_proven(&self, hub: &DeviceId) -> bool {
        let mut proven = Self::proven(hub, &self.device, &self.code);
        if self.hub {
            proven.extend_from_slice(AS_HUB);
        }
        keys::verify(&self.device, Context::Pair, &proven, &self.proof)
    }
}

/// The answer to [`PairRequest`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Paired {
    /// The hub's key, to be pinned.
    pub hub: DeviceId,
    /// Whose data the device now carries.
    pub project: ProjectId,
    /// The hub's name.
    pub name: String,
    /// The bearer token, shown this once. Never to be sent over plain http, nor given out there: then it is empty.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub token: String,
    /// SHA-256 of the hub's TLS public key, hex, to be pinned.
    pub tls_spki: String,
}

/// What became of a line of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// New, durable, and in the feed.
    Stored,
    /// Held already.
    Duplicate,
    /// Durable, but its author is not a member yet.
    Quarantined,
    /// Not taken; `code` and `detail` say why.
    Refused,
}

/// Verdicts on neighbouring lines that are alike, so that a batch of a thousand good lines is answered in one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineRun {
    /// The first line, counted from 1; empty lines count too.
    pub from: u64,
    /// The last line.
    pub to: u64,
    /// What became of them.
    pub status: Outcome,
    /// The stable name of the refusal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<String>,
    /// What is wrong and what to do.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
    /// Whether the same line may be taken later with nobody changing it.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub retry: bool,
}

/// The answer to `POST /revisions`, given only after everything in it is durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchAnswer {
    /// A verdict for each line that was not empty.
    pub results: Vec<LineRun>,
    /// Media that these revisions attach and that the hub does not hold.
    pub wanted: Vec<MediaHash>,
}

impl BatchAnswer {
    /// Adds a line's verdict; lines must come in ascending order.
    pub fn push(&mut self, line: u64, status: Outcome, refusal: Option<(String, String, bool)>) {
        let (code, detail, retry) = match refusal {
            None => (None, None, false),
            Some((code, detail, retry)) => (Some(code), Some(detail), retry),
        };
        let run = LineRun { from: line, to: line, status, code, detail, retry };
        match self.results.last_mut() {
            Some(last) if last.to + 1 == line && last.status == status && last.code == run.code && last.detail == run.detail => {
                last.to = line;
            }
            _ => self.results.push(run),
        }
    }

    /// The verdict on a line.
    #[must_use]
    pub fn line(&self, line: u64) -> Option<&LineRun> {
        self.results.iter().find(|run| run.from <= line && line <= run.to)
    }
}

/// `POST /observations`, the plain door: whole observations of a sender that cannot sign.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlainBatch {
    /// The sender's own name for itself; documents are named after it and the item's id.
    pub source: String,
    /// The observations.
    pub observations: Vec<PlainObservation>,
}

/// One whole observation: what it does not name is unset.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlainObservation {
    /// The sender's own id for it.
    pub id: String,
    /// Grows with each change, where the sender can count; else a body that was sent before is a duplicate.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<u64>,
    /// Sort of document.
    #[serde(default = "observation")]
    pub kind: String,
    /// All its properties.
    #[serde(default)]
    pub set: Map<String, Value>,
    /// All its media.
    #[serde(default)]
    pub attach: Vec<Attachment>,
    /// Whether it is deleted.
    #[serde(default)]
    pub deleted: bool,
}

fn observation() -> String {
    "observation".to_owned()
}

/// What became of one plain observation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlainResult {
    /// The sender's id; empty where the item had none.
    pub id: String,
    /// What became of it.
    pub status: Outcome,
    /// The document that stands for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub doc: Option<DocId>,
    /// The revision that was made, or that holds the same.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revision: Option<RevisionId>,
    /// The stable name of the refusal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<String>,
    /// What is wrong and what to do.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
}

/// The answer to [`PlainBatch`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlainAnswer {
    /// One result for each observation, in the order given.
    pub results: Vec<PlainResult>,
    /// Media that they attach and that the hub does not hold.
    pub wanted: Vec<MediaHash>,
}

/// One entry of the feed.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Change {
    /// A revision was admitted.
    Revision {
        /// Its place in this hub's feed.
        seq: u64,
        /// When the hub admitted it, by the hub's clock.
        received_at: String,
        /// Its id.
        id: RevisionId,
        /// Its canonical form.
        rev: Box<RawValue>,
        /// Its signature.
        sig: Sig,
    },
    /// A media file is now held.
    Held {
        /// Its place in this hub's feed.
        seq: u64,
        /// When, by the hub's clock.
        received_at: String,
        /// Its hash.
        hash: MediaHash,
        /// Its length in bytes.
        size: u64,
    },
    /// A media file was freed after a verified copy elsewhere.
    Released {
        /// Its place in this hub's feed.
        seq: u64,
        /// When, by the hub's clock.
        received_at: String,
        /// Its hash.
        hash: MediaHash,
    },
    /// What a newer hub says and this version does not know; passed over.
    Other,
}

/// Read member by member: serde's own way with a tag buffers the entry, and a buffered entry has lost the raw text of `rev`.
impl<'de> Deserialize<'de> for Change {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;

        #[derive(Deserialize)]
        struct Flat {
            #[serde(rename = "type")]
            kind: String,
            #[serde(default)]
            seq: u64,
            #[serde(default)]
            received_at: String,
            id: Option<RevisionId>,
            rev: Option<Box<RawValue>>,
            sig: Option<Sig>,
            hash: Option<MediaHash>,
            size: Option<u64>,
        }

        let Flat { kind, seq, received_at, id, rev, sig, hash, size } = Flat::deserialize(deserializer)?;
        let lacks = D::Error::missing_field;
        Ok(match kind.as_str() {
            "revision" => Self::Revision {
                seq,
                received_at,
                id: id.ok_or_else(|| lacks("id"))?,
                rev: rev.ok_or_else(|| lacks("rev"))?,
                sig: sig.ok_or_else(|| lacks("sig"))?,
            },
            "held" => Self::Held {
                seq,
                received_at,
                hash: hash.ok_or_else(|| lacks("hash"))?,
                size: size.ok_or_else(|| lacks("size"))?,
            },
            "released" => Self::Released { seq, received_at, hash: hash.ok_or_else(|| lacks("hash"))? },
            _ => Self::Other,
        })
    }
}

/// A page of `GET /changes`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Changes {
    /// The entries, in the feed's order.
    pub entries: Vec<Change>,
    /// Where to go on.
    pub cursor: Cursor,
    /// Whether more is there now.
    pub more: bool,
    /// Whether something was left out at the reader's wish or by its rights; then nobody may say "in sync" of this pull.
    pub filtered: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_of_good_lines_is_one_run() {
        let mut answer = BatchAnswer { results: Vec::new(), wanted: Vec::new() };
        for line in 1..=500 {
            answer.push(line, Outcome::Stored, None);
        }
        answer.push(501, Outcome::Refused, Some(("not_json".into(), "No.".into(), false)));
        answer.push(503, Outcome::Stored, None);
        assert_eq!(answer.results.len(), 3);
        assert_eq!(answer.line(500).unwrap().status, Outcome::Stored);
        assert_eq!(answer.line(501).unwrap().code.as_deref(), Some("not_json"));
        assert_eq!(answer.line(502), None);
    }

    #[test]
    fn a_page_of_the_feed_is_read_as_written() {
        let key = DeviceKey::from_seed([1; 32]);
        let draft = crate::Draft::new("observation", DocId::from_source("a", "b"), 0);
        let revision = draft.sign(&key).unwrap();
        let rev = RawValue::from_string(String::from_utf8(revision.canonical().to_vec()).unwrap()).unwrap();
        let change = Change::Revision { seq: 3, received_at: "t".into(), id: revision.id(), rev, sig: *revision.sig() };
        let text = serde_json::to_string(&change).unwrap();
        let Change::Revision { id, rev, sig, .. } = serde_json::from_str(&text).unwrap() else { panic!("{text}") };
        let line = crate::revision::envelope(&id, rev.get().as_bytes(), &sig);
        assert_eq!(crate::revision::check(&line).unwrap(), revision);
        assert!(matches!(serde_json::from_str("{\"type\":\"thawed\",\"seq\":1}").unwrap(), Change::Other));
        assert!(serde_json::from_str::<Change>("{\"type\":\"held\",\"seq\":1}").is_err());
    }
}
