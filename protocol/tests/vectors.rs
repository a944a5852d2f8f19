//! Holds this implementation against the conformance vectors, and the vectors against rules that do not come from it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall stop there")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use maloca_protocol::keys::{self, Context, Sig};
use maloca_protocol::{DeviceId, DocId, Refusal, RevisionId, ValidRevision, canonical, document, revision};
use serde_json::Value;

#[path = "common/script.rs"]
mod script;

fn file(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name);
    let text =
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; write it with the example `vectors`", path.display()));
    serde_json::from_slice(&text).unwrap()
}

fn list<'a>(file: &'a Value, name: &str) -> &'a Vec<Value> {
    file[name].as_array().unwrap()
}

#[test]
fn two_thousand_histories_merge_as_written() {
    let (mut count, mut bytes, mut conflicts, mut incomplete, mut deleted) = (0, 0, 0, 0, 0);
    for part in 1..=4 {
        let file = file(&format!("histories-{part}.json"));
        bytes += file.to_string().len();
        for history in list(&file, "histories") {
            let doc: DocId = history["doc"].as_str().unwrap().parse().unwrap();
            let revisions: Vec<ValidRevision> = list(history, "revisions")
                .iter()
                .zip(list(history, "ids"))
                .map(|(rev, id)| {
                    let id: RevisionId = id.as_str().unwrap().parse().unwrap();
                    ValidRevision::from_stored(id, &canonical::canonical(rev), Sig([0; 64])).expect("the id of the history")
                })
                .collect();
            let merged = document::merge(doc, &revisions).unwrap();
            let expected = canonical::canonical(&history["merged"]);
            assert_eq!(String::from_utf8(merged.canonical()).unwrap(), String::from_utf8(expected).unwrap(), "history {count}");
            count += 1;
            conflicts += usize::from(!merged.conflicts.is_empty());
            incomplete += usize::from(!merged.missing.is_empty());
            deleted += usize::from(merged.deleted);
        }
    }
    assert_eq!(count, 2_000);
    assert!(bytes < 5_000_000, "{bytes} bytes");
    assert!(
        conflicts > 200 && incomplete > 100 && deleted > 50,
        "{conflicts} conflicts, {incomplete} incomplete, {deleted} deleted"
    );
}

#[test]
fn two_hundred_lines_are_refused_by_name() {
    let file = file("refused.json");
    let cases = list(&file, "refused");
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for case in cases {
        let code = case["code"].as_str().unwrap();
        let refused = revision::check(&join(&case["line"])).expect_err(code);
        assert_eq!(refused.code(), code, "{}", case["line"]);
        *times.entry(code).or_default() += 1;
    }
    assert_eq!(cases.len(), 200);
    for refusal in Refusal::ALL {
        assert!(times.get(refusal.code()).is_some_and(|times| *times >= 3), "{}: {times:?}", refusal.code());
    }
}

/// The bytes of a line: its parts joined.
fn join(parts: &Value) -> Vec<u8> {
    let mut whole = Vec::new();
    for part in parts.as_array().unwrap() {
        if let Some(text) = part.as_str() {
            whole.extend_from_slice(text.as_bytes());
        } else if let Some(hex) = part["hex"].as_str() {
            whole.extend(data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap());
        } else {
            let times = usize::try_from(part["times"].as_u64().unwrap()).unwrap();
            whole.extend_from_slice(part["repeat"].as_str().unwrap().repeat(times).as_bytes());
        }
    }
    whole
}

#[test]
fn signatures_at_the_edge_are_judged_as_written() {
    let file = file("signatures.json");
    let mut small = 0;
    for case in list(&file, "signatures") {
        let author: DeviceId = case["author"].as_str().unwrap().parse().unwrap();
        let message = data_encoding::HEXLOWER.decode(case["message"].as_str().unwrap().as_bytes()).unwrap();
        let sig = Sig::parse(case["sig"].as_str().unwrap()).unwrap();
        let valid = case["valid"].as_bool().unwrap();
        assert_eq!(keys::verify(&author, Context::Revision, &message, &sig), valid, "{case}");
        assert_eq!(keys::verify_many(Context::Revision, &[(&author, &message, &sig)]), [valid], "in a batch: {case}");
        // What ZIP 215 says, whatever this implementation does.
        match case["about"].as_str().unwrap() {
            "small order in author and R, s = 0" => {
                small += 1;
                assert!(valid, "{case}");
            }
            "good" => assert!(valid, "{case}"),
            "the author may be no point of the curve" => {}
            _ => assert!(!valid, "{case}"),
        }
    }
    assert_eq!(small, 196);
}

#[test]
fn a_hundred_outbox_scripts_go_as_written() {
    let file = file("outbox.json");
    let scripts = list(&file, "scripts");
    assert_eq!(scripts.len(), 100);
    for script in scripts {
        let name = script["name"].as_str().unwrap();
        let mut player = script::Player::new();
        let mut rules = Rules::default();
        for (number, step) in list(script, "steps").iter().enumerate() {
            let got = player.play(step);
            assert_eq!(got, step["expect"], "{name}, step {number}: {}", step["do"]);
            rules.check(step, &format!("{name}, step {number}"));
        }
    }
}

