//! A hub from a bundle: what is left of a lost laptop is on its last drive.
//!
//! `cli/restore` calls [`restore`]. It promises: the new hub is of the bundle's project and has everything that the bundle has and those of the
//! same project that lie beside it; the devices that were in are in, under their names; a folder that holds a hub already is not touched. The new hub has keys of its own,
//! for the old ones went with the laptop: it vouches for the old hub, so that what that one has signed counts, and phones join it once with
//! a code, after which they hand over whatever the bundle lacks. One that ended early is ended by importing the same bundle again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::about::{self, About};
use super::bundle::{self, Progress, Taken};
use super::{ImportError, found};
use crate::export::bundle::Kind;
use crate::hub::{Hub, OpenError, Options};
use crate::intake::{Door, Tally, keep};
use crate::store::{self, StoreError, WriterThread};
use crate::trust::members;

/// Why there is no restored hub.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// There is a hub in the folder.
    #[error("there is a hub in {} already; name an empty folder with --data, or add the copy to that hub with `maloca import`", .0.display())]
    Occupied(PathBuf),
    /// It is only a part of what its hub had.
    #[error(
        "this copy is only a part of what its hub had, without the keys of who is in; restore from a full one, then add this with `maloca import`"
    )]
    Part,
    /// The folder cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The bundle could not be taken in.
    #[error(transparent)]
    Import(#[from] ImportError),
}

/// Begins a hub with what a bundle has. Whatever became of it, the hub is open where one is given, and is to be closed.
///
/// # Errors
/// See [`RestoreError`]; before the bundle was found to be one, nothing is made.
pub async fn restore(
    from: &Path,
    options: Options,
    cancel: CancellationToken,
    report: impl Fn(Progress) + Send + Sync + 'static,
) -> Result<(Hub, WriterThread, Result<Taken, ImportError>), RestoreError> {
    if options.data.join(store::FILE).symlink_metadata().is_ok() {
        return Err(RestoreError::Occupied(options.data));
    }
    let about = about::of(from)?;
    if about.kind == Kind::Part {
        return Err(RestoreError::Part);
    }
    let name = options.name.clone().or_else(|| Some(about.hub_name.clone()));
    let (hub, writer) = Hub::open(Options { name, project: Some(about.project), ..options }).await?;
    let taken = async {
        vouch(&hub, &about).await?;
        let report: Arc<dyn Fn(Progress) + Send + Sync> = Arc::new(report);
        let one = |path: PathBuf| {
            let (hub, cancel, report) = (&hub, cancel.clone(), Arc::clone(&report));
            async move { bundle::take(hub, &path, cancel, move |progress| report(progress)).await }
        };
        let mut taken = one(from.to_owned()).await?;
        // What came to the drive before and after it: a copy of what was new has nothing else, and an older full one may be the sounder.
        for path in found::beside(from, about.project) {
            tracing::info!(path = %path.display(), "taking in the copy beside it");
            taken.add(one(path).await?);
        }
        Ok(taken)
    };
    let taken = taken.await;
    Ok((hub, writer, taken))
}

/// Lets the hub in that made the bundle: the person who restores says that it was theirs.
async fn vouch(hub: &Hub, about: &About) -> Result<(), StoreError> {
    let (rules, key, now, arrival) = (hub.rules.clone(), hub.key.clone(), hub.clock.now(), hub.arrival(hub.id(), None));
    let (old, name) = (about.hub, about.hub_name.clone());
    let work = move |tx: &mut store::WriteTx<'_>| {
        if old == key.id() || members::standing(tx, &rules, &old)?.is_some() {
            return Ok(());
        }
        let draft = members::hub_draft(tx, &old, &name, now)?;
        let revision = draft.sign(&key).map_err(|refusal| StoreError::Bug(refusal.to_string()))?;
        keep::one(tx, &rules, arrival, Door::Trusted, &revision, &mut Tally::default()).map(drop)
    };
    hub.store.write(1_000, work).await
}
