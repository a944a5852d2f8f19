//! Devices whose clock is off by up to thirty years, and steps during a sync.
//!
//! Each fault is a contact whose calls tell wild times in `Maloca-Clock`, other ones in each call, and whose revisions were made at
//! wild times. All must arrive as they are, `created_at` unchanged; what is shown must be the merge that knows no clock;
//! `received_at` must be the hub's; the manager's card must tell by how much the clock was off last; receipts must be sound. The
//! hub's own clock and that of the client's engine are the machine's and are not stepped here: nothing here can (libfaketime is
//! not at hand). Planted bugs: see [`Lie`].

use maloca_protocol::fingerprint::{Fingerprint, FingerprintKey};
use maloca_protocol::rest::{CLOCK_HEADER, SignedReceipt};
use maloca_protocol::{DeviceId, DocId, Draft, MediaHash, RevisionId, ValidRevision, document, time};
use rand::RngExt as _;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::held::{Model, Photo};
use super::{Row, Run};
use crate::device::{RawDevice, lines};
use crate::hub::{TestHub, fast_folder, verify};
use crate::manager::Manager;

/// See the module.
pub static ROW: Row = Row {
    name: "clocks",
    what: "contacts of devices whose clock is off by years and steps",
    short: 50,
    mark: 5_000,
    chunk: 250,
    lan: None,
    run: |run| with(run, Lie::None),
};

/// What is planted to see that the row notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// Nothing.
    None,
    /// The hub is expected to put its own time in the place of one that is off.
    Mended,
    /// The last by the clock is expected to win.
    LastByClock,
}

/// Thirty years, in milliseconds.
const FAR: i64 = 30 * 365 * 86_400_000;

/// A device at its contacts.
struct Contact {
    device: RawDevice,
    random: rand::rngs::StdRng,
    /// What its clock said in the call before, in milliseconds since 1970.
    clock: i64,
}

impl Contact {
    /// A call, before which the clock has stepped.
    fn call(&mut self, method: Method, path: &str) -> RequestBuilder {
        self.clock = wild(&mut self.random);
        let request = self.device.call(method, path);
        match self.random.random_range(0..12) {
            // What is no number, or none that a clock shows, does no harm.
            0 => request.header(CLOCK_HEADER, ["yesterday", "", "1e9", "99999999999999999999"][self.random.random_range(0..4)]),
            1 => request.header(CLOCK_HEADER, [i64::MIN, i64::MAX][self.random.random_range(0..2)]),
            2 => request,
            _ => request.header(CLOCK_HEADER, self.clock),
        }
    }

    /// A revision made at a wild time.
    fn revision(&mut self, doc: DocId, parents: &[RevisionId], notes: &str) -> ValidRevision {
        let mut draft = Draft::new("observation", doc, wild(&mut self.random));
        draft.parents = parents.to_vec();
        draft.set.insert("notes".into(), json!(notes));
        draft.sign(&self.device.key).expect("sound")
    }
}

/// A time that is off by up to thirty years.
fn wild(random: &mut rand::rngs::StdRng) -> i64 {
    time::now_millis() + random.random_range(-FAR..=FAR)
}

/// Runs the row, perhaps with a planted bug.
///
/// # Panics
/// At the first thing that is not as promised.
pub fn with(run: &mut Run, lie: Lie) {
    Run::block_on(inflict(run, lie));
}

async fn inflict(run: &mut Run, lie: Lie) {
    let data = fast_folder();
    let hub = TestHub::start(data.path());
    let manager = Manager::of(&hub);
    let mut model = Model::default();
    let id: DeviceId = hub.id().parse().expect("an id");
    let key = FingerprintKey::of(&manager.project().await);
    let mut devices: Vec<(RawDevice, Fingerprint)> = Vec::new();
    for seed in 1..=5 {
        devices.push((RawDevice::join(&hub, seed).await, Fingerprint::default()));
    }
    while run.done < run.count {
        let (device, fingerprint) = &mut devices[run.random.random_range(0..5)];
        let random = rand::SeedableRng::seed_from_u64(run.random.random());
        let mut contact = Contact { device: device.clone(), random, clock: 0 };
        let chain = contact_with(&mut contact, &mut model, fingerprint, &key, &manager, lie).await;
        run.count("documents", chain);
        run.done += 1;
    }
    let feed = manager.feed().await;
    model.check(&feed, &id);
    assert!(feed.revisions.len() >= model.sent.len(), "everything has arrived");
    model.check_bytes(&manager, model.held.iter().copied()).await;
    run.count("revisions", model.sent.len() as u64);
    assert!(hub.stop().success());
    verify(data.path());
}

