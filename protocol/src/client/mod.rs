//! A device's engine: what a phone, another hub and the command line do to bring their data to a hub.
//!
//! [`Device`] is the door. It promises that what it was given is durable before it returns, that a kill at any moment loses
//! nothing and doubles nothing, and that what it calls in sync is.

pub mod outbox; // how edits become revisions and wait; pure
pub mod store; // where the device keeps it all
pub mod discover; // finds hubs near by
pub mod interfaces; // which networks this machine is on
mod tls; // the pinned key
pub mod http; // calls, and what their answers mean
pub mod pair; // meeting and joining a hub
pub mod sync; // one contact, from state to state
mod push; // revisions out
mod upload; // media out
mod pull; // revisions in
mod media; // files and their hashes
pub mod mirror; // a source that is read again and again

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::document::Document;
use crate::ids::{DeviceId, DocId, ProjectId};
use crate::time;

pub use http::{CallError, HubClient, Patience};
pub use media::Hashed;
pub use outbox::{Edit, Edited};
pub use pair::JoinError;
pub use store::{KnownHub, Store, StoreError};
pub use sync::{SyncError, SyncOptions, SyncReport, Watch};

use outbox::Outbox;

/// What this program calls itself to hubs.
pub(crate) const APP: &str = concat!("maloca ", env!("CARGO_PKG_VERSION"));

/// A file that cannot be attached.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// It cannot be read, or is too large.
    #[error("cannot attach {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The device's store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A device: its store, and its open connections. Cheap to clone; the mutex guards a map and is never held across an await.
#[derive(Clone, Debug)]
pub struct Device {
    store: Store,
    clients: Arc<Mutex<HashMap<DeviceId, HubClient>>>,
}

