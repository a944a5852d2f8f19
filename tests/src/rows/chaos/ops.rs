//! What the devices of the row say, and the ways in which it reaches the hub, or does not.

use maloca_protocol::rest::{BatchAnswer, NDJSON, Outcome, PlainAnswer, SignedReceipt};
use maloca_protocol::revision::Attachment;
use maloca_protocol::{DocId, Draft, MediaHash, RevisionId, ValidRevision};
use rand::RngExt as _;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::{Value, json};

use super::super::held::{Photo, sample};
use super::{DEVICES, Lie, World};
use crate::device::{RawDevice, lines};
use crate::wire::{self, Answer, Wire};

/// What one device says in one request.
#[derive(Clone)]
pub(super) struct Op {
    device: u8,
    said: Said,
}

#[derive(Clone)]
enum Said {
    /// Signed revisions: new documents, edits, deletions.
    Batch(Vec<RevisionId>),
    /// A body of a plain item, by the item's id and the body's number.
    Plain(u64, u64),
    /// A file.
    Photo(MediaHash),
    /// What it holds.
    State,
}

/// A plain item: how many different bodies were made of it, and whether they are counted by a version.
pub(super) struct Item {
    pub(super) bodies: u64,
    pub(super) versioned: bool,
}

/// The newest documents, of which some are edited.
const WINDOW: usize = 200;

/// Requests that are kept to be sent again.
const PAST: usize = 2_000;

/// The document that stands for a plain item.
pub(super) fn plain_doc(device: &RawDevice, number: u8, id: u64) -> DocId {
    DocId::from_source(&format!("plain {} {}", device.key.id(), source(number)), &id.to_string())
}

fn source(device: u8) -> String {
    format!("source {device}")
}

/// What a body of a plain item says.
pub(super) fn words(id: u64, body: u64) -> String {
    format!("item {id}, body {body}")
}

impl World {
    /// Makes one more operation.
    pub(super) fn make(&self, random: &mut StdRng) -> Op {
        let device = random.random_range(0..DEVICES);
        let said = match random.random_range(0..100) {
            0..8 => Said::Photo(self.photo(random)),
            8..13 => Said::State,
            13..35 => self.plain(device, random),
            _ => {
                let some = random.random_range(1..6);
                let device = &self.devices[usize::from(device)];
                let batch: Vec<ValidRevision> = (0..some).map(|_| self.revision(device, random)).collect();
                self.state().model.sends(&batch);
                Said::Batch(batch.iter().map(ValidRevision::id).collect())
            }
        };
        Op { device, said }
    }

    fn photo(&self, random: &mut StdRng) -> MediaHash {
        let photo = Photo::new(random, 20_000);
        let hash = MediaHash::of(&photo.bytes());
        self.state().model.photos.insert(hash, photo);
        hash
    }

    fn plain(&self, device: u8, random: &mut StdRng) -> Said {
        let mut state = self.state();
        // One of the newest, or a new one.
        let newest = state.items.range((device, 0)..=(device, u64::MAX)).next_back().map(|((_, id), _)| *id);
        let id = match newest {
            Some(newest) if random.random_range(0..2) == 0 => newest.saturating_sub(random.random_range(0..20)),
            newest => newest.map_or(0, |newest| newest + 1),
        };
        let item = state.items.entry((device, id)).or_insert_with(|| Item { bodies: 0, versioned: random.random() });
        item.bodies += 1;
        Said::Plain(id, item.bodies - 1)
    }

