//! Stories of a drive that comes again: only what it lacks is copied, what it has is known entry by entry, and a copy that somebody
//! has deleted is no base for another.
#![allow(clippy::large_futures, reason = "a story's future lives once")]
#![expect(clippy::unwrap_used, reason = "a story that cannot go on shall stop there")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use maloca_hub::clock::Clock;
use maloca_hub::export::bundle::Kind;
use maloca_hub::export::scope::What;
use maloca_hub::export::{self, Done, ExportError, Wish, carried, check, ledger};
use maloca_hub::hub::{Hub, Options};
use maloca_hub::import::restore;
use maloca_hub::intake::{Door, take_in};
use maloca_hub::query::outside::Lacking;
use maloca_hub::query::{self, Filter, Outside};
use maloca_hub::store::{Spans, WriterThread};
use maloca_protocol::revision::Attachment;
use maloca_protocol::{DocId, Draft, MediaHash, RevisionId};
use maloca_tests::hub::verify;
use maloca_tests::lan::skip;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// A hub in memory, so that this machine's disk is another filesystem; `None` where the machine does not allow that.
struct Story {
    memory: tempfile::TempDir,
    drive: tempfile::TempDir,
    hub: Hub,
    writer: WriterThread,
}

impl Story {
    async fn begin() -> Option<Self> {
        Self::begin_with(Clock::system()).await
    }

    async fn begin_with(clock: Clock) -> Option<Self> {
        let Ok(memory) = tempfile::tempdir_in("/dev/shm") else {
            skip("export_new", "there is no /dev/shm to stand for another disk");
            return None;
        };
        let drive = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let (hub, writer) = Hub::open(Options { clock, ..Options::new(memory.path().join("data")) }).await.unwrap();
        Some(Self { memory, drive, hub, writer })
    }

    async fn end(self) -> tempfile::TempDir {
        self.hub.store.close().await;
        drop(self.hub);
        self.writer.join();
        verify(&self.memory.path().join("data"));
        self.memory
    }

    /// Takes in observation `n`; its photo, where `photo` says that it has one, comes by itself.
    async fn observe(&self, n: usize, photo: bool) -> RevisionId {
        let mut draft = Draft::new("observation", DocId::from_source("new", &n.to_string()), 1_790_000_000_000 + n as i64);
        draft.set.insert("notes".into(), format!("nota {n}").into());
        if photo {
            draft.attach.push(Attachment {
                hash: MediaHash::of(&bytes(n)),
                name: format!("{n}.jpg"),
                media_type: "image/jpeg".into(),
                size: bytes(n).len() as u64,
                taken_at: None,
            });
        }
        self.keep(&draft).await
    }

    async fn edit(&self, n: usize, first: RevisionId) {
        let mut draft = Draft::new("observation", DocId::from_source("new", &n.to_string()), 1_790_000_900_000);
        draft.parents = vec![first];
        draft.set.insert("seen".into(), "twice".into());
        self.keep(&draft).await;
    }

    async fn keep(&self, draft: &Draft) -> RevisionId {
        let revision = draft.sign(&self.hub.key).unwrap();
        let mut line = revision.envelope();
        line.push(b'\n');
        let arrival = self.hub.arrival(self.hub.id(), None);
        take_in(&self.hub.store, &self.hub.rules, arrival, Door::Trusted, line.into()).await.unwrap();
        revision.id()
    }

    async fn photo(&self, n: usize) {
        let bytes = bytes(n);
        let upload = self.hub.uploads.begin(self.hub.id(), Some(MediaHash::of(&bytes)), bytes.len() as u64, 0);
        let stream = futures_util::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from(bytes))]);
        self.hub.uploads.receive(&upload, false, 0, stream, self.hub.arrival(self.hub.id(), None)).await.unwrap();
    }

    async fn export(&self, what: What) -> Result<Done, ExportError> {
        let wish = Wish { what, ..self.drive.path().to_owned().into() };
        export::export(&self.hub, wish, CancellationToken::new(), |_| ()).await
    }

    async fn lacking(&self) -> Lacking {
        self.hub.store.read(|view| Ok(ledger::drives(view)?.not_on_drive)).await.unwrap()
    }

    /// What a list says is, and is not, on a drive.
    async fn on_drive(&self) -> (u64, u64) {
        let count = |wanted| {
            self.hub.store.read(move |view| {
                let outside = Outside::of(view, carried::on_drives(view)?)?;
                query::count(view, &Filter { exported: Some((wanted, outside)), ..Filter::default() })
            })
        };
        (count(true).await.unwrap(), count(false).await.unwrap())
    }
}

