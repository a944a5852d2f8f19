//! 100 outbox scripts: those of named situations, and walks that dice have drawn.

use maloca_protocol::client::outbox::Rows as _;
use maloca_protocol::{DeviceId, DeviceKey, DocId, Draft, RevisionId, ValidRevision, document};
use serde_json::{Value, json};

use crate::Dice;
use crate::script::{Player, SEED};

const SCRIPTS: usize = 100;

pub(crate) fn file() -> Value {
    let mut scripts: Vec<Value> = named();
    let mut dice = Dice(173);
    while scripts.len() < SCRIPTS {
        let name = format!("walk {}", scripts.len());
        scripts.push(walk(&name, &mut dice));
    }
    json!({
        "about": "After each step: the queue for each hub in order, all drafts, version and version_synced of each document, what is parked by whom. The device's key grows from device_seed.",
        "device_seed": data_encoding::HEXLOWER.encode(&SEED),
        "scripts": scripts,
    })
}

/// A script that is being written while it is played.
struct Script {
    name: String,
    player: Player,
    steps: Vec<Value>,
    at: i64,
}

fn hub(number: u8) -> DeviceId {
    DeviceKey::from_seed([200 + number; 32]).id()
}

fn doc(number: usize) -> DocId {
    DocId::from_source("outbox", &number.to_string())
}

impl Script {
    fn new(name: &str, hubs: u8) -> Self {
        let mut script = Self { name: name.into(), player: Player::new(), steps: Vec::new(), at: 1_795_000_000_000 };
        for number in 0..hubs {
            script.step(json!({ "do": "hub", "hub": hub(number) }));
        }
        script
    }

    fn step(&mut self, mut step: Value) -> Value {
        let expect = self.player.play(&step);
        let result = expect["result"].clone();
        step["expect"] = expect;
        self.steps.push(step);
        result
    }

    fn edit(&mut self, number: usize, edit: Value) {
        self.at += 1_000;
        let at = self.at;
        self.step(json!({ "do": "edit", "doc": doc(number), "at": at, "edit": edit }));
    }

    fn set(&mut self, number: usize, value: Value) {
        self.edit(number, json!({ "set": { "notes": value } }));
    }

    /// What is taken for a hub, as ids.
    fn take(&mut self, of: u8, limit: usize) -> Vec<RevisionId> {
        let lines = self.step(json!({ "do": "take", "hub": hub(of), "limit": limit }));
        let id = |line: &Value| {
            let envelope: Value = serde_json::from_str(line.as_str().expect("a line")).expect("an envelope");
            envelope["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")
        };
        lines.as_array().into_iter().flatten().map(id).collect()
    }

    fn ack(&mut self, of: u8, ids: &[RevisionId]) {
        for id in ids {
            self.step(json!({ "do": "ack", "hub": hub(of), "revision": id }));
        }
    }

    fn refuse(&mut self, of: u8, id: RevisionId) {
        self.step(json!({ "do": "refuse", "hub": hub(of), "revision": id, "code": "too_new", "detail": "Not yet." }));
    }

    /// Another device's edit upon what is known here, pulled.
    fn pull(&mut self, of: u8, number: usize, name: &str, value: Value, upon: Option<Vec<RevisionId>>) {
        let history = self.player.memory.history(&doc(number)).expect("memory");
        let revisions: Vec<&ValidRevision> = history.iter().map(|kept| &kept.revision).collect();
        let heads = document::merge(doc(number), revisions).map_or_else(Vec::new, |merged| merged.heads);
        self.at += 1_000;
        let mut draft = Draft::new("observation", doc(number), self.at);
        draft.parents = upon.unwrap_or(heads);
        draft.set.insert(name.into(), value);
        let revision = draft.sign(&DeviceKey::from_seed([99; 32])).expect("a sound draft");
        let line = String::from_utf8(revision.envelope()).expect("canonical JSON is text");
        self.step(json!({ "do": "pull", "hub": hub(of), "line": line }));
    }

    fn simple(&mut self, what: &str, of: u8) {
        self.step(json!({ "do": what, "hub": hub(of) }));
    }

    fn done(self) -> Value {
        json!({ "name": self.name, "steps": self.steps })
    }
}

fn script(name: &str, hubs: u8, write: impl FnOnce(&mut Script)) -> Value {
    let mut script = Script::new(name, hubs);
    write(&mut script);
    script.done()
}

