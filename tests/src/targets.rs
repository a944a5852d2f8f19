//! Every parser of strangers' bytes, as a function that must not panic, hang or break its promise whatever it is given.
//!
//! `fuzz/` drives them with libFuzzer (`make torture`), `tests/tests/corpus.rs` replays the seeds and whatever was once found
//! (`make test`). Each takes plain bytes, so that a finding is a file in `tests/corpus/<target>/`.

use std::fs;
use std::path::{Path, PathBuf};

use maloca_hub::export::{bundle, check};
use maloca_hub::import;
use maloca_hub::import::sources;
use maloca_hub::intake::validate;
use maloca_protocol::announce::{Answer, Question};
use maloca_protocol::fingerprint::FingerprintKey;
use maloca_protocol::reconcile::{self, Asker, Listed, Span};
use maloca_protocol::{DeviceId, MediaHash, ProjectId, RevisionId, canonical, limits, revision, tus};

/// A target by its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("announce", announce),
    ("revision", one_revision),
    ("batch", batch),
    ("upload", upload),
    ("reconcile", reconciliation),
    ("bundle", a_bundle),
    ("geojson", geojson),
    ("camtrap", camtrap),
    ("table", table),
    ("archive", archive),
];

/// A datagram, taken for a question and for an answer.
///
/// # Panics
/// Where what was read is not what was written.
pub fn announce(datagram: &[u8]) {
    if let Ok(question) = Question::parse(datagram) {
        assert_eq!(Question::parse(&question.encode()), Ok(question), "a question says the same when it is said again");
    }
    // Whatever it claims, nothing of it is believed without a signature.
    let _ = Answer::parse(datagram, |_| true);
}

/// One envelope.
///
/// # Panics
/// Where a valid revision is not the same when it is written and read again.
pub fn one_revision(line: &[u8]) {
    if let Ok(read) = canonical::parse(line) {
        let written = canonical::canonical_of(&read);
        let again = canonical::parse(&written).expect("canonical form is JSON");
        assert_eq!(written, canonical::canonical_of(&again), "canonical form is its own canonical form");
    }
    if let Ok(valid) = revision::check(line) {
        let again = revision::check(&valid.envelope()).expect("a valid revision stays valid");
        assert_eq!((again.id(), again.canonical()), (valid.id(), valid.canonical()));
    }
}

/// A batch of lines.
///
/// # Panics
/// Where a line's verdict is another beside its neighbours than alone.
pub fn batch(body: &[u8]) {
    let _ = validate::only_deletes(body);
    if body.len() > limits::BATCH_BYTES || validate::is_too_long(body) {
        return;
    }
    let lines: Vec<(u64, &[u8])> = validate::numbered(body).collect();
    let verdicts = validate::lines(body);
    assert_eq!(lines.len(), verdicts.len());
    for ((number, line), (judged, verdict)) in lines.into_iter().zip(verdicts) {
        assert_eq!(number, judged);
        assert_eq!(revision::check(line).map(|valid| valid.id()), verdict.map(|valid| valid.id()), "line {number}");
    }
}

/// The headers of an upload: each line of the input is a value.
///
/// # Panics
/// Where a length is read that no upload may have.
pub fn upload(headers: &[u8]) {
    let text = String::from_utf8_lossy(headers);
    for value in text.lines() {
        let _ = tus::metadata(value, "hash");
        let _ = tus::metadata(value, "");
        let is_digits = value.trim().bytes().all(|byte| byte.is_ascii_digit());
        assert!(tus::number(value).is_none_or(|_| is_digits), "{value:?}");
    }
}

/// A message of a reconciliation: taken for a question, for an answer, and for a list of keys.
///
/// # Panics
/// Where an answer is longer than it may be or makes no sense itself, or keys are not the same when they are written again.
pub fn reconciliation(message: &[u8]) {
    let ours = reconciled(0..400);
    if let Ok(answer) = reconcile::answer(&ours, &Span::ALL, message) {
        assert!(answer.len() <= reconcile::MESSAGE_BYTES);
    }
    let theirs = reconciled(20..420);
    let mut asker = Asker::new(Span::ALL);
    for _ in 0..40 {
        let Ok(Some(question)) = asker.question(&ours) else { break };
        if asker.hear(&ours, message).is_err() {
            assert_eq!(asker.question(&ours), Ok(Some(question.clone())), "a refused answer changes nothing");
            let answer = reconcile::answer(&theirs, &Span::ALL, &question).expect("an honest question");
            asker.hear(&ours, &answer).expect("an honest answer");
        }
    }
    if let Ok(keys) = reconcile::keys_from(message) {
        assert_eq!(reconcile::keys_from(&reconcile::keys_to(&keys)), Ok(keys));
    }
}

