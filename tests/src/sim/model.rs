//! The model: what was sent, what of it was acknowledged, and how that is held against a hub.
//!
//! Everything that was acknowledged must be there, byte for byte; what was sent and not acknowledged may be there or not, whole or
//! not at all; nothing else may be there. What the feed has told once, it tells for ever.

use std::collections::{BTreeMap, HashMap, HashSet};

use axum::body::Body;
use maloca_protocol::document;
use maloca_protocol::rest::{Change, Changes, Outcome};
use maloca_protocol::{DeviceKey, MediaHash, RevisionId, ValidRevision};
use serde_json::{Value, json};

use super::hub::{Answer, SimHub, request};

/// A photo that was sent, perhaps in part.
#[derive(Clone)]
pub struct Photo {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether the hub said that it holds it.
    pub acknowledged: bool,
}

/// An upload that was begun.
#[derive(Clone)]
pub struct Begun {
    /// Its place on the hub.
    pub location: String,
    /// Whose it is.
    pub token: String,
    /// Which photo.
    pub hash: MediaHash,
    /// Bytes that the hub said are durable.
    pub offset: u64,
    /// Whether all of it was sent and the answer was an error: then it may have ended all the same, or must be begun again.
    pub may_have_ended: bool,
    /// Whether a piece was answered with an error: then it may stand further on than was told.
    pub in_doubt: bool,
}

/// A device that was told that it has joined.
#[derive(Clone)]
pub struct Joined {
    /// Its key.
    pub key: DeviceKey,
    /// Its token.
    pub token: String,
}

/// What was sent and acknowledged.
#[derive(Clone, Default)]
pub struct Model {
    /// Every revision that was ever sent, and the hub's best word on it.
    pub revisions: BTreeMap<RevisionId, (ValidRevision, Option<Outcome>)>,
    /// Photos.
    pub photos: BTreeMap<MediaHash, Photo>,
    /// Unfinished uploads.
    pub uploads: Vec<Begun>,
    /// Devices.
    pub devices: Vec<Joined>,
    /// Names that the hub may have: the one that was acknowledged last, and those that were sent since.
    pub names: Vec<String>,
    /// Plain items that were acknowledged: the document, and what it may say; first what was acknowledged last.
    pub plain: BTreeMap<String, Vec<String>>,
    /// Entries of the feed as they were told, in few words.
    pub feed: Vec<String>,
    /// A planted bug of the model's own: it believes what was sent to be acknowledged.
    pub believes_too_soon: bool,
}

impl Model {
    /// Notes revisions that are about to be sent.
    pub fn sending(&mut self, revisions: &[ValidRevision]) {
        for revision in revisions {
            let word = self.believes_too_soon.then_some(Outcome::Stored);
            self.revisions.entry(revision.id()).or_insert_with(|| (revision.clone(), word));
        }
    }

    /// Notes the hub's answer to a batch of exactly these revisions.
    ///
    /// # Panics
    /// Where it refuses a sound one, or says that it held one that was never sent before.
    pub fn batch_answered(&mut self, revisions: &[ValidRevision], answer: &Answer) {
        if answer.status != 200 {
            assert!(matches!(answer.status, 500 | 503 | 507), "a batch got {answer:?}");
            return;
        }
        let answer: maloca_protocol::rest::BatchAnswer = serde_json::from_slice(&answer.body).expect("a batch's answer");
        let outcomes = answer.results.iter().flat_map(|run| std::iter::repeat_n(run.status, (run.to - run.from + 1) as usize));
        let outcomes: Vec<Outcome> = outcomes.collect();
        assert_eq!(outcomes.len(), revisions.len(), "an outcome for each line");
        for (revision, outcome) in revisions.iter().zip(outcomes) {
            assert_ne!(outcome, Outcome::Refused, "a sound revision was refused");
            let word = &mut self.revisions.get_mut(&revision.id()).expect("it was sent").1;
            if word.is_none_or(|word| word == Outcome::Duplicate) {
                *word = Some(outcome);
            }
        }
    }

