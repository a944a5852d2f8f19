//! 2,000 histories with the merged document: conflicts, deletions against edits, media attached and detached, parents that are
//! missing or of another document, several roots, equal values, unset properties.

use maloca_protocol::revision::Attachment;
use maloca_protocol::{DeviceKey, DocId, Draft, MediaHash, RevisionId, ValidRevision, document};
use serde_json::{Value, json};

use crate::Dice;

const FILES: usize = 4;
const HISTORIES: usize = 2_000;

pub(crate) fn files() -> Vec<Value> {
    let mut dice = Dice(2015);
    let per_file = HISTORIES / FILES;
    (0..FILES)
        .map(|file| {
            let histories: Vec<Value> = (0..per_file).map(|at| history(&mut dice, file * per_file + at)).collect();
            json!({
                "about": "Each history: the revisions in some order, their ids, and the document that they merge to. Without signatures: only ids and merging are meant.",
                "histories": histories,
            })
        })
        .collect()
}

fn history(dice: &mut Dice, number: usize) -> Value {
    let doc = DocId::from_source("vectors", &number.to_string());
    let keys: Vec<DeviceKey> = (1..=3).map(|seed| DeviceKey::from_seed([seed; 32])).collect();
    let count = 1 + dice.roll(3) + dice.roll(3) + if dice.one_in(6) { dice.roll(4) } else { 0 };
    let mut all: Vec<ValidRevision> = Vec::new();
    let elsewhere = dice.one_in(12).then(|| {
        let other = DocId::from_source("vectors", &format!("{number} elsewhere"));
        Draft::new("observation", other, 0).sign(&keys[0]).expect("a sound draft")
    });
    for at in 0..count {
        let mut draft = Draft::new("observation", doc, 1_795_000_000_000 + dice.roll(9_000_000) as i64);
        draft.parents = parents(dice, &all, at);
        if at > 0 && dice.one_in(8) {
            draft.parents.extend(elsewhere.as_ref().map(ValidRevision::id));
        }
        change(dice, &mut draft);
        all.push(draft.sign(&dice.of(&keys)).expect("a sound draft"));
    }
    // What nobody has brought yet.
    if all.len() > 2 && dice.one_in(10) {
        all.remove(dice.roll(all.len()));
    }
    all.extend(elsewhere);
    for at in (1..all.len()).rev() {
        all.swap(at, dice.roll(at + 1));
    }
    let merged = document::merge(doc, &all).expect("at least one revision");
    let revisions: Vec<Value> =
        all.iter().map(|revision| serde_json::from_slice(revision.canonical()).expect("canonical JSON")).collect();
    let ids: Vec<RevisionId> = all.iter().map(ValidRevision::id).collect();
    json!({ "doc": doc, "revisions": revisions, "ids": ids, "merged": merged })
}

fn parents(dice: &mut Dice, all: &[ValidRevision], at: usize) -> Vec<RevisionId> {
    match dice.roll(8) {
        _ if all.is_empty() => Vec::new(),
        0 => Vec::new(),
        1 | 2 => vec![dice.of(all).id()],
        3 => {
            let mut two = vec![dice.of(all).id(), dice.of(all).id()];
            two.dedup();
            two
        }
        4 => document::merge(all[0].content().doc, all).map_or_else(Vec::new, |merged| merged.heads),
        _ => vec![all[at - 1].id()],
    }
}

fn change(dice: &mut Dice, draft: &mut Draft) {
    let values = [json!("a"), json!("b"), json!(1), json!(1.5), Value::Null, json!([1, "x"]), json!({ "lat": -6.5, "lon": 0 })];
    for name in ["n", "p"] {
        match dice.roll(5) {
            0 | 1 => drop(draft.set.insert(name.into(), dice.of(&values))),
            2 => draft.unset.push(name.into()),
            _ => {}
        }
    }
    let photo = dice.roll(2) as u8 + 1;
    let hash = MediaHash([photo; 32]);
    match dice.roll(8) {
        0 | 1 => {
            let name = format!("{}.jpg", dice.roll(9));
            draft.attach.push(Attachment { hash, name, media_type: "image/jpeg".into(), size: 1, taken_at: None });
        }
        2 => draft.detach.push(hash),
        _ => {}
    }
    draft.deleted = dice.one_in(7);
}