/// A document that a hub has.
fn settled(s: &mut Script, number: usize) -> Vec<RevisionId> {
    s.set(number, json!("first"));
    let ids = s.take(0, 10);
    s.ack(0, &ids);
    ids
}

fn named() -> Vec<Value> {
    let photo = json!({ "hash": "ab".repeat(32), "name": "a.jpg", "type": "image/jpeg", "size": 1 });
    vec![
        script("edit twice before any offer: one revision", 1, |s| {
            s.set(1, json!("a"));
            s.set(1, json!("b"));
            let ids = s.take(0, 10);
            s.ack(0, &ids);
        }),
        script("set back to what the hub has: nothing waits", 1, |s| {
            settled(s, 1);
            s.set(1, json!("second"));
            s.set(1, json!("first"));
            s.simple("settle", 0);
        }),
        script("the same edit twice: the second changes nothing", 1, |s| {
            s.set(1, json!("a"));
            s.set(1, json!("a"));
            s.edit(1, json!({}));
        }),
        script("edit while in flight: a second revision upon the first", 1, |s| {
            s.set(1, json!("a"));
            let ids = s.take(0, 10);
            s.set(1, json!("b"));
            s.ack(0, &ids);
            let more = s.take(0, 10);
            s.ack(0, &more);
        }),
        script("lost answer, then an edit, then again: one root", 1, |s| {
            s.set(1, json!("a"));
            s.take(0, 10);
            s.set(1, json!("b"));
            let ids = s.take(0, 10);
            s.ack(0, &ids);
            s.ack(0, &ids);
        }),
        script("create, then refer, then edit the first: the first stays first", 1, |s| {
            s.set(1, json!("a"));
            s.edit(2, json!({ "set": { "refers_to": doc(1) } }));
            s.set(1, json!("b"));
            s.take(0, 1);
            s.take(0, 10);
        }),
        script("an edit of what is there goes to the end", 1, |s| {
            settled(s, 1);
            s.set(1, json!("b"));
            s.set(2, json!("x"));
            s.set(1, json!("c"));
            s.take(0, 10);
        }),
        script("made and deleted before any offer: gone", 1, |s| {
            s.set(1, json!("a"));
            s.edit(1, json!({ "deleted": true }));
            s.set(1, json!("again"));
        }),
        script("deleted after the offer: a revision that says so", 1, |s| {
            settled(s, 1);
            s.edit(1, json!({ "deleted": true }));
            s.edit(1, json!({ "deleted": false }));
            s.edit(1, json!({ "deleted": true }));
            let ids = s.take(0, 10);
            s.ack(0, &ids);
            s.set(1, json!("still deleted"));
            s.edit(1, json!({ "deleted": false }));
        }),
        script("deleting what never was", 1, |s| s.edit(1, json!({ "deleted": true }))),
        script("a pull beneath a draft: a conflict afterwards, nothing overwritten", 1, |s| {
            settled(s, 1);
            s.set(1, json!("mine"));
            s.pull(0, 1, "notes", json!("theirs"), None);
            s.set(1, json!("mine still"));
            s.take(0, 10);
            s.set(1, json!("mine still"));
        }),
        script("writing the shown value of a conflict ends it", 1, |s| {
            let first = settled(s, 1);
            s.pull(0, 1, "notes", json!("x"), Some(first.clone()));
            s.pull(0, 1, "notes", json!("y"), Some(first));
            for value in ["x", "y"] {
                s.set(1, json!(value));
            }
            s.take(0, 10);
        }),
        script("unsetting in a conflict ends it", 1, |s| {
            let first = settled(s, 1);
            s.pull(0, 1, "notes", json!("x"), Some(first.clone()));
            s.pull(0, 1, "notes", json!("y"), Some(first));
            s.edit(1, json!({ "unset": ["notes"] }));
            s.take(0, 10);
        }),
        script("refused: parked, and in nobody's way", 1, |s| {
            s.set(1, json!("a"));
            s.set(2, json!("b"));
            let ids = s.take(0, 10);
            s.refuse(0, ids[0]);
            s.ack(0, &ids[1..]);
            s.set(1, json!("c"));
            s.pull(0, 2, "notes", json!("theirs"), None);
            s.take(0, 10);
        }),
        script("a draft that breaks a rule: parked by the device until it is edited", 1, |s| {
            s.edit(1, json!({ "set": { "n": 1e20 } }));
            s.set(2, json!("x"));
            s.take(0, 10);
            s.edit(1, json!({ "set": { "n": 1 } }));
            s.take(0, 10);
        }),
        script("two hubs: each is told, each acknowledges for itself", 2, |s| {
            s.set(1, json!("a"));
            let ids = s.take(0, 10);
            s.ack(0, &ids);
            s.set(1, json!("b"));
            let all = s.take(1, 10);
            s.ack(1, &all);
            let rest = s.take(0, 10);
            s.ack(0, &rest);
        }),
        script("a hub that is met later is offered everything", 1, |s| {
            settled(s, 1);
            s.set(2, json!("b"));
            s.step(json!({ "do": "hub", "hub": hub(1) }));
            s.take(1, 10);
        }),
        script("a hub that was restored is offered everything again", 1, |s| {
            let ids = settled(s, 1);
            s.simple("offer_everything", 0);
            s.take(0, 10);
            s.ack(0, &ids);
        }),
        script("a parked revision is offered again to a hub that is another", 1, |s| {
            s.set(1, json!("a"));
            let ids = s.take(0, 10);
            s.refuse(0, ids[0]);
            s.simple("offer_everything", 0);
        }),
        script("the answer was lost, and the feed brings it", 1, |s| {
            s.set(1, json!("a"));
            let ids = s.take(0, 10);
            let kept = s.player.memory.revision(&doc(1), &ids[0]).expect("memory").expect("kept");
            let line = String::from_utf8(kept.revision.envelope()).expect("canonical JSON is text");
            s.step(json!({ "do": "pull", "hub": hub(0), "line": line }));
        }),
        script("an own revision from before a restore", 2, |s| {
            let mut draft = Draft::new("observation", doc(1), 1_795_000_000_000);
            draft.set.insert("notes".into(), json!("before"));
            let revision = draft.sign(&DeviceKey::from_seed(SEED)).expect("a sound draft");
            let line = String::from_utf8(revision.envelope()).expect("canonical JSON is text");
            s.step(json!({ "do": "pull", "hub": hub(0), "line": line }));
            s.set(1, json!("after"));
        }),
        script("a photo attached, taken off, attached again", 1, |s| {
            s.edit(1, json!({ "attach": [photo] }));
            let ids = s.take(0, 10);
            s.ack(0, &ids);
            s.edit(1, json!({ "detach": ["ab".repeat(32)] }));
            s.edit(1, json!({ "attach": [photo] }));
            s.edit(1, json!({ "detach": ["ab".repeat(32)] }));
            s.take(0, 10);
        }),
        script("without any hub everything stays a draft", 0, |s| {
            s.set(1, json!("a"));
            s.set(2, json!("b"));
            s.set(1, json!("c"));
            s.step(json!({ "do": "hub", "hub": hub(0) }));
        }),
        script("1 and 1.0 are one value", 1, |s| {
            s.set(1, json!(1));
            let ids = s.take(0, 10);
            s.ack(0, &ids);
            s.set(1, json!(1.0));
            s.set(1, json!(1.5));
        }),
    ]
}