/// What must hold of any script whatever the implementation does: read from the vectors alone.
#[derive(Default)]
struct Rules {
    before: Value,
    acked: BTreeSet<(String, String)>,
    frozen: BTreeMap<String, String>,
}

impl Rules {
    fn check(&mut self, step: &Value, at: &str) {
        let (now, what) = (&step["expect"], step["do"].as_str().unwrap());
        let hub = step["hub"].as_str().unwrap_or_default().to_owned();
        match what {
            "ack" => drop(self.acked.insert((hub.clone(), step["revision"].as_str().unwrap().to_owned()))),
            "offer_everything" => self.acked.retain(|(of, _)| *of != hub),
            "take" => self.taken(step, at),
            // An own revision from before a restore comes from the feed.
            "pull" => {
                let line = step["line"].as_str().unwrap();
                self.frozen.insert(revision::check(line.as_bytes()).unwrap().id().to_string(), line.to_owned());
            }
            _ => {}
        }
        for (of, queue) in now["queue"].as_object().unwrap() {
            let mut drafts = BTreeSet::new();
            for entry in queue.as_array().unwrap() {
                match entry["revision"].as_str() {
                    Some(id) => {
                        assert!(
                            !self.acked.contains(&(of.clone(), id.to_owned())),
                            "{at}: {id} was acknowledged and waits again"
                        );
                        assert!(self.frozen.contains_key(id), "{at}: {id} waits and was never frozen");
                    }
                    None => assert!(drafts.insert(entry["draft"]["doc"].to_string()), "{at}: two drafts of one document"),
                }
            }
            if what != "offer_everything" && what != "hub" {
                self.order(of, queue, step, at);
            }
        }
        self.versions(step, at);
        if what == "pull" {
            assert_eq!(now["drafts"], self.before["drafts"], "{at}: a pull has changed a draft");
        }
        self.before = now.clone();
    }

    /// Lines that are taken are whole: the id is the hash of the content. One id has one content for ever.
    fn taken(&mut self, step: &Value, at: &str) {
        for line in list(&step["expect"], "result") {
            let line = line.as_str().unwrap();
            let checked = revision::check(line.as_bytes()).unwrap_or_else(|refusal| panic!("{at}: {refusal}"));
            let before = self.frozen.insert(checked.id().to_string(), line.to_owned());
            assert!(before.is_none_or(|before| before == line), "{at}: a frozen revision has changed");
        }
    }

    /// What stays in a queue keeps its order, but for the one draft that this step has edited.
    fn order(&self, hub: &str, queue: &Value, step: &Value, at: &str) {
        let names = |queue: &Value| -> Vec<String> {
            let entries = queue.as_array().into_iter().flatten();
            entries.map(|entry| entry["revision"].as_str().or(entry["draft"]["doc"].as_str()).unwrap().to_owned()).collect()
        };
        let (before, now) = (names(&self.before["queue"][hub]), names(queue));
        let edited = step["doc"].as_str();
        let stays = |name: &&String, other: &[String]| other.contains(*name) && Some(name.as_str()) != edited;
        let left: Vec<&String> = before.iter().filter(|name| stays(name, &now)).collect();
        let right: Vec<&String> = now.iter().filter(|name| stays(name, &before)).collect();
        assert_eq!(left, right, "{at}: the queue was shuffled");
        // A draft that makes its document keeps its place; any other goes to the end.
        if step["expect"]["result"] == "changed"
            && let Some(edited) = edited
        {
            let entry = queue.as_array().unwrap().iter().find(|entry| entry["draft"]["doc"] == edited).unwrap();
            let makes = entry["draft"]["parents"].as_array().unwrap().is_empty();
            let was = before.iter().position(|name| name == edited);
            let is = now.iter().position(|name| name == edited).unwrap();
            // One that was parked comes back to its place.
            let parked = self.before["parked"].as_object().unwrap().values().flat_map(|list| list.as_array().unwrap());
            let was_parked = parked.into_iter().any(|item| item["doc"] == edited && item["revision"].is_null());
            match was {
                None if makes && was_parked => {}
                Some(was) if makes => assert_eq!(was, is, "{at}: a draft that makes its document has moved"),
                _ => assert_eq!(is + 1, now.len(), "{at}: the edit is not at the end"),
            }
        }
    }

    fn versions(&self, step: &Value, at: &str) {
        let (now, what) = (&step["expect"]["docs"], step["do"].as_str().unwrap());
        for (doc, local) in now.as_object().unwrap() {
            let before = &self.before["docs"][doc];
            let version = local["version"].as_u64().unwrap();
            let grew = version - before["version"].as_u64().unwrap_or(0).min(version);
            let edited = step["doc"].as_str() == Some(doc) && step["expect"]["result"] != "unchanged";
            assert_eq!(grew, u64::from(what == "edit" && edited), "{at}: the version of {doc}");
            for (hub, synced) in local["version_synced"].as_object().unwrap() {
                assert!(synced.as_u64().unwrap() <= version, "{at}: more is synced than there is");
                if before["version_synced"][hub] != *synced {
                    assert!(["ack", "settle", "pull"].contains(&what), "{at}: {what} wrote version_synced");
                    assert_eq!(step["hub"].as_str(), Some(hub.as_str()), "{at}: of another hub");
                }
            }
        }
    }
}
