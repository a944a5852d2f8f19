//! A device by hand: signs what it likes and says it over raw calls, for what the client's engine would never say.
//!
//! Tests of the API and of bad input use it. It trusts whatever certificate the hub shows, which no real device does.

use maloca_protocol::keys::DeviceKey;
use maloca_protocol::rest::{BASE, BatchAnswer, PairRequest};
use maloca_protocol::revision::Attachment;
use maloca_protocol::{DeviceId, DocId, Draft, MediaHash, ValidRevision};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::hub::{CODE, TestHub};

/// A client that trusts any certificate.
///
/// # Panics
/// Where no client can be made.
#[must_use]
pub fn client() -> reqwest::Client {
    maloca_hub::trust::tls::install_provider();
    let builder = reqwest::Client::builder().no_proxy().tls_danger_accept_invalid_certs(true);
    builder.build().expect("a client")
}

/// An observation with the note `own_id`, and a photo where one is given.
///
/// # Panics
/// Never, with notes that fit into a record.
#[must_use]
pub fn record(key: &DeviceKey, own_id: &str, photo: Option<&[u8]>) -> ValidRevision {
    let mut draft = Draft::new("observation", DocId::from_source("test", own_id), 1_795_000_000_000);
    draft.set.insert("notes".into(), own_id.into());
    draft.set.insert("category".into(), "logging".into());
    draft.attach.extend(photo.map(|photo| Attachment {
        hash: MediaHash::of(photo),
        name: format!("{own_id}.jpg"),
        media_type: "image/jpeg".into(),
        size: photo.len() as u64,
        taken_at: None,
    }));
    draft.sign(key).expect("a sound revision")
}

/// A device that has joined.
#[derive(Clone)]
pub struct RawDevice {
    /// Its key.
    pub key: DeviceKey,
    /// Its bearer token.
    pub token: String,
    client: reqwest::Client,
    base: String,
}

impl RawDevice {
    /// Joins a hub with a key grown from one byte.
    ///
    /// # Panics
    /// Where the hub does not let it in.
    pub async fn join(hub: &TestHub, seed: u8) -> Self {
        Self::join_as(hub, DeviceKey::from_seed([seed; 32]), &format!("Raw {seed}")).await
    }

    /// Joins a hub with a key and a name.
    ///
    /// # Panics
    /// Where the hub does not let it in.
    pub async fn join_as(hub: &TestHub, key: DeviceKey, name: &str) -> Self {
        let hub_id: DeviceId = hub.id().parse().expect("a hub id");
        let request = PairRequest::new(&key, &hub_id, name, CODE, None);
        let (client, base) = (client(), format!("{}{BASE}", hub.https()));
        let answer = client.post(format!("{base}/pair")).json(&request).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        let answer: Value = answer.json().await.expect("JSON");
        let token = answer["token"].as_str().expect("a token").to_owned();
        Self { key, token, client, base }
    }

    /// A device that has joined before, in another process.
    #[must_use]
    pub fn known(hub: &TestHub, seed: u8, token: &str) -> Self {
        let (key, base) = (DeviceKey::from_seed([seed; 32]), format!("{}{BASE}", hub.https()));
        Self { key, token: token.to_owned(), client: client(), base }
    }

    /// The same device at a hub that was started again, and has other ports.
    #[must_use]
    pub fn at(&self, hub: &TestHub) -> Self {
        Self { key: self.key.clone(), token: self.token.clone(), client: client(), base: format!("{}{BASE}", hub.https()) }
    }

    /// A call with the device's token.
    pub fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    /// Sends a call and reads the JSON of its answer.
    ///
    /// # Panics
    /// Where the hub does not answer with that status, or not with JSON.
    pub async fn json(&self, request: RequestBuilder, expected: StatusCode) -> Value {
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("a text");
        assert_eq!(status, expected, "{text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Asks for something.
    pub async fn get(&self, path: &str) -> Value {
        self.json(self.call(Method::GET, path), StatusCode::OK).await
    }

    /// Sends lines to the signed door.
    ///
    /// # Panics
    /// Where the batch as a whole is refused.
    pub async fn send(&self, lines: impl AsRef<[u8]>) -> BatchAnswer {
        let request = self.call(Method::POST, "/revisions").body(lines.as_ref().to_vec());
        serde_json::from_value(self.json(request, StatusCode::OK).await).expect("a batch's answer")
    }

    /// A first revision of a document, with one note.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn observation(&self, own_id: &str, note: &str) -> ValidRevision {
        let mut draft = Draft::new("observation", DocId::from_source("raw", own_id), 1_700_000_000_000);
        draft.set = members(json!({ "notes": note, "category": "test", "location": { "lat": -6.48, "lon": -76.36 } }));
        draft.sign(&self.key).expect("a sound revision")
    }

    /// A revision that changes some properties, upon `parents`.
    ///
    /// # Panics
    /// Where it is not sound.
    #[must_use]
    pub fn edit(&self, doc: DocId, parents: &[&ValidRevision], set: Value) -> ValidRevision {
        let mut draft = Draft::new("observation", doc, 1_700_000_001_000);
        draft.parents = parents.iter().map(|parent| parent.id()).collect();
        draft.set = members(set);
        draft.sign(&self.key).expect("a sound revision")
    }

    /// Begins an upload; with `body` in the same request where given.
    ///
    /// # Panics
    /// Where the hub does not answer.
    pub async fn upload(&self, size: usize, hash: Option<MediaHash>, body: Option<Vec<u8>>) -> Response {
        let mut request =
            self.call(Method::POST, "/media/uploads").header("tus-resumable", "1.0.0").header("upload-length", size);
        if let Some(hash) = hash {
            let value = data_encoding::BASE64.encode(hash.to_string().as_bytes());
            request = request.header("upload-metadata", format!("hash {value}"));
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/offset+octet-stream").body(body);
        }
        request.send().await.expect("an answer")
    }

    /// Sends a piece of an upload.
    ///
    /// # Panics
    /// Where the hub does not answer.
    pub async fn piece(&self, location: &str, offset: usize, body: Vec<u8>) -> Response {
        let path = location.strip_prefix(BASE).unwrap_or(location);
        let request = self.call(Method::PATCH, path).header("tus-resumable", "1.0.0").header("upload-offset", offset);
        request.header("content-type", "application/offset+octet-stream").body(body).send().await.expect("an answer")
    }
}

/// The members of a JSON object.
fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other} is no object"),
    }
}

/// Lines of envelopes.
#[must_use]
pub fn lines(revisions: &[&ValidRevision]) -> Vec<u8> {
    revisions.iter().flat_map(|revision| [revision.envelope(), b"\n".to_vec()].concat()).collect()
}