/// Some revisions of three authors.
fn reconciled(which: std::ops::Range<u64>) -> Listed {
    let key = FingerprintKey::of(&ProjectId([1; 16]));
    let of = |n: u64| (DeviceId([(n % 3) as u8; 32]), (n / 3) as i64 * 60_000, RevisionId(MediaHash::of(&n.to_be_bytes()).0));
    Listed::new(&key, which.map(of))
}

/// A folder that is gone when the target ends.
fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("maloca-target-").tempdir().expect("a temporary folder")
}

/// Writes the parts of the input, separated by a line `=== name`, into a folder; names lead nowhere else.
fn unpack(input: &[u8], into: &Path) {
    let text = String::from_utf8_lossy(input);
    for part in text.split("=== ").filter(|part| !part.is_empty()) {
        let (name, content) = part.split_once('\n').unwrap_or((part, ""));
        let name = name.trim();
        let is_plain =
            !name.is_empty() && name.len() < 60 && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
        if !is_plain || name.contains("..") || name.starts_with('/') || name.ends_with('/') {
            continue;
        }
        let path = into.join(name);
        if let Some(above) = path.parent()
            && fs::create_dir_all(above).is_ok()
        {
            // A name may be a folder already; then it is not written.
            let _ = fs::write(path, content);
        }
    }
}

/// A bundle: manifests, list of media, revisions.
///
/// # Panics
/// Where it cannot be checked at all: everything inside is a fault, and no failure.
pub fn a_bundle(input: &[u8]) {
    let folder = folder();
    unpack(input, folder.path());
    let mut faults = 0;
    let read = check::bundle(folder.path(), true, &mut |_| faults += 1, &mut |_| Ok(()));
    assert!(read.is_ok(), "{read:?}");
    // What an import reads before it knows whose bundle it is.
    if let Ok(about) = import::about::of(folder.path()) {
        assert!(about.hub_name.len() <= limits::HUB_NAME_BYTES, "{}", about.hub_name);
    }
    drop(import::about::devices_of(folder.path()));
    for line in String::from_utf8_lossy(input).lines() {
        if let Some((_, path)) = bundle::read_manifest_line(line) {
            assert!(bundle::is_inside(&path), "{path} leads out of the bundle");
        }
    }
}

/// Reads a source; every file that an item names must be inside it.
fn source(path: &Path, within: &Path) {
    let within: PathBuf = fs::canonicalize(within).expect("a folder");
    let _ = sources::each(path, &mut |read| {
        if let sources::Read::Item(item) = read {
            assert!(item.media.iter().all(|file| file.starts_with(&within)), "{:?} leads out of the source", item.media);
        }
        Ok(())
    });
}

/// A GeoJSON file.
///
/// # Panics
/// Where it names a file outside its folder.
pub fn geojson(input: &[u8]) {
    let folder = folder();
    let path = folder.path().join("walk.geojson");
    fs::write(&path, input).expect("room");
    fs::write(folder.path().join("a.jpg"), b"a").expect("room");
    source(&path, folder.path());
}

/// A table with places.
///
/// # Panics
/// Where it names a file outside its folder.
pub fn table(input: &[u8]) {
    let folder = folder();
    let path = folder.path().join("walk.csv");
    fs::write(&path, input).expect("room");
    fs::write(folder.path().join("a.jpg"), b"a").expect("room");
    source(&path, folder.path());
}

/// A ZIP with a list of observations and their photos.
///
/// # Panics
/// Where something is written outside the folder into which it is unpacked.
pub fn archive(input: &[u8]) {
    let folder = folder();
    let (zip, inside) = (folder.path().join("walk.zip"), folder.path().join("inside"));
    fs::create_dir(&inside).expect("room");
    fs::write(&zip, input).expect("room");
    let left = std::cell::Cell::new(1_u64 << 24);
    let room = |bytes: u64| {
        let rest = left.get().checked_sub(bytes).ok_or(import::ImportError::Full(bytes))?;
        left.set(rest);
        Ok(())
    };
    if let Ok(list) = import::strangers::unpack(&zip, &inside, &room) {
        assert!(list.starts_with(&inside), "{} leads out", list.display());
        source(&list, &inside);
    }
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2, "something was written outside");
}

/// A Camtrap DP folder.
///
/// # Panics
/// Where it names a file outside its folder.
pub fn camtrap(input: &[u8]) {
    let folder = folder();
    unpack(input, folder.path());
    source(folder.path(), folder.path());
}