fn bytes(n: usize) -> Vec<u8> {
    (0..9_000).map(|at| (at * 5 + n * 17) as u8).collect()
}

fn notes(bundle: &Path) -> BTreeSet<String> {
    let rows: Vec<Value> = serde_json::from_slice(&fs::read(bundle.join("data/observations.json")).unwrap()).unwrap();
    rows.iter().map(|row| row["notes"].as_str().unwrap().to_owned()).collect()
}

fn ids(bundle: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(bundle.join("data/revisions.ndjson")).unwrap();
    text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned()).collect()
}

fn media(bundle: &Path) -> usize {
    fs::read_to_string(bundle.join("data/media.csv")).unwrap().lines().count() - 1
}

fn is_sound(bundle: &Path) {
    let mut faults = Vec::new();
    check::bundle(bundle, true, &mut |fault| faults.push(fault.to_string()), &mut |_| Ok(())).unwrap();
    assert_eq!(faults, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drive_that_comes_again_gets_what_it_lacks() {
    let Some(story) = Story::begin().await else { return };
    let mut firsts = Vec::new();
    for n in 0..6 {
        firsts.push(story.observe(n, n < 3).await);
    }
    for n in 0..2 {
        story.photo(n).await;
    }
    // To an empty drive everything is new.
    let full = story.export(What::New).await.unwrap();
    assert_eq!((full.kind, full.observations, full.media), (Kind::Full, 6, 2));
    if !full.on_drive {
        return skip("export_new", "this machine's disk is in memory too");
    }
    assert_eq!((story.lacking().await, story.on_drive().await), (Lacking::default(), (6, 0)));
    let nothing = story.export(What::New).await;
    assert!(matches!(nothing, Err(ExportError::NothingNew)), "{nothing:?}");

    // One is new, one was edited, of a third the photo came late; three are as they were.
    story.observe(6, true).await;
    story.photo(6).await;
    story.edit(0, firsts[0]).await;
    story.photo(2).await;
    assert_eq!(story.lacking().await, Lacking { observations: 2, media: 2 });
    assert_eq!(story.on_drive().await, (4, 3), "an observation whose photo is not there is not on the drive");
    let new = story.export(What::New).await.unwrap();
    assert!(new.path.to_string_lossy().ends_with("_new_1"), "{}", new.path.display());
    assert_eq!(
        (new.kind, new.observations, new.media, new.missing),
        (Kind::New, 3, 3, 0),
        "with the photo of the one that was edited"
    );
    assert_eq!(notes(&new.path), ["nota 0", "nota 2", "nota 6"].map(str::to_owned).into());
    let hub_itself = 1;
    assert_eq!((ids(&new.path).len(), media(&new.path)), (4 + hub_itself, 3));
    is_sound(&new.path);
    let info = fs::read_to_string(new.path.join("bag-info.txt")).unwrap();
    assert!(info.contains("Maloca-Bundle: new 1"), "{info}");
    let readme = fs::read_to_string(new.path.join("README.txt")).unwrap();
    for words in ["NO todo lo que", "NÃO tudo o que", "NOT everything", "PAS tout ce que"] {
        assert!(readme.contains(words), "{words} in {readme}");
    }
    assert_eq!((story.lacking().await, story.on_drive().await), (Lacking::default(), (7, 0)));
    assert!(matches!(story.export(What::New).await, Err(ExportError::NothingNew)));

    // A new hub from the newer of the two has what both have.
    let both: BTreeSet<String> = ids(&full.path).union(&ids(&new.path)).cloned().collect();
    let options = Options::new(story.memory.path().join("restored"));
    let (restored, writer, taken) = restore::restore(&new.path, options, CancellationToken::new(), |_| ()).await.unwrap();
    let taken = taken.unwrap();
    assert!(taken.imported.whole && taken.faults.is_empty(), "{taken:?}");
    let again = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let copy = export::export(&restored, again.path().to_owned(), CancellationToken::new(), |_| ()).await.unwrap();
    assert!(ids(&copy.path).is_superset(&both));
    assert_eq!((copy.observations, copy.media, copy.missing), (7, 4, 0));
    restored.store.close().await;
    drop(restored);
    writer.join();
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_laptop_whose_clock_fell_back_to_1980_copies_all_the_same() {
    const NOW: i64 = 1_795_000_000_000;
    let shown = Arc::new(AtomicI64::new(NOW));
    let told = Arc::clone(&shown);
    let Some(story) = Story::begin_with(Clock::of(move || told.load(Ordering::SeqCst))).await else { return };
    assert!(!story.hub.clock.is_impossible());
    for n in 0..3 {
        story.observe(n, true).await;
        story.photo(n).await;
    }
    let before = story.export(What::Everything).await.unwrap();
    if !before.on_drive {
        return skip("export_new", "this machine's disk is in memory too");
    }
    let untouched = every_file(&before.path);

    shown.store(315_532_805_000, Ordering::SeqCst);
    assert!(story.hub.clock.is_impossible());
    story.observe(3, true).await;
    story.photo(3).await;
    let new = story.export(What::New).await.unwrap();
    assert_eq!((new.kind, new.observations, new.media), (Kind::New, 1, 1));
    let mut names = vec![new.path];
    for _ in 0..2 {
        names.push(story.export(What::Everything).await.unwrap().path);
    }
    for (path, ending) in names.iter().zip(["_new_1", "_full_1", "_full_2"]) {
        let name = path.file_name().unwrap().to_string_lossy();
        assert!(name.starts_with("19800101_0000_") && name.ends_with(ending), "{name}");
        is_sound(path);
    }
    assert_eq!(every_file(&before.path), untouched);
    assert_eq!(story.lacking().await, Lacking::default());

    // Somebody has set it.
    shown.store(NOW + 86_400_000, Ordering::SeqCst);
    assert!(matches!(story.export(What::New).await, Err(ExportError::NothingNew)));
    story.observe(4, false).await;
    assert_eq!(story.export(What::New).await.unwrap().observations, 1);
    story.end().await;
}

fn every_file(bundle: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![bundle.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() { folders.push(path) } else { files.push((path.clone(), fs::read(path).unwrap())) }
        }
    }
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_deleted_is_no_base_for_another() {
    let Some(story) = Story::begin().await else { return };
    for n in 0..4 {
        story.observe(n, true).await;
        story.photo(n).await;
    }
    let full = story.export(What::Everything).await.unwrap();
    story.observe(4, false).await;
    let new = story.export(What::New).await.unwrap();
    if !full.on_drive {
        return skip("export_new", "this machine's disk is in memory too");
    }
    assert_eq!(notes(&new.path).len(), 1);
    let aside = story.drive.path().join("aside");
    fs::rename(&full.path, &aside).unwrap();
    let again = story.export(What::New).await.unwrap();
    assert_eq!((again.kind, notes(&again.path).len(), again.media), (Kind::New, 4, 4), "all but the one that is there");
    // With none of them left everything is new.
    for path in [&new.path, &again.path] {
        fs::remove_dir_all(path).unwrap();
    }
    assert_eq!(story.export(What::New).await.unwrap().kind, Kind::Full);
    // One that only looks like ours is none: it is known by the number in it.
    story.observe(5, false).await;
    let newest = story.export(What::New).await.unwrap();
    fs::remove_dir_all(&newest.path).unwrap();
    fs::create_dir_all(&newest.path).unwrap();
    fs::write(newest.path.join("bag-info.txt"), "External-Identifier: 00112233445566778899aabbccddeeff\n").unwrap();
    assert_eq!(notes(&story.export(What::New).await.unwrap().path), ["nota 5".to_owned()].into());
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_drives_carry_outlives_the_hub() {
    let Some(story) = Story::begin().await else { return };
    story.observe(0, true).await;
    story.photo(0).await;
    let done = story.export(What::Everything).await.unwrap();
    if !done.on_drive {
        return skip("export_new", "this machine's disk is in memory too");
    }
    let carried = |hub: &Hub| {
        let store = hub.store.clone();
        async move { store.read(carried::on_drives).await.unwrap() }
    };
    assert_eq!(carried(&story.hub).await, Spans::through(done.head));
    let data: PathBuf = story.memory.path().join("data");
    let memory = story.end().await;
    let (hub, writer) = Hub::open(Options::new(&data)).await.unwrap();
    assert_eq!(carried(&hub).await, Spans::through(done.head));
    hub.store.close().await;
    drop(hub);
    writer.join();
    drop(memory);
}
