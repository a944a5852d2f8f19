//! Writes the signed seeds of the fuzz targets into `tests/corpus`: `cargo run --release -p maloca-tests --example seeds`.
//!
//! The other seeds there were written by hand; what fuzzing finds is added to them as it was found.

use std::fs;
use std::path::Path;

use maloca_protocol::fingerprint::FingerprintKey;
use maloca_protocol::reconcile::{self, Asker, Listed, Span};
use maloca_protocol::revision::Attachment;
use maloca_protocol::{DeviceId, DeviceKey, DocId, Draft, MediaHash, ProjectId, RevisionId, ValidRevision};
use serde_json::json;

fn main() -> std::io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let key = DeviceKey::from_seed([7; 32]);
    let doc = DocId::from_source("seeds", "1");
    let sign = |draft: Draft| draft.sign(&key).expect("sound");
    let mut first = Draft::new("observation", doc, 1_700_000_000_000);
    first.set.insert("notes".into(), json!("río, \u{1f332} and \"quotes\"\n"));
    first.set.insert("location".into(), json!({ "lat": -6.48, "lon": -76.36, "accuracy_m": 8 }));
    first.set.insert("numbers".into(), json!([0, -1, 1.5e-7, 9_007_199_254_740_991_u64, 0.1]));
    let hash = MediaHash::of(b"a photo");
    first.attach.push(Attachment { hash, name: "IMG_1.jpg".into(), media_type: "image/jpeg".into(), size: 7, taken_at: None });
    let first = sign(first);
    let mut edit = Draft::new("observation", doc, 1_700_000_001_000);
    edit.parents = vec![first.id()];
    edit.unset = vec!["notes".into()];
    edit.detach = vec![hash];
    let edit = sign(edit);
    let mut gone = Draft::new("observation", doc, -62_135_596_800_000);
    gone.parents = vec![first.id(), edit.id()];
    gone.deleted = true;
    let gone = sign(gone);
    fs::create_dir_all(corpus.join("revision"))?;
    fs::create_dir_all(corpus.join("batch"))?;
    for (name, revision) in [("first", &first), ("edit", &edit), ("gone", &gone)] {
        fs::write(corpus.join("revision").join(name), revision.envelope())?;
    }
    let lines =
        |all: &[&ValidRevision]| all.iter().flat_map(|one| [one.envelope(), b"\n".to_vec()].concat()).collect::<Vec<u8>>();
    fs::write(corpus.join("batch/good"), lines(&[&first, &edit, &gone]))?;
    fs::write(corpus.join("batch/deletes"), lines(&[&gone]))?;
    let mut forged = first.envelope();
    let last = forged.len() - 10;
    forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
    let mixed = [&lines(&[&first])[..], b"\r\n\n{\"id\":1}\nnot json\n", &forged, b"\n", &lines(&[&edit])[..]].concat();
    fs::write(corpus.join("batch/mixed"), mixed)?;
    reconciliation(&corpus.join("reconcile"))
}

/// What two sets that differ here and there say to each other, and a list of keys.
fn reconciliation(folder: &Path) -> std::io::Result<()> {
    let key = FingerprintKey::of(&ProjectId([1; 16]));
    let set = |which: std::ops::Range<u64>| {
        let id = |n: u64| RevisionId(MediaHash::of(&n.to_be_bytes()).0);
        Listed::new(&key, which.map(|n| (DeviceId([(n % 3) as u8; 32]), (n / 3) as i64 * 60_000, id(n))))
    };
    let (ours, theirs) = (set(0..400), set(7..433));
    fs::create_dir_all(folder)?;
    let mut asker = Asker::new(Span::ALL);
    let mut round = 0;
    while let Ok(Some(question)) = asker.question(&ours) {
        round += 1;
        let answer = reconcile::answer(&theirs, &Span::ALL, &question).expect("a sound question");
        fs::write(folder.join(format!("question-{round}")), &question)?;
        fs::write(folder.join(format!("answer-{round}")), &answer)?;
        asker.hear(&ours, &answer).expect("a sound answer");
    }
    fs::write(folder.join("keys"), reconcile::keys_to(&ours.all()[..20]))
}