    /// A new document, or an edit or deletion upon some of a document's revisions, whether or not they were delivered.
    fn revision(&self, device: &RawDevice, random: &mut StdRng) -> ValidRevision {
        let mut state = self.state();
        let at = match state.docs.len() {
            0 => None,
            many => random.random_range(0..2 * many.min(WINDOW)).checked_sub(many.min(WINDOW)),
        };
        let at = at.unwrap_or_else(|| {
            if state.docs.len() >= WINDOW {
                state.docs.remove(0);
            }
            let own_id: u128 = random.random();
            state.docs.push((DocId::from_source("chaos", &own_id.to_string()), Vec::new()));
            state.docs.len() - 1
        });
        let (doc, ids) = &state.docs[at];
        let mut draft = Draft::new("observation", *doc, random.random_range(0..1 << 41));
        draft.parents = sample(random, ids, 2);
        draft.parents.sort_unstable();
        draft.parents.dedup();
        let name = ["notes", "category", "count"][random.random_range(0..3)];
        draft.set.insert(name.into(), json!(random.random_range(0..1_000)));
        draft.deleted = !ids.is_empty() && random.random_range(0..10) == 0;
        if random.random_range(0..20) == 0
            && let Some((hash, photo)) = state.model.photos.last_key_value()
        {
            let (name, media_type) = ("photo.jpg".into(), "image/jpeg".into());
            draft.attach = vec![Attachment { hash: *hash, name, media_type, size: photo.len as u64, taken_at: None }];
        }
        let revision = draft.sign(&device.key).expect("sound");
        state.docs[at].1.push(revision.id());
        revision
    }

    /// Sends an operation in a way that chance chooses.
    pub(super) async fn send(&self, op: Op, random: &mut StdRng) {
        match random.random_range(0..100) {
            0..8 => {
                self.count("cut before the answer");
                self.cut(&op, random, true).await;
                self.put_off(op, random);
            }
            8..14 => {
                self.count("cut in the middle");
                self.cut(&op, random, false).await;
                if self.lie == Lie::AckOnSend
                    && let Said::Batch(ids) = &op.said
                {
                    self.state().model.acknowledged.extend(ids);
                    return;
                }
                self.put_off(op, random);
            }
            14..24 => {
                self.count("sent twice at once");
                tokio::join!(self.deliver(&op), self.deliver(&op));
            }
            24..40 => {
                self.count("sent late");
                self.state().later.push(op);
            }
            40..50 => {
                self.deliver(&op).await;
                let past = {
                    let state = self.state();
                    let at = random.random_range(0..state.past.len().max(1));
                    state.past.get(at).cloned()
                };
                if let Some(past) = past {
                    self.count("sent again long after");
                    self.deliver(&past).await;
                }
            }
            _ => self.deliver(&op).await,
        }
    }

    fn count(&self, what: &'static str) {
        *self.state().counts.entry(what).or_default() += 1;
    }

    /// What was cut is sent again some time, but for a few signed batches of which nobody ever knows.
    fn put_off(&self, op: Op, random: &mut StdRng) {
        if random.random_range(0..8) > 0 || !matches!(op.said, Said::Batch(_)) {
            self.state().later.push(op);
        }
    }

