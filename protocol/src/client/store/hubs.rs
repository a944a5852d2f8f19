//! The hubs that this device has joined.

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::tables::{T, Tx, damaged};
use crate::client::outbox::{Outbox, Rows as _};
use crate::cursor::Cursor;
use crate::fingerprint::Fingerprint;
use crate::ids::{DeviceId, ProjectId};
use crate::rest::SignedReceipt;

/// A hub that this device has joined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KnownHub {
    /// Its key, pinned.
    pub id: DeviceId,
    /// Whose data it keeps.
    pub project: ProjectId,
    /// What its people call it.
    pub name: String,
    /// Where it was reached, https only, the latest first.
    pub urls: Vec<String>,
    /// SHA-256 of its TLS public key, hex, pinned.
    pub tls_spki: String,
    /// The bearer token. Never sent over plain http.
    pub token: String,
    /// The own revisions that it is known to hold.
    #[serde(default)]
    pub acked: Fingerprint,
    /// The last receipt; its epoch and head are what the next one is held against.
    #[serde(default)]
    pub receipt: Option<SignedReceipt>,
    /// How far its feed was read.
    #[serde(default)]
    pub cursor: Option<Cursor>,
    /// Whether a page of its feed left something out since the cursor began.
    #[serde(default)]
    pub filtered: bool,
}

/// Addresses that are kept of a hub: those of a few networks.
const URLS: usize = 4;

impl KnownHub {
    /// Puts an address first.
    pub fn reached_at(&mut self, url: &str) {
        self.urls.retain(|other| other != url);
        self.urls.insert(0, url.to_owned());
        self.urls.truncate(URLS);
    }
}

impl Tx<'_> {
    /// The hubs that this device has joined.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn known_hubs(&self) -> Result<Vec<KnownHub>, StoreError> {
        self.hubs()?.iter().filter_map(|id| self.hub(id).transpose()).collect()
    }

    /// One of them.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn hub(&self, id: &DeviceId) -> Result<Option<KnownHub>, StoreError> {
        match self.hubs.get(id) {
            Some(hub) => Ok(Some(hub.clone())),
            None => self.get_json(T::Hubs, &id.0),
        }
    }

    /// Changes what is known of a hub.
    ///
    /// # Errors
    /// Where the store fails, or does not know this hub.
    pub fn change_hub(&mut self, id: &DeviceId, change: impl FnOnce(&mut KnownHub)) -> Result<(), StoreError> {
        let mut hub = self.hub(id)?.ok_or(damaged(T::Hubs))?;
        change(&mut hub);
        self.hubs.insert(*id, hub);
        Ok(())
    }

    /// Notes a hub that let this device in. One that is new is offered everything; one that was known keeps what it acknowledged.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn join_hub(&mut self, me: DeviceId, mut joined: KnownHub) -> Result<(), StoreError> {
        let id = joined.id;
        if let Some(before) = self.hub(&id)? {
            let KnownHub { acked, receipt, cursor, filtered, mut urls, .. } = before;
            urls.splice(0..0, joined.urls.drain(..));
            urls.dedup();
            urls.truncate(URLS);
            self.hubs.insert(id, KnownHub { acked, receipt, cursor, filtered, urls, ..joined });
            return Ok(());
        }
        self.put_json(T::Hubs, &id.0, &joined)?;
        self.hubs.insert(id, joined);
        self.hub_ids.take();
        Outbox::new(self, me).offer_everything(&id)?;
        self.want_all_media(&id)
    }

    /// Offers a hub everything again, media included, and reads its feed from the beginning: it is not the one it was. `receipt` is its
    /// word that told so, where it did.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn begin_again(&mut self, me: DeviceId, id: &DeviceId, receipt: Option<SignedReceipt>) -> Result<(), StoreError> {
        Outbox::new(self, me).offer_everything(id)?;
        self.want_all_media(id)?;
        self.change_hub(id, |hub| {
            hub.cursor = None;
            hub.filtered = false;
            if receipt.is_some() {
                hub.receipt = receipt;
            }
        })
    }

    /// What this device is called.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn device_name(&self) -> Result<Option<String>, StoreError> {
        self.get_json(T::Meta, b"name")
    }

    /// Gives this device a name.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn set_device_name(&mut self, name: &str) -> Result<(), StoreError> {
        if self.device_name()?.as_deref() == Some(name) { Ok(()) } else { self.put_json(T::Meta, b"name", &name) }
    }
}
