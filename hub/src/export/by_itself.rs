//! Copies that nobody has to ask for: a drive that the manager has marked gets what is new for it when it is plugged in.
//!
//! `housekeeping` runs [`watch`]; `api/admin/exports` marks drives. It promises: only a drive with a mark that this hub has made is written
//! to, so that nobody gets a copy by plugging in a drive of his own; each time that a drive is plugged in it is tried once, and what became
//! of it is among the exports like every other.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::bundle::FOLDER;
use super::drives::{self, Use};
use super::scope::What;
use super::{Wish, jobs};
use crate::hub::{Hub, Settings};
use crate::store::StoreError;

/// The file that marks a drive, in the folder of bundles.
const FILE: &str = "copy-by-itself.txt";

/// How much of it is read.
const BYTES: u64 = 4 * 1024;

/// How often it is looked which drives are there.
const LOOK: Duration = Duration::from_secs(3);

/// What the line with the mark begins with.
const LABEL: &str = "mark: ";

/// What the file says to whoever finds it.
const TEXT: &str = "\
Esta memoria recibe por sí sola lo nuevo del hub Maloca que la marcó. Para terminar con eso, borre este archivo.\r\n\
Este pendrive recebe sozinho o que é novo do hub Maloca que o marcou. Para acabar com isso, apague este arquivo.\r\n\
This drive gets by itself what is new on the Maloca hub that has marked it. To end that, delete this file.\r\n\
Cette clé reçoit d'elle-même ce qui est nouveau sur le hub Maloca qui l'a marquée. Pour y mettre fin, effacez ce fichier.\r\n";

/// Why a drive could not be marked.
#[derive(Debug, thiserror::Error)]
pub enum MarkError {
    /// The drive refused.
    #[error("the drive could not be marked")]
    Drive(#[source] io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn file(place: &Path) -> PathBuf {
    place.join(FOLDER).join(FILE)
}

/// The mark of a drive, whoever made it.
fn mark_of(place: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(file(place)).ok()?.take(BYTES).read_to_string(&mut text).ok()?;
    text.lines().find_map(|line| line.strip_prefix(LABEL)).map(|mark| mark.trim().to_owned())
}

/// Whether this hub has marked the drive. Waits for the drive.
#[must_use]
pub fn is_marked(settings: &Settings, place: &Path) -> bool {
    !settings.marks.is_empty() && mark_of(place).is_some_and(|mark| settings.marks.contains(&mark))
}

/// Marks a drive, or takes the mark away.
///
/// # Errors
/// Where the drive or the store refuses.
pub async fn mark(hub: &Hub, place: PathBuf, on: bool) -> Result<(), MarkError> {
    let own = data_encoding::HEXLOWER.encode(&rand::random::<[u8; 16]>());
    let (line, before) = (own.clone(), hub.settings());
    let written = tokio::task::spawn_blocking(move || {
        let was = mark_of(&place).filter(|mark| before.marks.contains(mark));
        match (on, was.is_some()) {
            (true, true) => Ok(None),
            (true, false) => write(&place, &line).map(|()| Some((true, line))),
            (false, true) => fs::remove_file(file(&place)).map(|()| was.map(|was| (false, was))),
            (false, false) => Ok(None),
        }
    });
    let changed = written.await.map_err(|error| StoreError::Bug(format!("marking ended early: {error}")))?;
    match changed.map_err(MarkError::Drive)? {
        None => Ok(()),
        Some((is_new, mark)) => {
            let mut settings = hub.settings();
            settings.marks.retain(|other| *other != mark);
            if is_new {
                settings.marks.push(mark);
            }
            Ok(hub.set(settings).await?)
        }
    }
}

fn write(place: &Path, mark: &str) -> io::Result<()> {
    match fs::create_dir(place.join(FOLDER)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let mut out = File::create(file(place))?;
    out.write_all(TEXT.as_bytes())?;
    out.write_all(format!("{LABEL}{mark}\r\n").as_bytes())?;
    out.sync_all()
}

/// Copies what is new to each marked drive that is plugged in, until the hub's shutdown.
pub async fn watch(hub: &Hub) {
    let mut tried: BTreeSet<Plugged> = BTreeSet::new();
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = hub.shutdown.cancelled() => return,
            _ = looks.tick() => {}
        }
        let settings = hub.settings();
        if settings.marks.is_empty() {
            continue;
        }
        let found = tokio::task::spawn_blocking(move || marked(&settings)).await;
        let Ok(here) = found else { continue };
        // One that was taken out is tried again when it comes back.
        tried.retain(|drive| here.contains(drive));
        for drive in here {
            if tried.contains(&drive) {
                continue;
            }
            // While another copy is made it waits for the next look.
            let wish = Wish { what: What::New, ..PathBuf::from(&drive.path).into() };
            if jobs::start(hub, wish).is_some() {
                tracing::info!(path = drive.path, "a marked drive was plugged in; what is new for it is copied");
                tried.insert(drive);
            }
        }
    }
}

/// A drive, as it is plugged in this time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Plugged {
    path: String,
    mount: Option<u64>,
}

/// The marked drives that are here.
fn marked(settings: &Settings) -> BTreeSet<Plugged> {
    let drives = drives::places(Use::Write).into_iter().filter(|place| place.removable);
    let marked = drives.map(|place| place.path).filter(|path| is_marked(settings, Path::new(path)));
    marked.map(|path| Plugged { mount: drives::mount_number(Path::new(&path)), path }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_mark_of_this_hub_is_one() {
        let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let settings = |marks: &[&str]| Settings {
            name: "Maloca".into(),
            devices_read_all: false,
            marks: marks.iter().map(|mark| (*mark).to_owned()).collect(),
        };
        let (mark, other) = ("00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100");
        write(ours.path(), mark).unwrap();
        write(theirs.path(), other).unwrap();
        assert!(is_marked(&settings(&[other, mark]), ours.path()) && !is_marked(&settings(&[mark]), theirs.path()));
        // A hub that has marked nothing copies to nobody, whatever a drive says; nor do beginnings, blanks and floods of text count.
        assert!(!is_marked(&settings(&[]), ours.path()));
        for forged in ["", "mark: \r\n", "mark: 0011\r\n", &format!("{}mark: {mark}", "x".repeat(BYTES as usize)), "mark"] {
            fs::write(file(theirs.path()), forged).unwrap();
            assert!(!is_marked(&settings(&[mark]), theirs.path()), "{forged:.40}");
        }
        assert!(!is_marked(&settings(&[mark]), Path::new("/nowhere")));
    }
}