    /// Sends an operation and hears the answer.
    pub(super) async fn deliver(&self, op: &Op) {
        let (path, headers, body) = self.request(op);
        let mut request = self.devices[usize::from(op.device)].call(Method::POST, path).body(body);
        for (name, value) in &headers {
            request = request.header(*name, value);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let answer = (status, answer.bytes().await.expect("the whole answer").to_vec());
        self.heard(op, &answer);
    }

    /// Sends all of a request or some of it, and cuts the connection.
    async fn cut(&self, op: &Op, random: &mut StdRng, all: bool) {
        let (path, headers, body) = self.request(op);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let whole = wire::request("POST", path, &self.devices[usize::from(op.device)].token, &headers, &body);
        let said = if all { whole.len() } else { random.random_range(0..whole.len()) };
        let mut wire = Wire::open(self.hub.https()).await.expect("a connection");
        wire.say(&whole[..said]).await.expect("room on the wire");
        match random.random_range(0..3) {
            0 => wire.cut(),
            1 => drop(wire),
            // Between the hub's commit and the cut lies the answer, unread.
            _ if all => {
                let answer = wire.hear().await.expect("an answer");
                assert!([200, 201].contains(&answer.0), "{}: {}", answer.0, String::from_utf8_lossy(&answer.1));
                // The device has not heard it; but the hub must not say twice that it has just stored the same.
                if let Said::Batch(ids) = &op.said {
                    self.stored(ids, &answer);
                }
            }
            _ => {
                // The hub may have gone first.
                let _ = wire.half_close().await;
                wire.until_ended().await;
            }
        }
    }

    fn request(&self, op: &Op) -> (&'static str, Vec<(&'static str, String)>, Vec<u8>) {
        let state = self.state();
        let kind = |kind: &str| vec![("content-type", kind.to_owned())];
        match &op.said {
            Said::Batch(ids) => {
                let revisions: Vec<&ValidRevision> = ids.iter().map(|id| &state.model.sent[id]).collect();
                ("/revisions", kind(NDJSON), lines(&revisions))
            }
            Said::Plain(id, body) => {
                let version = state.items[&(op.device, *id)].versioned.then_some(body);
                let mut item = json!({ "id": id.to_string(), "set": { "notes": words(*id, *body) } });
                if let Some(version) = version {
                    item["version"] = json!(version);
                }
                let mut items = vec![item.clone()];
                if self.lie == Lie::PlainTwice && *id == 1 {
                    item["id"] = json!("another");
                    items.push(item);
                }
                let batch = json!({ "source": source(op.device), "observations": items });
                ("/observations", kind("application/json"), batch.to_string().into_bytes())
            }
            Said::Photo(hash) => {
                let bytes = state.model.photos[hash].bytes();
                let metadata = format!("hash {}", data_encoding::BASE64.encode(hash.to_string().as_bytes()));
                let mut headers = kind("application/offset+octet-stream");
                headers.extend([("tus-resumable", "1.0.0".to_owned()), ("upload-length", bytes.len().to_string())]);
                headers.push(("upload-metadata", metadata));
                ("/media/uploads", headers, bytes)
            }
            Said::State => {
                let state = json!({ "unsent": { "revisions": 1, "media": 1, "media_bytes": 1 } });
                ("/state", kind("application/json"), state.to_string().into_bytes())
            }
        }
    }

    /// Notes what was acknowledged.
    fn heard(&self, op: &Op, answer: &Answer) {
        let (status, body) = answer;
        let expected = if matches!(op.said, Said::Photo(_)) { 201 } else { 200 };
        assert_eq!(*status, expected, "{}", String::from_utf8_lossy(body));
        match &op.said {
            Said::Batch(ids) => {
                self.stored(ids, answer);
                self.state().model.acknowledged.extend(ids);
            }
            Said::Plain(id, _) => {
                let answer: PlainAnswer = serde_json::from_slice(body).expect("a plain batch's answer");
                let result = &answer.results[0];
                assert!(matches!(result.status, Outcome::Stored | Outcome::Duplicate), "{result:?}");
                assert_eq!(result.doc, Some(plain_doc(&self.devices[usize::from(op.device)], op.device, *id)));
            }
            Said::Photo(hash) => {
                self.state().model.held.insert(*hash);
            }
            Said::State => {
                let signed: SignedReceipt = serde_json::from_slice(body).expect("a receipt");
                assert!(signed.is_valid() && signed.receipt.device == self.devices[usize::from(op.device)].key.id());
            }
        }
        let mut state = self.state();
        if state.past.len() < PAST {
            state.past.push(op.clone());
        } else if let Some(old) = state.past.get_mut(usize::from(op.device) * 300) {
            *old = op.clone();
        }
    }

    /// Every line was stored or was here; none is ever stored a second time.
    fn stored(&self, ids: &[RevisionId], (_, body): &Answer) {
        let answer: BatchAnswer = serde_json::from_slice(body).expect("a batch's answer");
        let mut state = self.state();
        for (line, id) in (1..).zip(ids) {
            match answer.line(line).map(|run| run.status) {
                Some(Outcome::Stored) => assert!(state.stored.insert(*id), "{id:?} was stored twice"),
                Some(Outcome::Duplicate) => {}
                other => panic!("{id:?}: {other:?}: {}", Value::String(String::from_utf8_lossy(body).into_owned())),
            }
        }
    }
}
