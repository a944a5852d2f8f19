//! Verify: re-reads everything in a data folder and says what is wrong, in plain lines.
//!
//! `cli/verify` calls [`folder`] (and [`crate::export::check`] for a bundle). It promises: every row of every table, every
//! revision's hash and signature and every media file's bytes are read again; what is derived is held against what the log
//! says when it is derived anew; nothing is changed. Memory: one document, and a row for each author.

mod derived; // documents, indexes, counts, against the log
mod held; // media files against their rows
mod log; // the feed, revision by revision

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use maloca_protocol::fingerprint::FingerprintKey;
use maloca_protocol::{DeviceId, ProjectId};

use crate::files::Files;
use crate::intake::Rules;
use crate::media::MediaRoot;
use crate::store::rows::AuthorRow;
use crate::store::{self, PROJECT, Snapshot, Store, StoreError, T, Totals, View as _, ordered};
use crate::trust::{authority, identity, tls};

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Something is wrong.
    Fault(String),
    /// Something is worth knowing and nothing is wrong.
    Note(String),
}

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Rows of all tables.
    pub rows: u64,
    /// Revisions whose hash and signature were checked.
    pub revisions: u64,
    /// Documents that were merged anew.
    pub documents: u64,
    /// Media files whose bytes were hashed.
    pub media: u64,
    /// Their bytes.
    pub media_bytes: u64,
}

/// Called with each finding, and with what was read so far.
pub type Tell<'a> = &'a mut dyn FnMut(Option<Finding>, &Summary);

/// Why nothing could be verified.
#[derive(Debug, thiserror::Error)]
pub enum CannotVerify {
    /// There is nothing.
    #[error("there is no hub in {0}; name its data folder")]
    NoHub(String),
    /// It cannot be opened.
    #[error("the data folder cannot be opened")]
    Store(#[from] StoreError),
}

/// What the rooms of this module share.
struct Look<'a> {
    view: &'a Snapshot,
    rules: Rules,
    tell: Tell<'a>,
    summary: Summary,
    /// Derived anew, step by step.
    totals: Totals,
    authors: BTreeMap<DeviceId, AuthorRow>,
    /// Revisions in the log, rows that must be in other tables.
    in_log: u64,
    /// Whether the order for other hubs is whole; one that is not is made again at the next start.
    is_ordered: bool,
    held_entries: u64,
    presets: u64,
}

impl Look<'_> {
    fn fault(&mut self, what: impl Into<String>) {
        (self.tell)(Some(Finding::Fault(what.into())), &self.summary);
    }

    fn note(&mut self, what: impl Into<String>) {
        (self.tell)(Some(Finding::Note(what.into())), &self.summary);
    }

    fn progress(&mut self) {
        (self.tell)(None, &self.summary);
    }

    fn expect(&mut self, is_so: bool, what: impl FnOnce() -> String) {
        if !is_so {
            self.fault(what());
        }
    }

    /// Does one part; where it cannot go on, that is a fault, and the next part is done all the same.
    fn part(&mut self, name: &str, part: impl FnOnce(&mut Self) -> Result<(), StoreError>) {
        // On damage of its own structure the database may panic.
        match catch_unwind(AssertUnwindSafe(|| part(self))) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.fault(format!("{name}: {error}")),
            Err(_) => self.fault(format!("{name}: the database file is damaged so that it cannot be read further")),
        }
    }

    /// Counts a table's rows and looks at each seal.
    fn seals(&mut self, table: T) -> Result<(), StoreError> {
        let view = self.view;
        view.check(table, &mut |_, payload| {
            self.summary.rows += 1;
            if let Err(damage) = payload {
                self.fault(damage.to_string());
            }
        })
    }

    fn count(&self, table: T) -> Result<u64, StoreError> {
        let mut count = 0;
        self.view.check(table, &mut |_, _| count += 1)?;
        Ok(count)
    }
}

/// Verifies the data folder of a hub that is not running.
///
/// # Errors
/// Where it cannot be opened at all; what is wrong inside is a finding.
pub fn folder(files: &Files, data: &Path, tell: Tell<'_>) -> Result<Summary, CannotVerify> {
    if !files.exists(&data.join(store::FILE)).unwrap_or_default() {
        return Err(CannotVerify::NoHub(data.display().to_string()));
    }
    let opener = store::Opener::to_look_at(files.clone(), data);
    let opened =
        catch_unwind(AssertUnwindSafe(|| Store::open(opener).and_then(|(store, writer)| Ok((store.snapshot()?, store, writer)))));
    let (view, store, _writer) = match opened {
        Ok(Ok(opened)) => opened,
        Ok(Err(damage @ (StoreError::Damaged(_) | StoreError::Unusable(_)))) => {
            return Ok(beyond_reading(tell, &damage.to_string()));
        }
        Ok(Err(StoreError::Disk(error))) if is_corrupt(&error) => return Ok(beyond_reading(tell, &error.to_string())),
        Ok(Err(error)) => return Err(error.into()),
        Err(_) => return Ok(beyond_reading(tell, "the database file is damaged so that it cannot be opened")),
    };
    let project = view.get(T::Meta, PROJECT).ok().flatten().and_then(|bytes| ProjectId::try_from(&bytes[..]).ok());
    let key = kept_key(files, data);
    let rules = Rules {
        hub: key.as_ref().map_or(DeviceId([0; 32]), maloca_protocol::DeviceKey::id),
        fingerprints: FingerprintKey::of(&project.unwrap_or(ProjectId([0; 16]))),
    };
    let mut look = Look {
        view: &view,
        rules,
        tell,
        summary: Summary::default(),
        totals: Totals::default(),
        authors: BTreeMap::new(),
        in_log: 0,
        is_ordered: ordered::is_whole(&view).unwrap_or_default(),
        held_entries: 0,
        presets: 0,
    };
    look.expect(project.is_some(), || "the project's id is missing from the database".into());
    look.expect(key.is_some(), || format!("the hub's key {} is missing or holds no key", identity::KEY_FILE));
    look.expect(authority::is_sound(files, data), || "the hub's authority is damaged: authority.key, authority.crt".to_owned());
    look.expect(tls::is_sound(files, data), || format!("the key {} is missing or damaged", tls::KEY_FILE));
    for table in T::ALL {
        look.part(&format!("table {}", table.name()), |look| look.seals(*table));
    }
    look.part("the feed", log::feed);
    look.part("the quarantine", log::quarantine);
    look.part("documents", derived::documents);
    look.part("attachments", derived::attachments);
    look.part("members", derived::members);
    look.part("counts", derived::counts);
    look.part("drives", derived::drives);
    look.part("the order for other hubs", derived::order);
    let root = MediaRoot::at(files.clone(), data);
    look.part("media", |look| held::media(look, &root));
    look.part("media files", |look| held::orphans(look, &root));
    let places = store.rotten_places();
    look.expect(places == 0, || format!("{places} places of the database's file are not what was written"));
    Ok(look.summary)
}

/// The hub's key, if it is there and sound; none is made.
fn kept_key(files: &Files, data: &Path) -> Option<maloca_protocol::DeviceKey> {
    files.exists(&data.join(identity::KEY_FILE)).ok().filter(|there| *there)?;
    identity::key(files, data).ok()
}

fn is_corrupt(error: &redb_error::Error) -> bool {
    !matches!(error, redb_error::Error::Io(_))
}

/// `store` alone knows redb; its error's name is all that is needed here.
use crate::store::redb_error;

fn beyond_reading(tell: Tell<'_>, what: &str) -> Summary {
    let summary = Summary::default();
    tell(Some(Finding::Fault(what.to_owned())), &summary);
    summary
}
