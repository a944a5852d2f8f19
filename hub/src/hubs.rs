//! Other hubs of the project that this one calls: where they are, by which key they are known, how the last contact went.
//!
//! `sync` writes here, the manager's page and the command line read. It promises that what is needed to call a hub is durable
//! before it is used, and that a token is shown to nobody. How contacts went is in memory only. The one lock guards a map, and nothing
//! is awaited under it.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::sync::Mutex;

use maloca_protocol::DeviceId;
use serde::{Deserialize, Serialize};

use crate::store::{Damage, Store, StoreError, T, View};

/// A hub that this one calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Its key.
    pub id: DeviceId,
    /// What its people call it.
    pub name: String,
    /// Where it was last: https.
    pub url: String,
    /// SHA-256 of its TLS key, hex, to which alone the token is sent.
    pub tls_spki: String,
    /// What it knows this hub by.
    pub token: String,
    /// When the two were paired, milliseconds since 1970.
    pub paired_at: i64,
}

/// What a contact has brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brought {
    /// Revisions that came here.
    pub pulled: u64,
    /// Revisions that went there.
    pub pushed: u64,
    /// Of both, those whose author is no member; they are kept aside.
    pub quarantined: u64,
    /// Of both, those that were not taken.
    pub refused: u64,
    /// Media that came here.
    pub media_pulled: u64,
    /// Media that went there.
    pub media_pushed: u64,
    /// Their bytes, both ways.
    pub media_bytes: u64,
    /// Media that one side has and the other could not get.
    pub media_failed: u64,
    /// Questions that were asked to find what differs.
    pub questions: u64,
    /// Both keep exactly the same revisions, and neither wants media that the other holds.
    pub in_sync: bool,
}

/// How it stands with a hub.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Going {
    /// Whether a contact goes on now.
    pub busy: bool,
    /// What this contact has brought so far, or the last one.
    pub brought: Brought,
    /// When the last contact ended well, by this hub's clock, milliseconds since 1970.
    pub synced_at: Option<i64>,
    /// Why the last one did not.
    pub trouble: Option<String>,
}

/// A hub as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Card {
    id: DeviceId,
    name: String,
    url: String,
    paired_at: i64,
    #[serde(flatten)]
    going: Going,
}

/// The hubs that this one calls.
#[derive(Debug, Default)]
pub struct Hubs(Mutex<BTreeMap<DeviceId, (Known, Going)>>);

impl Hubs {
    /// Reads them.
    ///
    /// # Errors
    /// Where the disk fails or a row is damaged.
    pub fn load(view: &impl View) -> Result<Self, StoreError> {
        let mut hubs = BTreeMap::new();
        view.scan(T::Hubs, (Bound::Unbounded, Bound::Unbounded), false, &mut |key, payload| {
            let damaged = |_| Damage::Form { table: T::Hubs.name(), key: data_encoding::HEXLOWER.encode(key) };
            let known: Known = serde_json::from_slice(payload).map_err(damaged)?;
            hubs.insert(known.id, (known, Going::default()));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(Self(Mutex::new(hubs)))
    }

    /// Keeps what is needed to call a hub, durably.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn keep(&self, store: &Store, known: Known) -> Result<(), StoreError> {
        let row = known.clone();
        store.write(500, move |tx| tx.put_json(T::Hubs, &row.id.0, &row)).await?;
        let mut hubs = self.lock();
        let going = hubs.remove(&known.id).map(|(_, going)| going).unwrap_or_default();
        hubs.insert(known.id, (known, going));
        Ok(())
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> Vec<Known> {
        self.lock().values().map(|(known, _)| known.clone()).collect()
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, id: &DeviceId) -> Option<Known> {
        self.lock().get(id).map(|(known, _)| known.clone())
    }

    /// As the page shows them.
    #[must_use]
    pub fn cards(&self) -> Vec<Card> {
        let card = |(known, going): &(Known, Going)| Card {
            id: known.id,
            name: known.name.clone(),
            url: known.url.clone(),
            paired_at: known.paired_at,
            going: going.clone(),
        };
        self.lock().values().map(card).collect()
    }

    /// Notes how a contact goes.
    pub(crate) fn note(&self, id: &DeviceId, change: impl FnOnce(&mut Going)) {
        if let Some((_, going)) = self.lock().get_mut(id) {
            change(going);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<DeviceId, (Known, Going)>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