/// A walk of some twelve steps among three documents and two hubs.
fn walk(name: &str, dice: &mut Dice) -> Value {
    let mut s = Script::new(name, 2);
    for _ in 0..12 {
        let (number, of) = (dice.roll(3), dice.roll(2) as u8);
        let waiting: Vec<RevisionId> =
            s.player.memory.waiting(&hub(of), 0, usize::MAX).expect("memory").iter().map(|waiting| waiting.id).collect();
        match dice.roll(12) {
            0..=3 => s.set(number, json!(dice.of(&["a", "b", "c"]))),
            4 => s.edit(number, json!({ "unset": ["notes"], "set": { "count": dice.roll(3) } })),
            5 => s.edit(number, json!({ "deleted": dice.one_in(2) })),
            6 | 7 => drop(s.take(of, 1 + dice.roll(3))),
            8 | 9 if !waiting.is_empty() => {
                let id = dice.of(&waiting);
                s.ack(of, &[id]);
            }
            10 if !waiting.is_empty() && dice.one_in(2) => {
                let id = dice.of(&waiting);
                s.refuse(of, id);
            }
            10 if dice.one_in(4) => s.simple("offer_everything", of),
            11 if dice.one_in(3) => s.simple("settle", of),
            _ => {
                let name = dice.of(&["notes", "count"]);
                let value = json!(dice.of(&["a", "d"]));
                let upon = dice.one_in(3).then(Vec::new);
                s.pull(of, number, name, value, upon);
            }
        }
    }
    s.done()
}
