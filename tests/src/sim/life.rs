//! What devices do in a hub's life, at random: join, send, edit, delete, repeat, upload in one and in pieces, ask; one after
//! the other or several at once.

use axum::body::Body;
use axum::http::Request;
use futures_util::future::join_all;
use maloca_protocol::rest::PairRequest;
use maloca_protocol::revision::Attachment;
use maloca_protocol::{DeviceKey, DocId, Draft, MediaHash, ValidRevision};
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use serde_json::json;

use super::hub::{Answer, CODE, SimHub, request};
use super::model::{Begun, Joined, Model, Photo, lines, state};

/// One thing that somebody does.
enum Deed {
    Join(Box<DeviceKey>),
    Batch {
        token: String,
        revisions: Vec<ValidRevision>,
    },
    Plain {
        token: String,
        doc: String,
        id: String,
        word: String,
    },
    Small {
        token: String,
        hash: MediaHash,
    },
    Create {
        token: String,
        hash: MediaHash,
    },
    Piece {
        upload: Begun,
        until: u64,
    },
    Name(String),
    State {
        token: String,
    },
    /// `held`: whether it was acknowledged before anybody asked; what is uploaded at the same time may be seen or not.
    Look {
        hash: MediaHash,
        held: bool,
    },
}

/// Who lives in the village of a simulation.
pub struct Life {
    /// Chance.
    pub random: StdRng,
    /// What is known.
    pub model: Model,
    count: u64,
    /// The batch that was answered with an error last, and whose it was.
    unanswered: Option<(String, Vec<ValidRevision>)>,
    /// Someone who sends through others, and may join later.
    stranger: DeviceKey,
}

impl Life {
    /// A life of its own.
    #[must_use]
    pub fn new(mut random: StdRng, believes_too_soon: bool) -> Self {
        let stranger = DeviceKey::from_seed(random.random());
        let model = Model { believes_too_soon, names: vec!["Maloca".into()], ..Model::default() };
        Self { random, model, count: 0, unanswered: None, stranger }
    }

    /// The same life so far, going on by another chance.
    #[must_use]
    pub fn fork(&self, seed: u64) -> Self {
        let (random, stranger) = (StdRng::seed_from_u64(seed), self.stranger.clone());
        Self { random, model: self.model.clone(), count: self.count, unanswered: None, stranger }
    }

    /// Lets some deeds happen, up to `most`; gives how many were answered with yes.
    pub async fn live(&mut self, hub: &SimHub, most: usize) -> usize {
        let mut yes = 0;
        let mut left = self.random.random_range(1..=most);
        while left > 0 {
            let together = if self.random.random_range(0..3) == 0 { self.random.random_range(1..=left.min(4)) } else { 1 };
            left -= together;
            let deeds: Vec<Deed> = (0..together).map(|_| self.deed()).collect();
            let requests: Vec<Request<Body>> = deeds.iter().map(|deed| self.request(hub, deed)).collect();
            let answers = join_all(requests.into_iter().map(|request| hub.ask(request))).await;
            for (deed, answer) in deeds.into_iter().zip(answers) {
                yes += usize::from(answer.is_yes());
                self.answered(deed, &answer);
            }
        }
        yes
    }

    /// Sends one new observation; gives the refusal where it was not taken.
    ///
    /// # Errors
    /// What the hub said.
    pub async fn probe(&mut self, hub: &SimHub) -> Result<(), Answer> {
        if self.model.devices.is_empty() {
            let deed = Deed::Join(Box::new(DeviceKey::from_seed(self.random.random())));
            let answer = hub.ask(self.request(hub, &deed)).await;
            self.answered(deed, &answer);
            if !answer.is_yes() {
                return Err(answer);
            }
        }
        let token = self.model.devices[0].token.clone();
        let revisions = vec![self.observation(0)];
        self.model.sending(&revisions);
        let deed = Deed::Batch { token, revisions };
        let answer = hub.ask(self.request(hub, &deed)).await;
        self.answered(deed, &answer);
        if answer.is_yes() { Ok(()) } else { Err(answer) }
    }