impl Device {
    /// Opens a device's folder, or makes it.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn open(folder: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let folder = folder.into();
        let opened = tokio::task::spawn_blocking(move || Store::open(&folder)).await;
        Ok(Self { store: opened.map_err(|_| StoreError::Broken)??, clients: Arc::default() })
    }

    /// The device's id.
    #[must_use]
    pub fn id(&self) -> DeviceId {
        self.store.id()
    }

    /// The device's store.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The hubs that it has joined.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn hubs(&self) -> Result<Vec<KnownHub>, StoreError> {
        self.store.run(|tx, _| tx.known_hubs()).await
    }

    /// The project that it belongs to; none before it has joined a hub.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn project(&self) -> Result<Option<ProjectId>, StoreError> {
        Ok(self.hubs().await?.first().map(|hub| hub.project))
    }

    /// Changes a document, or makes it.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn edit(&self, doc: DocId, kind: &str, edit: Edit) -> Result<Edited, StoreError> {
        let (kind, at) = (kind.to_owned(), time::now_millis());
        self.store.run(move |tx, key| Outbox::new(tx, key.id()).edit(doc, &kind, at, &edit)).await
    }

    /// Hashes a file, so that an [`Edit`] can attach it. From now on it is sent to hubs that lack it.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub async fn attach(&self, path: &Path) -> Result<Hashed, AttachError> {
        let hashed = self.hash(path).await?;
        let kept = hashed.clone();
        self.store.run(move |tx, _| kept.keep(tx)).await?;
        Ok(hashed)
    }

    /// Hashes a file, or remembers its hash. For [`mirror`], which keeps it.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub async fn hash(&self, path: &Path) -> Result<Hashed, AttachError> {
        let failed = |source| AttachError::File { path: path.to_owned(), source };
        let path = std::path::absolute(path).map_err(failed)?;
        let asked = path.clone();
        let known = self.store.run(move |tx, _| tx.hashed(&asked)).await?;
        let hashed = tokio::task::spawn_blocking(move || media::hash(&path, known)).await;
        hashed.map_err(|_| StoreError::Broken)?.map_err(failed)
    }

    /// The merge of what is kept of a document, edits that were never offered aside.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn document(&self, doc: DocId) -> Result<Option<Document>, StoreError> {
        self.store.run(move |tx, key| Outbox::new(tx, key.id()).document(doc)).await
    }

    /// Meets the hub at an address and makes sure that this device has joined it: a known one is taken at its word, a new one is
    /// joined with `code`. `expected` is the hub's id where a QR code or an answer has told it.
    ///
    /// # Errors
    /// See [`JoinError`]; a store that fails is told as [`SyncError::Store`].
    pub async fn join(
        &self,
        url: &str,
        code: Option<&str>,
        name: &str,
        expected: Option<&DeviceId>,
        patience: Patience,
    ) -> Result<KnownHub, SyncError> {
        let met = pair::meet(url, patience).await?;
        met.check(self.project().await?.as_ref(), expected)?;
        let (id, own_name) = (met.info.id, name.to_owned());
        let hubs = self.hubs().await?;
        if code.is_none()
            && hubs.iter().any(|hub| hub.id != id && hub.urls.first() == Some(&met.url))
            && hubs.iter().all(|hub| hub.id != id)
        {
            return Err(JoinError::AnotherHub { url: met.url, name: met.info.name }.into());
        }
        let known = hubs.into_iter().find(|hub| hub.id == id);
        let joined = match (known, code) {
            (Some(known), None) => {
                // The hub's own key vouches for its TLS key, so a new one is no reason for alarm.
                KnownHub {
                    tls_spki: met.info.tls_spki.clone(),
                    urls: vec![met.url.clone()],
                    name: met.info.name.clone(),
                    ..known
                }
            }
            (Some(known), Some(_)) if known.tls_spki == met.info.tls_spki => KnownHub { urls: vec![met.url.clone()], ..known },
            (_, Some(code)) => met.join(self.store.key(), name, code, patience).await?,
            (None, None) => return Err(JoinError::CodeNeeded(met.info.name).into()),
        };
        let kept = joined.clone();
        self.store
            .run(move |tx, key| {
                tx.set_device_name(&own_name)?;
                tx.join_hub(key.id(), kept)
            })
            .await?;
        self.forget_client(&id);
        Ok(joined)
    }

    /// Joins again a hub that has forgotten this device. Everything that is kept stays.
    ///
    /// # Errors
    /// See [`JoinError`].
    pub async fn join_again(&self, url: &str, code: &str, name: &str, patience: Patience) -> Result<KnownHub, SyncError> {
        let met = pair::meet(url, patience).await?;
        met.check(self.project().await?.as_ref(), None)?;
        let joined = met.join(self.store.key(), name, code, patience).await?;
        let kept = joined.clone();
        self.store.run(move |tx, key| tx.join_hub(key.id(), kept)).await?;
        self.forget_client(&joined.id);
        Ok(joined)
    }

    /// One contact with a hub that this device has joined.
    ///
    /// # Errors
    /// See [`SyncError`]; whatever was acknowledged before is noted.
    pub async fn sync(&self, hub: &DeviceId, options: &SyncOptions) -> Result<SyncReport, SyncError> {
        let client = self.client(hub).await?;
        Box::pin(sync::sync(&self.store, &client, *hub, options)).await
    }

    /// The open connections to a hub.
    async fn client(&self, hub: &DeviceId) -> Result<HubClient, SyncError> {
        if let Some(client) = self.clients().get(hub) {
            return Ok(client.clone());
        }
        let id = *hub;
        let known = self.store.run(move |tx, _| tx.hub(&id)).await?.ok_or(SyncError::NotJoined)?;
        let url = known.urls.first().ok_or(SyncError::NotJoined)?;
        let pin = pair::pin_of(&known.tls_spki).ok_or(SyncError::NotJoined)?;
        let client = HubClient::new(url, Some(pin), Some(&known.token), Patience::Forever)?;
        self.clients().insert(id, client.clone());
        Ok(client)
    }

    fn clients(&self) -> std::sync::MutexGuard<'_, HashMap<DeviceId, HubClient>> {
        self.clients.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn forget_client(&self, hub: &DeviceId) {
        self.clients().remove(hub);
    }
}
