//! A drive that is pulled out at any moment of a copy: it is said in a sentence, nothing on drive or hub is damaged, an earlier copy is
//! not touched, and the next one goes on with what is whole. And one in whose place there is suddenly another.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on shall stop there")]

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use maloca_hub::export::bundle::partial_prefix;
use maloca_hub::export::{self, Done, ExportError, check};
use maloca_hub::hub::{Hub, Options};
use maloca_hub::intake::{Door, take_in};
use maloca_protocol::MediaHash;
use maloca_tests::device::{lines, record};
use maloca_tests::hub::verify;
use maloca_tests::lan::{PATIENCE, inside};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio_util::sync::CancellationToken;

const PHOTOS: usize = 24;
const PULLS: usize = 100;

fn photo(n: usize) -> Vec<u8> {
    (0..60_000 + n * 1_000).map(|at| (at * 7 + n * 13) as u8).collect()
}

async fn recorded(hub: &Hub) {
    let records: Vec<_> = (0..PHOTOS).map(|n| record(&hub.key, &format!("nota {n}"), Some(&photo(n)))).collect();
    let arrival = hub.arrival(hub.id(), None);
    let body = lines(&records.iter().collect::<Vec<_>>());
    take_in(&hub.store, &hub.rules, arrival, Door::Trusted, body.into()).await.unwrap();
    for n in 0..PHOTOS {
        let bytes = photo(n);
        let upload = hub.uploads.begin(hub.id(), Some(MediaHash::of(&bytes)), bytes.len() as u64, 0);
        let stream = futures_util::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from(bytes))]);
        hub.uploads.receive(&upload, false, 0, stream, arrival).await.unwrap();
    }
}

fn walk(folder: &Path, file: &mut dyn FnMut(&Path)) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() { walk(&path, file) } else { file(&path) }
    }
}

async fn export(hub: &Hub, to: &Path) -> Result<Done, ExportError> {
    export::export(hub, to.to_owned(), CancellationToken::new(), |_| ()).await
}

fn every_file(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    walk(folder, &mut |file| drop(files.insert(file.to_owned(), fs::read(file).unwrap())));
    files
}