    /// Sends once more what was answered with an error last, if anything was; says whether it was taken now.
    pub async fn repeat(&mut self, hub: &SimHub) -> Option<Result<(), Answer>> {
        let (token, revisions) = self.unanswered.take()?;
        let deed = Deed::Batch { token, revisions };
        let answer = hub.ask(self.request(hub, &deed)).await;
        self.answered(deed, &answer);
        Some(if answer.is_yes() { Ok(()) } else { Err(answer) })
    }

    /// Ends every upload that was begun, from the offset that the hub tells; nothing is wrong any more, so each must succeed. Only one
    /// of which all was sent once may have to be begun again.
    ///
    /// # Panics
    /// Where an upload cannot go on from where the hub said that it stands.
    pub async fn finish_uploads(&mut self, hub: &SimHub) {
        for upload in std::mem::take(&mut self.model.uploads) {
            let until = self.model.photos[&upload.hash].bytes.len() as u64;
            let again = upload.may_have_ended.then(|| Deed::Small { token: upload.token.clone(), hash: upload.hash });
            let deed = Deed::Piece { upload, until };
            let answer = hub.ask(self.request(hub, &deed)).await;
            self.answered(deed, &answer);
            if let (404, Some(deed)) = (answer.status, again) {
                let answer = hub.ask(self.request(hub, &deed)).await;
                assert!(answer.is_yes(), "an upload cannot be begun again: {answer:?}");
                self.answered(deed, &answer);
            } else {
                assert!(answer.is_yes(), "an upload cannot go on from its offset: {answer:?}");
            }
        }
    }

    fn deed(&mut self) -> Deed {
        let devices = self.model.devices.len();
        if devices == 0 {
            return Deed::Join(Box::new(DeviceKey::from_seed(self.random.random())));
        }
        let device = self.random.random_range(0..devices);
        let token = self.model.devices[device].token.clone();
        match self.random.random_range(0..20) {
            0 if devices < 5 => {
                let mut key = DeviceKey::from_seed(self.random.random());
                if self.random.random() {
                    // The stranger joins, once: a second token would void the first. From now on somebody else is the stranger.
                    std::mem::swap(&mut key, &mut self.stranger);
                }
                Deed::Join(Box::new(key))
            }
            0..=7 => {
                let revisions: Vec<ValidRevision> = (0..self.random.random_range(1..5)).map(|_| self.revision(device)).collect();
                self.model.sending(&revisions);
                Deed::Batch { token, revisions }
            }
            8 => {
                // Again, whether or not it was answered.
                let known: Vec<ValidRevision> = self.model.revisions.values().map(|(revision, _)| revision.clone()).collect();
                let revisions = (0..known.len().min(3)).map(|_| known[self.random.random_range(0..known.len())].clone());
                let mut revisions: Vec<ValidRevision> = revisions.collect();
                revisions.sort_by_key(ValidRevision::id);
                revisions.dedup_by_key(|revision| revision.id());
                if revisions.is_empty() { Deed::State { token } } else { Deed::Batch { token, revisions } }
            }
            9 | 10 => {
                self.count += 1;
                let id = format!("item {}", self.random.random_range(0..6));
                let word = format!("word {}", self.count);
                let doc = DocId::from_source(&format!("plain {} a sensor", self.model.devices[device].key.id()), &id).to_string();
                if let Some(words) = self.model.plain.get_mut(&doc) {
                    words.push(word.clone());
                }
                Deed::Plain { token, doc, id, word }
            }
            11..=13 => Deed::Small { token, hash: self.photo() },
            14 => Deed::Create { token, hash: self.photo() },
            15 | 16 if !self.model.uploads.is_empty() => {
                let n = self.random.random_range(0..self.model.uploads.len());
                let upload = self.model.uploads.swap_remove(n);
                let size = self.model.photos[&upload.hash].bytes.len() as u64;
                let until = if self.random.random() { size } else { self.random.random_range(upload.offset..=size) };
                Deed::Piece { upload, until }
            }
            17 => {
                self.count += 1;
                let name = format!("Maloca {}", self.count);
                self.model.names.push(name.clone());
                Deed::Name(name)
            }
            18 if !self.model.photos.is_empty() => {
                let n = self.random.random_range(0..self.model.photos.len());
                let (hash, photo) = self.model.photos.iter().nth(n).expect("it was counted");
                Deed::Look { hash: *hash, held: photo.acknowledged }
            }
            _ => Deed::State { token },
        }
    }