    /// Holds the hub against all that is known.
    ///
    /// # Panics
    /// At the first thing that is not as promised.
    pub async fn hold(&mut self, hub: &SimHub, thorough: bool) {
        let documents = self.hold_feed(hub).await;
        self.hold_rest(hub).await;
        self.hold_media(hub).await;
        if thorough {
            for (doc, revisions) in documents {
                let expected = document::merge(doc, &revisions).expect("a document has revisions");
                let shown = hub.manager("GET", &format!("/observations/{doc}"), Body::empty()).await;
                assert_eq!(shown.status, 200, "{shown:?}");
                let shown = shown.json();
                assert_eq!(shown["set"], Value::Object(expected.set), "{doc}");
                assert_eq!(shown["heads"], json!(expected.heads), "{doc}");
                assert_eq!(shown["deleted"], json!(expected.deleted), "{doc}");
                assert_eq!(shown["revisions"], json!(revisions.len()), "{doc}");
            }
        }
    }

    /// The feed: nothing acknowledged is missing, nothing is there twice or unasked, what was told once is told again.
    async fn hold_feed(&mut self, hub: &SimHub) -> HashMap<maloca_protocol::DocId, Vec<ValidRevision>> {
        let (mut told, mut since) = (Vec::new(), String::new());
        loop {
            let page = hub.manager("GET", &format!("/changes?limit=1000{since}"), Body::empty()).await;
            assert_eq!(page.status, 200, "{page:?}");
            let page: Changes = serde_json::from_slice(&page.body).expect("a page of the feed");
            told.extend(page.entries);
            since = format!("&since={}", page.cursor);
            if !page.more {
                break;
            }
        }
        let (mut admitted, mut held) = (HashSet::new(), HashSet::new());
        let mut documents: HashMap<_, Vec<ValidRevision>> = HashMap::new();
        for entry in &told {
            let (id, rev, sig) = match entry {
                Change::Held { hash, .. } => {
                    assert!(self.photos.contains_key(hash), "the feed tells of a photo that nobody sent: {entry:?}");
                    held.insert(*hash);
                    continue;
                }
                Change::Revision { id, rev, sig, .. } => (id, rev.get().as_bytes(), sig),
                Change::Released { .. } | Change::Other => panic!("the feed tells what never happened: {entry:?}"),
            };
            assert!(admitted.insert(*id), "the feed has a revision twice: {entry:?}");
            let revision = match self.revisions.get(id) {
                Some((sent, _)) => {
                    let is_same = sent.canonical() == rev && sent.sig() == sig;
                    assert!(is_same, "the feed has other bytes than were sent: {entry:?}");
                    sent.clone()
                }
                None => {
                    let line = maloca_protocol::revision::envelope(id, rev, sig);
                    let own = maloca_protocol::revision::check(&line).unwrap_or_else(|refusal| panic!("{refusal}: {entry:?}"));
                    assert!(own.content().author == hub.hub.id(), "the feed has a revision that nobody sent: {entry:?}");
                    own
                }
            };
            documents.entry(revision.content().doc).or_default().push(revision);
        }
        for (id, (_, word)) in &self.revisions {
            assert!(*word != Some(Outcome::Stored) || admitted.contains(id), "an acknowledged revision is lost: {id}");
        }
        for (hash, photo) in &self.photos {
            assert!(!photo.acknowledged || held.contains(hash), "the feed has lost that a photo is held: {hash}");
        }
        for (n, before) in self.feed.iter().enumerate() {
            assert_eq!(told.get(n).map(name).as_ref(), Some(before), "entry {n} of the feed has changed");
        }
        self.feed = told.iter().map(name).collect();
        documents
    }

