//! A hub from a bundle: what is left of a lost laptop is on its last drive.
//!
//! `cli/restore` calls [`restore`]. It promises: the new hub is of the bundle's project and has everything that the bundle has; the
//! devices that were in are in, under their names; a folder that holds a hub already is not touched. The new hub has keys of its own,
//! for the old ones went with the laptop: it vouches for the old hub, so that what that one has signed counts, and phones join it once with
//! a code, after which they hand over whatever the bundle lacks. One that ended early is ended by importing the same bundle again.

use std::ops::{Bound, ControlFlow};
use std::path::{Path, PathBuf};

use maloca_protocol::{DeviceId, document, limits};
use tokio_util::sync::CancellationToken;

use super::ImportError;
use super::bundle::{self, About, Progress, Taken};
use crate::devices::{self, Device, Kind};
use crate::export::registry::Listed;
use crate::hub::{Hub, OpenError, Options};
use crate::intake::{Door, Tally, keep};
use crate::query;
use crate::store::rows::{DocRow, Row as _, Standing};
use crate::store::view::ViewExt as _;
use crate::store::{self, StoreError, T, View as _, WriterThread};
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
    let about = bundle::about(from)?;
    if about.is_part {
        return Err(RestoreError::Part);
    }
    let name = options.name.clone().or_else(|| Some(about.hub_name.clone()));
    let (hub, writer) = Hub::open(Options { name, project: Some(about.project), ..options }).await?;
    let taken = async {
        vouch(&hub, &about).await?;
        let taken = bundle::take(&hub, from, cancel, report).await?;
        register(&hub, &bundle::devices(from)).await?;
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

/// Gives every member a card that has none, under the name that it had, else the one that its `member` document says.
pub(crate) async fn register(hub: &Hub, listed: &[Listed]) -> Result<(), StoreError> {
    let members = hub.store.read(|view| {
        let mut members: Vec<DeviceId> = Vec::new();
        view.scan(T::Members, (Bound::Unbounded, Bound::Unbounded), false, &mut |id, payload| {
            if Standing::decode(payload) == Some(Standing::Member) {
                members.extend(DeviceId::try_from(id));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        let mut devices = Vec::new();
        for id in members {
            let doc = members::member_doc(&id);
            let row: DocRow = view.row(T::Docs, doc.as_bytes())?.unwrap_or_default();
            let history = query::history(view, &row)?;
            let Some(merged) = document::merge(doc, &history) else { continue };
            let name = merged
                .set
                .get("name")
                .and_then(|name| name.as_str())
                .map_or_else(|| id.to_string()[..6].to_owned(), str::to_owned);
            let paired_at = history.iter().map(|revision| revision.content().created_at).max().unwrap_or_default();
            devices.push(Device {
                id,
                name,
                kind: Kind::Device,
                paired_at,
                last_seen: None,
                app: None,
                told: None,
                battery: None,
                clock_offset: None,
                contact: None,
                held_back: false,
            });
        }
        Ok(devices)
    });
    for mut device in members.await?.into_iter().filter(|device| hub.devices.get(&device.id).is_none()) {
        if let Some(known) = listed.iter().find(|known| known.id == device.id) {
            device.name = query::index::cut(&known.name, limits::NAME_BYTES).to_owned();
            device.kind = known.kind;
        }
        let row = device.clone();
        hub.store.write(500, move |tx| devices::put(tx, &row)).await?;
        hub.devices.insert(device);
    }
    Ok(())
}
