//! How an outbox script is run: shared by the example that writes the vectors and the test that checks them.

use maloca_protocol::client::outbox::memory::Memory;
use maloca_protocol::client::outbox::{Edit, Entry, Outbox, Rows as _, Waiting};
use maloca_protocol::{DeviceId, DeviceKey, DocId, RevisionId, revision};
use serde_json::{Map, Value, json};

/// The seed of the device whose outbox it is.
pub(crate) const SEED: [u8; 32] = [7; 32];

/// A device in memory that plays a script.
pub(crate) struct Player {
    /// Its rows.
    pub(crate) memory: Memory,
    key: DeviceKey,
}

impl Player {
    /// A device that has done nothing yet.
    pub(crate) fn new() -> Self {
        Self { memory: Memory::default(), key: DeviceKey::from_seed(SEED) }
    }

    /// Takes one step, and gives what is then so.
    pub(crate) fn play(&mut self, step: &Value) -> Value {
        let text = |name: &str| step[name].as_str().unwrap_or_default();
        let hub = || text("hub").parse::<DeviceId>().expect("a hub");
        let waiting = |memory: &Memory| {
            let id: RevisionId = text("revision").parse().expect("a revision");
            let own = memory.own().expect("memory").into_iter().find(|own| own.id == id);
            own.expect("an own revision")
        };
        let me = self.key.id();
        let mut result = Value::Null;
        match text("do") {
            "hub" => {
                self.memory.hubs.insert(hub());
                Outbox::new(&mut self.memory, me).offer_everything(&hub()).expect("memory");
            }
            "edit" => {
                let doc: DocId = text("doc").parse().expect("a document");
                let edit: Edit = serde_json::from_value(step["edit"].clone()).expect("an edit");
                let at = step["at"].as_i64().expect("a time");
                let edited = Outbox::new(&mut self.memory, me).edit(doc, "observation", at, &edit).expect("memory");
                result = format!("{edited:?}").to_lowercase().into();
            }
            "take" => {
                let limit = step["limit"].as_u64().expect("a limit") as usize;
                let mut outbox = Outbox::new(&mut self.memory, me);
                let taken = outbox.take(&self.key, &hub(), 0, limit, 1 << 20).expect("memory");
                let line = |(_, revision): &(Waiting, revision::ValidRevision)| {
                    Value::String(String::from_utf8(revision.envelope()).expect("canonical JSON is text"))
                };
                result = taken.iter().map(line).collect();
            }
            "ack" => {
                let item = waiting(&self.memory);
                Outbox::new(&mut self.memory, me).ack(&hub(), &item).expect("memory");
            }
            "refuse" => {
                let item = waiting(&self.memory);
                Outbox::new(&mut self.memory, me).refuse(&hub(), &item, text("code"), text("detail")).expect("memory");
            }
            "pull" => {
                let revision = revision::check(text("line").as_bytes()).expect("a valid line");
                result = Outbox::new(&mut self.memory, me).pull(&hub(), revision).expect("memory").into();
            }
            "offer_everything" => Outbox::new(&mut self.memory, me).offer_everything(&hub()).expect("memory"),
            "settle" => Outbox::new(&mut self.memory, me).settle(&hub()).expect("memory"),
            other => panic!("unknown step {other}"),
        }
        let mut expect = self.state();
        if !result.is_null() {
            expect.insert("result".into(), result);
        }
        Value::Object(expect)
    }

    fn state(&mut self) -> Map<String, Value> {
        let (hubs, me) = (self.memory.hubs.clone(), self.key.id());
        let mut queues = Map::new();
        for hub in &hubs {
            let entries = Outbox::new(&mut self.memory, me).queue(hub, 0, usize::MAX).expect("memory");
            queues.insert(hub.to_string(), entries.iter().map(|entry| self.entry(entry)).collect());
        }
        let drafts: Value = self.memory.drafts.values().map(|doc| self.entry(&Entry::Draft(0, *doc))).collect();
        let docs: Map<String, Value> = self
            .memory
            .locals
            .iter()
            .map(|(doc, local)| (doc.to_string(), json!({ "version": local.version, "version_synced": local.version_synced })))
            .collect();
        let mut parked = Map::new();
        for ((by, _), item) in &self.memory.parked {
            let list = parked.entry(by.to_string()).or_insert_with(|| json!([]));
            if let Value::Array(list) = list {
                list.push(json!({ "doc": item.doc, "revision": item.id, "code": item.code }));
            }
        }
        let mut state = Map::new();
        state.insert("queue".into(), queues.into());
        state.insert("drafts".into(), drafts);
        state.insert("docs".into(), docs.into());
        state.insert("parked".into(), parked.into());
        state
    }

    fn entry(&self, entry: &Entry) -> Value {
        match entry {
            Entry::Frozen(waiting) => json!({ "revision": waiting.id, "doc": waiting.doc }),
            Entry::Draft(_, doc) => {
                let draft = self.memory.locals[doc].draft.as_ref().expect("a draft that is queued");
                let mut value = serde_json::to_value(draft).expect("a draft is JSON");
                if let Value::Object(members) = &mut value {
                    members.remove("place");
                    members.insert("doc".into(), json!(doc));
                }
                json!({ "draft": value })
            }
        }
    }
}
