//! What of this hub lies on a drive that is plugged in now: the copies that the ledger knows, as far as they are still there.
//!
//! [`super::export`] asks before it copies what is new, `api/admin/exports` and `cli/drives` for every drive that they show. It promises to
//! read one small file of each copy. What is not found is no base for another copy; that somebody deleted it is said only of a
//! filesystem that the system tells apart from all others.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use maloca_protocol::time;
use serde::{Deserialize, Serialize};

use super::bundle::INFO;
use super::drives::{self, Filesystem, Use};
use super::ledger::{self, Export};
use super::lists::Info;
use super::{REVISION_BYTES, run, sealed};
use crate::hub::Hub;
use crate::query::outside;
use crate::store::{self, Spans, StoreError, View};

/// Entries of the feed that are looked at one by one for an estimate; what is beyond is reckoned from these.
const LOOKED_AT: u64 = 20_000;

/// How a drive stands to this hub.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Standing {
    /// What of the feed is there, for everybody to open.
    pub(super) there: Spans,
    /// What of it is there in sealed copies.
    sealed: Spans,
    /// When the newest copy there that everybody can open was verified.
    pub(super) last_at: Option<i64>,
    /// Copies of which the ledger says the contrary of what is to be seen, by their ids: those that are there no more, and those that
    /// are there again.
    changed: Changed,
}

/// See [`Standing::changed`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Changed {
    pub(super) gone: Vec<String>,
    pub(super) back: Vec<String>,
}

impl Standing {
    /// Looks at the drive that holds `place`.
    pub(super) fn of(exports: &[Export], place: &Path) -> io::Result<Self> {
        let filesystem = Filesystem::of(place)?;
        let root = drives::root_of(place)?;
        let identity = filesystem.identity();
        let mut standing = Self::default();
        let here = exports.iter().filter(|export| export.fault.is_none() && export.filesystem.identity() == identity);
        for export in here {
            let was_gone = export.gone_at.is_some();
            match is_there(&root.join(export.within()), export) {
                Ok(true) => {
                    if was_gone {
                        standing.changed.back.push(export.bundle.clone());
                    }
                    if export.sealed {
                        standing.sealed = standing.sealed.union(&export.spans());
                    } else {
                        standing.there = standing.there.union(&export.spans());
                        standing.last_at = standing.last_at.max(Some(export.verified_at));
                    }
                }
                // Without a name of its own, this may be another drive in the same socket.
                Ok(false) if !was_gone && filesystem.uuid.is_some() => standing.changed.gone.push(export.bundle.clone()),
                Ok(false) => {}
                Err(error) => tracing::debug!(%error, path = %root.display(), "a copy on a drive cannot be looked at"),
            }
        }
        Ok(standing)
    }

    /// What a copy of what is new need not have: a sealed one is for who opens others as well, any other for who may have no key.
    pub(super) fn base(&self, is_sealed: bool) -> Spans {
        if is_sealed { self.there.union(&self.sealed) } else { self.there.clone() }
    }
}

/// Whether a copy lies there; an error where the drive does not say.
fn is_there(folder: &Path, export: &Export) -> io::Result<bool> {
    let info = match File::open(folder.join(if export.sealed { sealed::INFO } else { INFO })) {
        Ok(file) => Info::read(file)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    Ok(info.said("External-Identifier") == Some(export.bundle.as_str()))
}

/// Looks at a drive, and enters into the ledger which copies are gone from it. Waits for the drive.
///
/// # Errors
/// Where the store fails. A drive that cannot be looked at has nothing.
pub(super) async fn look(hub: &Hub, place: &Path) -> Result<Standing, StoreError> {
    let exports = hub.store.read(ledger::exports).await?;
    let place = place.to_owned();
    let looked = tokio::task::spawn_blocking(move || Standing::of(&exports, &place).unwrap_or_default()).await;
    let mut standing = looked.map_err(|error| StoreError::Bug(format!("looking at a drive ended early: {error}")))?;
    let changed = std::mem::take(&mut standing.changed);
    if changed != Changed::default() {
        let (gone, back) = (changed.gone.len(), changed.back.len());
        tracing::warn!(gone, back, "copies that were verified are no longer on their drive, or are there again");
        ledger::found(&hub.store, changed, hub.clock.now()).await?;
    }
    Ok(standing)
}

/// Looks at every drive that is plugged in. Before something is done for the sake of copies, those that are gone count no more.
///
/// # Errors
/// Where the store fails.
pub(super) async fn look_at_all(hub: &Hub) -> Result<(), StoreError> {
    let found = tokio::task::spawn_blocking(|| drives::places(Use::Read)).await;
    let found = found.map_err(|error| StoreError::Bug(format!("looking for drives ended early: {error}")))?;
    for place in found.into_iter().filter(|place| place.removable) {
        look(hub, Path::new(&place.path)).await?;
    }
    Ok(())
}

/// What is new for a drive that has a copy, for the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewHere {
    /// When the newest copy there was verified.
    pub since: String,
    /// Observations that are not deleted and changed since.
    pub observations: u64,
    /// Media that came since.
    pub media: u64,
    /// About how many bytes a copy of that takes.
    pub needed_bytes: u64,
}

/// What is new for the drive that holds `place`; `None` where no copy of this hub is on it.
///
/// # Errors
/// Where the store fails.
pub async fn new_here(hub: &Hub, place: &Path) -> Result<Option<NewHere>, StoreError> {
    let Standing { there, last_at, .. } = look(hub, place).await?;
    let Some(last_at) = last_at else { return Ok(None) };
    let measured = hub.store.read(move |view| {
        let lacking = outside::lacking(view, &there)?;
        Ok((lacking, estimate(view, &there)?))
    });
    let (lacking, needed_bytes) = measured.await?;
    Ok(Some(NewHere {
        since: time::format_millis(last_at),
        observations: lacking.observations,
        media: lacking.media,
        needed_bytes,
    }))
}

/// About how many bytes a copy of what is not `there` takes.
fn estimate(view: &impl View, there: &Spans) -> Result<u64, StoreError> {
    let gaps = there.gaps(store::totals(view)?.head);
    let (entries, mut looked_at, mut media, mut bytes) = (gaps.count(), 0, 0, 0);
    gaps.each(&mut |first, last| {
        let last = last.min(first + LOOKED_AT - looked_at - 1);
        outside::held_in(view, &Spans::between(first, last), &mut |_, _, size| {
            media += 1;
            bytes += size;
            Ok(ControlFlow::Continue(()))
        })?;
        looked_at += last - first + 1;
        Ok::<_, StoreError>(if looked_at < LOOKED_AT { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    let seen = bytes + (looked_at - media) * REVISION_BYTES;
    let all = u128::from(seen) * u128::from(entries) / u128::from(looked_at.max(1));
    Ok(all as u64 + run::AIR_BYTES)
}