/// One contact: state, revisions, a plain item, a photo, state.
async fn contact_with(
    contact: &mut Contact,
    model: &mut Model,
    fingerprint: &mut Fingerprint,
    key: &FingerprintKey,
    manager: &Manager,
    lie: Lie,
) -> u64 {
    let begun = time::now_millis();
    let own_id: u128 = contact.random.random();
    let (line, fork) = (DocId::from_source("line", &own_id.to_string()), DocId::from_source("fork", &own_id.to_string()));
    // Each says more than the one before, whenever its clock says it was.
    let mut history = vec![contact.revision(line, &[], "0")];
    for n in 1..contact.random.random_range(2..6) {
        history.push(contact.revision(line, &[history[n - 1].id()], &n.to_string()));
    }
    let root = contact.revision(fork, &[], "root");
    let sides = ["one", "two", "three"].map(|notes| contact.revision(fork, &[root.id()], notes));
    let all: Vec<ValidRevision> = [history.clone(), vec![root], sides.to_vec()].concat();
    model.sends(&all);
    for part in all.chunks(3) {
        let request = contact.call(Method::POST, "/revisions").body(lines(&part.iter().collect::<Vec<_>>()));
        let answer = contact.device.json(request, StatusCode::OK).await;
        assert_eq!(answer["results"], json!([{ "from": 1, "to": part.len(), "status": "stored" }]));
        for revision in part {
            model.acknowledged.insert(revision.id());
            fingerprint.add(key, &revision.id());
        }
    }
    let item = json!({ "source": "sensor", "observations": [{ "id": own_id.to_string(), "set": { "notes": "plain" } }] });
    let request = contact.call(Method::POST, "/observations").json(&item);
    assert_eq!(contact.device.json(request, StatusCode::OK).await["results"][0]["status"], "stored");
    let photo = Photo::new(&mut contact.random, 5_000);
    let hash = MediaHash::of(&photo.bytes());
    let request = contact.call(Method::POST, "/media/uploads").header("tus-resumable", "1.0.0");
    let request = request.header("upload-length", photo.len).header("content-type", "application/offset+octet-stream");
    assert_eq!(request.body(photo.bytes()).send().await.expect("an answer").status(), StatusCode::CREATED);
    model.photos.insert(hash, photo);
    model.held.insert(hash);
    is_shown_as_it_was(manager, line, &history, begun, lie).await;
    is_shown_as_it_was(manager, fork, &all[history.len()..], begun, lie).await;
    // The last word of the contact comes with a clock that can be read, or the card would tell of an earlier one.
    contact.clock = wild(&mut contact.random);
    let state = json!({ "unsent": { "revisions": 0, "media": 0, "media_bytes": 0 }, "author": fingerprint });
    let request = contact.device.call(Method::POST, "/state").header(CLOCK_HEADER, contact.clock).json(&state);
    let before = time::now_millis();
    let receipt = contact.device.json(request, StatusCode::OK).await;
    let after = time::now_millis();
    let signed: SignedReceipt = serde_json::from_value(receipt).expect("a receipt");
    assert!(signed.is_valid() && signed.receipt.author == *fingerprint, "{signed:?}");
    let at = time::parse_millis(&signed.receipt.at).expect("a time");
    assert!((before..=after).contains(&at), "the receipt's time is the hub's");
    let card = manager.card(&contact.device.key.id()).await;
    let offset = card["clock_offset_ms"].as_i64().expect("an offset on the card");
    assert!((contact.clock - after..=contact.clock - before).contains(&offset), "the card says {offset}: {card}");
    assert_eq!(card["state"], "in_sync", "{card}");
    2
}

/// Times are shown as they were told, and no order rests on them.
async fn is_shown_as_it_was(manager: &Manager, doc: DocId, history: &[ValidRevision], begun: i64, lie: Lie) {
    let served = manager.document(&doc).await.expect("a document");
    let merged = document::merge(doc, history).expect("a document");
    assert!(served == merged.canonical(), "what is shown is not the merge");
    let shown: Value = serde_json::from_slice(&served).expect("JSON");
    let told = manager.get(&format!("/observations/{doc}")).await;
    let received = time::parse_millis(told["received_at"].as_str().expect("a text")).expect("a time");
    assert!((begun..=time::now_millis()).contains(&received), "received_at is {received}, not the hub's time");
    let made = if lie == Lie::Mended { received } else { history[0].content().created_at };
    assert_eq!(shown["created_at"], json!(time::format_millis(made)), "created_at is not what the device said");
    // By depth and id: in a line the last, in a fork the greatest of the sides.
    let heads: Vec<&ValidRevision> =
        history.iter().filter(|one| !history.iter().any(|other| other.content().parents.contains(&one.id()))).collect();
    let last = match lie {
        Lie::LastByClock => history.iter().max_by_key(|revision| revision.content().created_at),
        Lie::None | Lie::Mended => heads.into_iter().max_by_key(|revision| revision.id()),
    };
    let expected = &last.expect("a head").content().set["notes"];
    assert_eq!(&shown["set"]["notes"], expected, "what is shown rests on a clock");
}