    fn revision(&mut self, device: usize) -> ValidRevision {
        let known = self.model.revisions.len();
        if known == 0 || self.random.random_range(0..3) == 0 {
            return self.observation(device);
        }
        let (before, _) = self.model.revisions.values().nth(self.random.random_range(0..known)).expect("it was counted");
        let (doc, parent) = (before.content().doc, before.id());
        self.count += 1;
        let mut draft = Draft::new("observation", doc, self.random.random_range(-1_000_000..4_000_000_000_000));
        if self.random.random_range(0..8) > 0 {
            draft.parents = vec![parent];
        }
        draft.deleted = self.random.random_range(0..8) == 0;
        draft.set.insert((if self.random.random() { "notes" } else { "category" }).into(), json!(format!("edit {}", self.count)));
        draft.sign(&self.key(device)).expect("a sound revision")
    }

    fn observation(&mut self, device: usize) -> ValidRevision {
        self.count += 1;
        let own_id = format!("{} {}", self.count, self.random.random::<u64>());
        let mut draft = Draft::new("observation", DocId::from_source("life", &own_id), 1_700_000_000_000);
        draft.set.insert("notes".into(), json!(own_id));
        if self.random.random_range(0..3) == 0 {
            let hash = self.photo();
            let size = self.model.photos[&hash].bytes.len() as u64;
            draft.attach.push(Attachment { hash, name: "a.jpg".into(), media_type: "image/jpeg".into(), size, taken_at: None });
        }
        draft.sign(&self.key(device)).expect("a sound revision")
    }

    /// A device's own key; now and then that of the stranger, whom it carries.
    fn key(&mut self, device: usize) -> DeviceKey {
        if self.random.random_range(0..6) == 0 { self.stranger.clone() } else { self.model.devices[device].key.clone() }
    }

    /// A new photo, or one of those that were begun.
    fn photo(&mut self) -> MediaHash {
        let known = self.model.photos.len();
        if known > 0 && self.random.random_range(0..3) == 0 {
            return *self.model.photos.keys().nth(self.random.random_range(0..known)).expect("it was counted");
        }
        let size = match self.random.random_range(0..40) {
            0 => 0,
            1 => 1_100_000,
            _ => self.random.random_range(1..6_000),
        };
        let mut bytes = vec![0; size];
        self.random.fill_bytes(&mut bytes);
        let hash = MediaHash::of(&bytes);
        self.model.photos.entry(hash).or_insert(Photo { bytes, acknowledged: false });
        hash
    }

    fn request(&self, hub: &SimHub, deed: &Deed) -> Request<Body> {
        const PIECE: &str = "application/offset+octet-stream";
        let create = |token: &str, hash: &MediaHash| {
            let metadata = format!("hash {}", data_encoding::BASE64.encode(hash.to_string().as_bytes()));
            let request = request("POST", "/media/uploads", token).header("tus-resumable", "1.0.0");
            request.header("upload-length", self.model.photos[hash].bytes.len()).header("upload-metadata", metadata)
        };
        let (builder, body): (_, Body) = match deed {
            Deed::Join(key) => {
                let pair = PairRequest::new(key, &hub.hub.id(), "Device", CODE, None);
                (Request::builder().method("POST").uri("/api/v1/pair"), serde_json::to_vec(&pair).expect("JSON").into())
            }
            Deed::Batch { token, revisions } => (request("POST", "/revisions", token), lines(revisions).into()),
            Deed::Plain { token, id, word, .. } => {
                let body = json!({ "source": "a sensor", "observations": [{ "id": id, "set": { "notes": word } }] });
                (request("POST", "/observations", token), body.to_string().into())
            }
            Deed::Small { token, hash } => {
                let bytes = &self.model.photos[hash].bytes;
                (create(token, hash).header("content-type", PIECE).header("content-length", bytes.len()), bytes.clone().into())
            }
            Deed::Create { token, hash } => (create(token, hash), Body::empty()),
            Deed::Piece { upload, until } => {
                let bytes = self.model.photos[&upload.hash].bytes[upload.offset as usize..*until as usize].to_vec();
                let request = request("PATCH", &upload.location, &upload.token).header("tus-resumable", "1.0.0");
                (request.header("upload-offset", upload.offset).header("content-type", PIECE), bytes.into())
            }
            Deed::Name(name) => (request("PATCH", "/admin/hub", &hub.hub.control), json!({ "name": name }).to_string().into()),
            Deed::State { token } => (request("POST", "/state", token), state().into()),
            Deed::Look { hash, .. } => (request("GET", &format!("/media/{hash}"), &hub.hub.control), Body::empty()),
        };
        builder.body(body).expect("a request")
    }