    /// What is in quarantine, devices, settings, plain items, unfinished uploads.
    async fn hold_rest(&mut self, hub: &SimHub) {
        for device in &self.devices {
            let answer = hub.ask(request("POST", "/state", &device.token).body(state().into()).expect("a request")).await;
            assert_eq!(answer.status, 200, "a device that had joined is not known: {answer:?}");
        }
        let aside = |outcome: &Option<Outcome>| matches!(outcome, Some(Outcome::Quarantined | Outcome::Duplicate));
        let aside: Vec<ValidRevision> =
            self.revisions.values().filter(|(_, word)| aside(word)).map(|(revision, _)| revision.clone()).collect();
        if let (Some(device), false) = (self.devices.first(), aside.is_empty()) {
            let answer =
                hub.ask(request("POST", "/revisions", &device.token).body(lines(&aside).into()).expect("a request")).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let results = answer.json()["results"].clone();
            let all = results.as_array().expect("a list").iter().all(|run| run["status"] == "duplicate");
            assert!(all, "a revision in quarantine is lost: {results}");
        }
        let overview = hub.manager("GET", "/admin/overview", Body::empty()).await;
        assert_eq!(overview.status, 200, "{overview:?}");
        let name = overview.json()["hub"]["name"].as_str().expect("a name").to_owned();
        assert!(self.names.contains(&name), "the hub is called {name} instead of {:?}", self.names);
        for (doc, words) in &mut self.plain {
            let shown = hub.manager("GET", &format!("/observations/{doc}"), Body::empty()).await;
            assert_eq!(shown.status, 200, "{shown:?}");
            let said = shown.json()["set"]["notes"].as_str().expect("a note").to_owned();
            assert!(words.contains(&said), "a plain item says {said} instead of {words:?}");
            *words = vec![said];
        }
        let mut open = Vec::new();
        for upload in std::mem::take(&mut self.uploads) {
            let head = request("HEAD", &upload.location, &upload.token).header("tus-resumable", "1.0.0");
            let answer = hub.ask(head.body(Body::empty()).expect("a request")).await;
            if answer.status == 404 && upload.may_have_ended {
                // It ended, though its answer was lost; or nobody could go on with it, and that answer was lost.
                continue;
            }
            assert_eq!(answer.status, 200, "an unfinished upload is not found: {answer:?}");
            let offset = answer.offset.expect("an offset");
            assert!(offset >= upload.offset, "an upload fell back from {} to {offset}", upload.offset);
            open.push(Begun { offset, in_doubt: false, ..upload });
        }
        self.uploads = open;
    }

    /// Every photo that was acknowledged is here, with its own bytes; no other is served with wrong ones.
    async fn hold_media(&self, hub: &SimHub) {
        for (hash, photo) in &self.photos {
            let answer = hub.manager("GET", &format!("/media/{hash}"), Body::empty()).await;
            match answer.status {
                200 => assert!(answer.body == photo.bytes, "a photo is served with wrong bytes: {hash}"),
                404 => assert!(!photo.acknowledged, "an acknowledged photo is lost: {hash}"),
                _ => panic!(
                    "a photo ({hash}, acknowledged: {}, as a file: {:?}) cannot be read: {answer:?}; what failed on the disk: {:#?}",
                    photo.acknowledged,
                    hub.disk.list().iter().find(|(path, _)| path.ends_with(hash.to_string())),
                    hub.disk.failed(),
                ),
            }
        }
    }
}

/// What an entry of the feed says, in few words.
fn name(entry: &Change) -> String {
    match entry {
        Change::Revision { seq, received_at, id, .. } => format!("{seq} {received_at} {id}"),
        Change::Held { seq, received_at, hash, size } => format!("{seq} {received_at} {hash} {size}"),
        Change::Released { .. } | Change::Other => String::new(),
    }
}

/// The body of a state report with nothing to tell.
#[must_use]
pub fn state() -> Vec<u8> {
    json!({ "unsent": { "revisions": 0, "documents": 0, "media": 0, "media_bytes": 0, "parked": 0 }, "media": [], "ask": [] })
        .to_string()
        .into_bytes()
}

/// Lines of a batch.
#[must_use]
pub fn lines(revisions: &[ValidRevision]) -> Vec<u8> {
    revisions.iter().flat_map(|revision| [revision.envelope(), b"\n".to_vec()].concat()).collect()
}
