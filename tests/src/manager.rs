//! The manager's eyes: the whole feed, every document and every file of a running hub, as its own page would be served them.
//!
//! Rows of the fault rig hold a hub against their model with it. It promises that what it gives out was checked: ids against
//! bytes, signatures against authors, files against their hash.

use std::path::Path;
use std::time::Duration;

use maloca_protocol::rest::{BASE, Change, Changes};
use maloca_protocol::{DeviceId, DocId, MediaHash, ProjectId, ValidRevision, revision};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::device::client;
use crate::hub::TestHub;

/// How often it is looked whether a job has ended.
const LOOK: Duration = Duration::from_millis(20);

/// The manager of a hub.
pub struct Manager {
    client: reqwest::Client,
    base: String,
    token: String,
}

/// All that a hub's feed tells.
#[derive(Default)]
pub struct Feed {
    /// Every revision, as often as it is told.
    pub revisions: Vec<ValidRevision>,
    /// Every file that is held, as often as it is told, with its size.
    pub held: Vec<(MediaHash, u64)>,
}

impl Manager {
    /// The manager of a running hub, by the command line's secret.
    #[must_use]
    pub fn of(hub: &TestHub) -> Self {
        Self { client: client(), base: format!("{}{BASE}", hub.http()), token: hub.control() }
    }

    /// A call.
    pub fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    /// Asks for JSON.
    ///
    /// # Panics
    /// Where the hub does not answer with it.
    pub async fn get(&self, path: &str) -> Value {
        let answer = self.call(Method::GET, path).send().await.expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("a text");
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Sends JSON; gives the answer, whatever it says.
    ///
    /// # Panics
    /// Where there is none.
    pub async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let answer = self.call(Method::POST, path).json(body).send().await.expect("an answer");
        (answer.status(), answer.json().await.expect("JSON"))
    }

    /// Copies everything to a folder; gives the job when it is done.
    ///
    /// # Panics
    /// Where it cannot be done.
    pub async fn export(&self, to: &Path) -> Value {
        let (status, begun) = self.post("/admin/exports", &json!({ "to": to })).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{begun}");
        loop {
            let exports = self.get("/admin/exports").await;
            let job = exports["jobs"].as_array().expect("jobs").iter().find(|job| job["id"] == begun["id"]).expect("it").clone();
            if job["ended_at"].is_string() {
                assert_eq!(job["state"], "done", "{job}");
                return job;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Takes in a bundle, or what another program wrote; gives the job when it has ended, however it did.
    ///
    /// # Panics
    /// Where it does not begin.
    pub async fn take_in(&self, from: &Path) -> Value {
        let (status, begun) = self.post("/admin/imports/bundles", &json!({ "from": from })).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{begun}");
        self.import_ended().await
    }

    /// The import that runs, when it has ended.
    ///
    /// # Panics
    /// Where the hub fails.
    pub async fn import_ended(&self) -> Value {
        loop {
            let mut answer = self.get("/admin/imports/bundles").await;
            if answer["job"]["ended_at"].is_string() {
                return answer["job"].take();
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Whose data the hub keeps.
    ///
    /// # Panics
    /// Where it does not say.
    pub async fn project(&self) -> ProjectId {
        self.get("/hub").await["project"].as_str().and_then(|text| text.parse().ok()).expect("a project")
    }

    /// How a device's card looks.
    ///
    /// # Panics
    /// Where there is none.
    pub async fn card(&self, device: &DeviceId) -> Value {
        let cards = self.get("/admin/devices").await;
        let cards = cards["devices"].as_array().expect("a list").clone();
        cards.into_iter().find(|card| card["id"] == device.to_string()).expect("a card")
    }

    /// The whole feed.
    ///
    /// # Panics
    /// Where the hub tells anything that is not what it says it is.
    pub async fn feed(&self) -> Feed {
        let (mut feed, mut since) = (Feed::default(), String::new());
        loop {
            let answer = self.call(Method::GET, &format!("/changes{since}")).send().await.expect("an answer");
            assert_eq!(answer.status(), StatusCode::OK);
            let bytes = answer.bytes().await.expect("a page");
            let page: Changes = serde_json::from_slice(&bytes).expect("a page of the feed");
            let mut unverified = Vec::new();
            for entry in page.entries {
                match entry {
                    Change::Revision { id, rev, sig, .. } => {
                        let line = revision::envelope(&id, rev.get().as_bytes(), &sig);
                        unverified.push(revision::read(&line).expect("a revision with its own id"));
                    }
                    Change::Held { hash, size, .. } => feed.held.push((hash, size)),
                    Change::Released { .. } | Change::Other => panic!("nothing is released here"),
                }
            }
            feed.revisions.extend(revision::verify_many(unverified).into_iter().map(|one| one.expect("its author's signature")));
            if !page.more {
                return feed;
            }
            since = format!("?since={}", page.cursor);
        }
    }

    /// A document's canonical form; `None` where there is none.
    ///
    /// # Panics
    /// Where the hub fails.
    pub async fn document(&self, doc: &DocId) -> Option<Vec<u8>> {
        self.bytes(&format!("/observations/{doc}?form=document")).await
    }

    /// A file's bytes; `None` where it is not held.
    ///
    /// # Panics
    /// Where the hub fails, or serves bytes that are not the file's.
    pub async fn media(&self, hash: &MediaHash) -> Option<Vec<u8>> {
        let bytes = self.bytes(&format!("/media/{hash}")).await;
        assert!(bytes.as_ref().is_none_or(|bytes| MediaHash::of(bytes) == *hash), "wrong bytes were served for {hash}");
        bytes
    }

    async fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let answer = self.call(Method::GET, path).send().await.expect("an answer");
        match answer.status() {
            StatusCode::OK => Some(answer.bytes().await.expect("the whole answer").to_vec()),
            StatusCode::NOT_FOUND => None,
            status => panic!("{path}: {status}: {}", answer.text().await.unwrap_or_default()),
        }
    }
}
