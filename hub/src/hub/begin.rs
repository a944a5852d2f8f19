//! Who a hub is when its folder is opened: read, or made up, or made up anew because the folder has moved.
//!
//! [`super::Hub::open`] calls this. It promises that the folder is its owner's alone, and that what is made up is durable before
//! the hub says anything under it.

use std::path::Path;

use maloca_protocol::{DeviceKey, Epoch, ProjectId, limits};

use super::{OpenError, Options, Settings};
use crate::files::{Files, How};
use crate::intake::{Door, Rules, Tally, keep};
use crate::store::rows::{Arrival, Standing};
use crate::store::view::ViewExt as _;
use crate::store::{self, PROJECT, Store, StoreError, T, View as _, WriteTx};
use crate::trust::identity::Home;
use crate::trust::members;

/// What [`begin`] finds or makes.
pub(super) struct Begun {
    pub(super) project: ProjectId,
    pub(super) epoch: Epoch,
    pub(super) settings: Settings,
    pub(super) moved: bool,
}

const EPOCH: &[u8] = b"epoch";
const HOME: &[u8] = b"home";
pub(super) const SETTINGS: &[u8] = b"settings";

pub(super) fn folder_error(folder: &Path, source: std::io::Error) -> OpenError {
    let folder = folder.to_owned();
    match source.kind() {
        _ if store::is_full(&source) => OpenError::Full { folder },
        std::io::ErrorKind::InvalidData => OpenError::Key(source),
        _ => OpenError::Folder { folder, source },
    }
}

pub(super) fn store_error(folder: &Path, source: StoreError) -> OpenError {
    let folder = folder.to_owned();
    match source {
        StoreError::File { source, .. } if !store::is_full(&source) => {
            OpenError::Folder { folder, source: std::io::Error::new(source.kind(), source) }
        }
        StoreError::Disk(error) if matches!(&*error, redb::Error::Io(_)) => {
            let redb::Error::Io(io) = &*error else { return OpenError::Store { folder, source: StoreError::Disk(error) } };
            if io.kind() == std::io::ErrorKind::PermissionDenied {
                OpenError::Folder { folder, source: std::io::Error::new(io.kind(), io.to_string()) }
            } else {
                OpenError::Store { folder, source: StoreError::Disk(error) }
            }
        }
        full if full.is_full() => OpenError::Full { folder },
        source => OpenError::Store { folder, source },
    }
}

pub(super) fn make_folder(files: &Files, data: &Path) -> std::io::Result<()> {
    files.make_folders(data)?;
    let probe = data.join(".write-test");
    let written = files.open(&probe, How::Make).and_then(|file| file.write_at(b"maloca", 0));
    let removed = files.remove_if_there(&probe);
    match written.and(removed) {
        // What is here can be served and exported without any room.
        Err(error) if store::is_full(&error) && files.exists(&data.join(store::FILE))? => Ok(()),
        done => done,
    }
}

/// Reads who this hub is, or makes it up; notices a folder that is not where it was.
pub(super) async fn begin(store: &Store, home: Home, options: &Options) -> Result<Begun, StoreError> {
    let (name, devices_read_all, project) = (options.name.clone(), options.devices_read_all, options.project);
    store
        .write(400, move |tx| {
            let stored: Option<ProjectId> = id(tx, PROJECT)?;
            let before: Option<Home> = tx.json(T::Meta, HOME)?;
            let moved = stored.is_some() && before.as_ref() != Some(&home);
            let project = match stored {
                Some(project) => project,
                None => {
                    let project = project.unwrap_or_else(|| ProjectId(rand::random()));
                    tx.put_bytes(T::Meta, PROJECT, &project.0)?;
                    project
                }
            };
            let epoch = match id(tx, EPOCH)? {
                Some(epoch) if !moved => epoch,
                _ => {
                    let epoch = Epoch(rand::random());
                    tx.put_bytes(T::Meta, EPOCH, &epoch.0)?;
                    epoch
                }
            };
            let was: Option<Settings> = tx.json(T::Meta, SETTINGS)?;
            let mut settings =
                was.clone().unwrap_or(Settings { name: "Maloca".into(), devices_read_all: false, marks: Vec::new() });
            if let Some(name) = &name {
                crate::query::index::cut(name, limits::HUB_NAME_BYTES).clone_into(&mut settings.name);
            }
            settings.devices_read_all = devices_read_all.unwrap_or(settings.devices_read_all);
            if was.as_ref() != Some(&settings) {
                tx.put_json(T::Meta, SETTINGS, &settings)?;
            }
            if before.as_ref() != Some(&home) {
                tx.put_json(T::Meta, HOME, &home)?;
            }
            Ok(Begun { project, epoch, settings, moved })
        })
        .await
}

fn id<I: for<'a> TryFrom<&'a [u8]>>(tx: &WriteTx<'_>, key: &[u8]) -> Result<Option<I>, StoreError> {
    Ok(tx.get(T::Meta, key)?.and_then(|bytes| I::try_from(&bytes[..]).ok()))
}

/// The hub's first revision says that it is one. Where the folder was copied, the former key vouches for the new one.
pub(super) async fn introduce(
    store: &Store,
    rules: &Rules,
    key: &DeviceKey,
    former: Option<DeviceKey>,
    name: &str,
    now: i64,
) -> Result<(), StoreError> {
    let (rules, key, name) = (rules.clone(), key.clone(), name.to_owned());
    store
        .write(1_000, move |tx| {
            let signer = former.as_ref().unwrap_or(&key);
            if tx.get(T::Docs, members::hub_doc(&key.id()).as_bytes())?.is_some() {
                return Ok(());
            }
            if signer.id() != key.id() {
                tx.put(T::Members, &signer.id().0, &Standing::Hub)?;
            }
            let draft = members::hub_draft(tx, &key.id(), &name, now)?;
            let revision = draft.sign(signer).map_err(|refusal| StoreError::Bug(refusal.to_string()))?;
            let arrival = Arrival { at: now, carrier: key.id(), clock_offset: None };
            keep::one(tx, &rules, arrival, Door::Trusted, &revision, &mut Tally::default()).map(drop)
        })
        .await
}