    fn answered(&mut self, deed: Deed, answer: &Answer) {
        let failed = matches!(answer.status, 0 | 500 | 503 | 507);
        match deed {
            Deed::Join(key) => {
                if answer.is_yes() {
                    let token = answer.json()["token"].as_str().expect("a token").to_owned();
                    self.model.devices.push(Joined { key: *key, token });
                }
            }
            Deed::Batch { token, revisions } => {
                self.model.batch_answered(&revisions, answer);
                if failed {
                    self.unanswered = Some((token, revisions));
                }
            }
            Deed::Plain { doc, word, .. } => {
                if answer.is_yes() {
                    // Of several at once, the last may be any of them.
                    self.model.plain.entry(doc).or_default().push(word);
                }
            }
            Deed::Small { hash, .. } => {
                if answer.is_yes() {
                    assert_eq!(answer.offset, Some(self.model.photos[&hash].bytes.len() as u64), "{answer:?}");
                    self.held(&hash);
                } else {
                    assert!(failed, "a photo got {answer:?}");
                }
            }
            Deed::Create { token, hash } => {
                if answer.is_yes() {
                    let offset = answer.offset.expect("an offset");
                    if offset == self.model.photos[&hash].bytes.len() as u64 {
                        self.held(&hash);
                    } else {
                        let location = answer.location.as_deref().expect("a location").trim_start_matches("/api/v1").to_owned();
                        self.model.uploads.push(Begun { location, token, hash, offset, may_have_ended: false, in_doubt: false });
                    }
                }
            }
            Deed::Piece { upload, until } => {
                let size = self.model.photos[&upload.hash].bytes.len() as u64;
                if answer.is_yes() {
                    assert_eq!(answer.offset, Some(until), "{answer:?}");
                    if until == size {
                        self.held(&upload.hash);
                    } else {
                        self.model.uploads.push(Begun { offset: until, may_have_ended: false, in_doubt: false, ..upload });
                    }
                } else {
                    let is_over = answer.status == 404 && upload.may_have_ended;
                    let stands_elsewhere = answer.status == 409 && upload.in_doubt;
                    assert!(failed || is_over || stands_elsewhere, "a piece got {answer:?}");
                    if !is_over {
                        let may_have_ended = upload.may_have_ended || until == size;
                        self.model.uploads.push(Begun { may_have_ended, in_doubt: true, ..upload });
                    }
                }
            }
            Deed::Name(name) => {
                if answer.is_yes() {
                    // Those that were sent before it are over, unless they were sent with it.
                    let sent = self.model.names.iter().position(|other| *other == name).unwrap_or_default();
                    self.model.names.drain(..sent.saturating_sub(4));
                }
            }
            Deed::State { .. } => assert!(answer.is_yes() || failed, "a state got {answer:?}"),
            Deed::Look { hash, held } => {
                let photo = &self.model.photos[&hash];
                assert!(answer.status != 200 || answer.body == photo.bytes, "a photo is served with wrong bytes");
                assert!(answer.status != 404 || !held, "an acknowledged photo is lost");
            }
        }
    }

    fn held(&mut self, hash: &MediaHash) {
        self.model.photos.get_mut(hash).expect("it was sent").acknowledged = true;
    }
}