/// What a stick shows of files that were being written when it was pulled: cut off, or of the right length and empty in part.
fn torn(folder: &Path, chance: &mut StdRng) {
    walk(folder, &mut |file| {
        let file = OpenOptions::new().write(true).open(file).unwrap();
        let len = file.metadata().unwrap().len();
        match chance.random_range(0..6) {
            0 => file.set_len(chance.random_range(0..=len)).unwrap(),
            1 if len > 0 => {
                let mut file = file;
                file.seek(SeekFrom::Start(chance.random_range(0..len))).unwrap();
                file.write_all(&[0]).unwrap();
            }
            _ => {}
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drive_pulled_at_any_moment_damages_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (hub, writer) = Hub::open(Options::new(&data)).await.unwrap();
    recorded(&hub).await;
    let (drive, pocket) = (folder.path().join("drive"), folder.path().join("pocket"));
    fs::create_dir(&drive).unwrap();
    let begun = Instant::now();
    let first = export(&hub, &drive).await.unwrap();
    let whole_takes = begun.elapsed();
    let before = every_file(&first.path);

    let mut chance = StdRng::seed_from_u64(42);
    let (mut pulled, mut went_on) = (0, 0);
    for _ in 0..PULLS {
        // The drive is gone from one moment to the other; what is open on it is written into nothing.
        let after = whole_takes.mul_f64(chance.random_range(0.0..1.1)).max(Duration::from_micros(50));
        let (from, to) = (drive.clone(), pocket.clone());
        let pull = std::thread::spawn(move || {
            std::thread::sleep(after);
            fs::rename(from, to).unwrap();
        });
        let outcome = export(&hub, &drive).await;
        pull.join().unwrap();
        match &outcome {
            Ok(done) => assert!(pocket.join("Maloca").join(done.path.file_name().unwrap()).is_dir()),
            Err(error) => {
                assert!(matches!(error, ExportError::Gone { .. } | ExportError::TargetMissing(_)), "{error:?}");
                pulled += 1;
            }
        }
        fs::rename(&pocket, &drive).unwrap();
        for entry in fs::read_dir(drive.join("Maloca")).unwrap().map(Result::unwrap) {
            if entry.file_name().to_string_lossy().starts_with(".maloca-partial-") {
                went_on += 1;
                torn(&entry.path(), &mut chance);
            } else if entry.path() != first.path {
                // Whatever has a name is whole.
                sound(&entry.path());
                fs::remove_dir_all(entry.path()).unwrap();
            }
        }
        assert!(every_file(&first.path) == before, "an earlier copy was touched");
    }
    assert!(pulled > PULLS / 4 && went_on > PULLS / 10, "{pulled} were cut off, {went_on} left something");
    println!("{pulled} of {PULLS} copies were cut off, {went_on} left something to go on with");

    // Put in again, and left in.
    let done = export(&hub, &drive).await.unwrap();
    sound(&done.path);
    assert_eq!((done.observations, done.media, done.missing), (PHOTOS as u64, PHOTOS as u64, 0));
    let left = fs::read_dir(drive.join("Maloca")).unwrap().map(Result::unwrap);
    assert!(left.into_iter().all(|entry| !entry.file_name().to_string_lossy().starts_with('.')), "nothing is left over");
    hub.store.close().await;
    drop(hub);
    writer.join();
    verify(&data);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_goes_on_with_what_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (hub, writer) = Hub::open(Options::new(folder.path().join("data"))).await.unwrap();
    recorded(&hub).await;
    let drive = folder.path().join("drive");
    fs::create_dir(&drive).unwrap();
    let cut_off = export(&hub, &drive).await.unwrap().path;
    let mut photos = Vec::new();
    walk(&cut_off.join("data/media"), &mut |file| photos.push(file.strip_prefix(&cut_off).unwrap().to_owned()));
    photos.sort();
    assert_eq!(photos.len(), PHOTOS);
    // One was torn, one is cut off, one is a link to something else: those are copied again.
    let (torn, short, link) = (&photos[0], &photos[1], &photos[2]);
    let mut bytes = fs::read(cut_off.join(torn)).unwrap();
    bytes[777] ^= 1;
    fs::write(cut_off.join(torn), bytes).unwrap();
    OpenOptions::new().write(true).open(cut_off.join(short)).unwrap().set_len(100).unwrap();
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(cut_off.join(link), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, cut_off.join(link)).unwrap();
    // A file that is written anew may get the number of one that was removed, but not its age.
    let known = |bundle: &Path| -> Vec<(u64, i64, i64)> {
        let of = |photo: &PathBuf| fs::symlink_metadata(bundle.join(photo)).unwrap();
        photos.iter().map(of).map(|about| (about.ino(), about.mtime(), about.mtime_nsec())).collect()
    };
    let before = known(&cut_off);
    fs::rename(&cut_off, drive.join("Maloca").join(format!("{}0123abcd", partial_prefix(&hub.id())))).unwrap();

    let done = export(&hub, &drive).await.unwrap();
    sound(&done.path);
    let same = before.iter().zip(known(&done.path)).filter(|(before, after)| **before == *after).count();
    assert_eq!(same, PHOTOS - 3, "what was whole was not written again");
    assert!(elsewhere.is_file(), "nothing outside was touched");
    assert_eq!(fs::read_dir(drive.join("Maloca")).unwrap().count(), 1);
    hub.store.close().await;
    drop(hub);
    writer.join();
}

fn sound(bundle: &Path) {
    let mut faults = Vec::new();
    check::bundle(bundle, true, &mut |fault| faults.push(fault.to_string()), &mut |_| Ok(())).unwrap();
    assert_eq!(faults, Vec::<String>::new());
}

const SWAPS: usize = 20;

#[test]
fn another_drive_in_its_place_is_left_alone() {
    inside("another_drive_in_its_place_is_left_alone", &["mount", "umount"], || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(swapped());
    });
}

/// Two sticks that the system mounts at the same place, one after the other.
async fn swapped() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (hub, writer) = Hub::open(Options::new(&data)).await.unwrap();
    recorded(&hub).await;
    // The first one can be seen in the pocket, too.
    let (drive, pocket) = (folder.path().join("River"), folder.path().join("pocket"));
    [&drive, &pocket].into_iter().for_each(|place| fs::create_dir(place).unwrap());
    mount(&["-t", "tmpfs", "first"], &pocket);
    mount(&["--bind", pocket.to_str().unwrap()], &drive);
    let begun = Instant::now();
    let first = export(&hub, &drive).await.unwrap();
    let whole_takes = begun.elapsed();
    let first = pocket.join(first.path.strip_prefix(&drive).unwrap());
    let before = every_file(&first);

    let (mut chance, mut cut_off) = (StdRng::seed_from_u64(7), 0);
    for _ in 0..SWAPS {
        let after = whole_takes.mul_f64(chance.random_range(0.0..0.9));
        let (place, seen) = (drive.clone(), pocket.join("Maloca"));
        let swap = std::thread::spawn(move || {
            let is_partial = |entry: fs::DirEntry| entry.file_name().to_string_lossy().starts_with(".maloca-partial-");
            let looking = Instant::now();
            while !fs::read_dir(&seen).unwrap().any(|entry| entry.is_ok_and(is_partial)) {
                assert!(looking.elapsed() < PATIENCE, "no copy was begun");
                std::thread::yield_now();
            }
            std::thread::sleep(after);
            umount(&place);
            mount(&["-t", "tmpfs", "second"], &place);
            fs::write(place.join("theirs.txt"), "somebody else's").unwrap();
        });
        let outcome = export(&hub, &drive).await;
        swap.join().unwrap();
        match outcome {
            Ok(done) => {
                let whole = pocket.join(done.path.strip_prefix(&drive).unwrap());
                sound(&whole);
                fs::remove_dir_all(whole).unwrap();
            }
            Err(ExportError::Gone { .. }) => cut_off += 1,
            Err(error) => panic!("{error:?}"),
        }
        assert_eq!(every_file(&drive), BTreeMap::from([(drive.join("theirs.txt"), b"somebody else's".to_vec())]));
        umount(&drive);
        mount(&["--bind", pocket.to_str().unwrap()], &drive);
        for entry in fs::read_dir(pocket.join("Maloca")).unwrap().map(Result::unwrap) {
            if entry.path() != first {
                fs::remove_dir_all(entry.path()).unwrap();
            }
        }
        assert!(every_file(&first) == before, "an earlier copy was touched");
    }
    assert!(cut_off > SWAPS / 4, "{cut_off} were cut off");
    println!("{cut_off} of {SWAPS} copies were cut off by another drive in the place of theirs");
    sound(&export(&hub, &drive).await.unwrap().path);
    hub.store.close().await;
    drop(hub);
    writer.join();
}

fn mount(words: &[&str], at: &Path) {
    assert!(Command::new("mount").args(words).arg(at).status().unwrap().success());
}

fn umount(at: &Path) {
    assert!(Command::new("umount").arg("-l").arg(at).status().unwrap().success());
}
