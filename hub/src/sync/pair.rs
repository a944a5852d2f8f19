//! Two hubs are let into each other's sight, once, by their managers: one shows a code for a hub, the other types it.
//!
//! Each hub says of the other, signed, that it is a hub of the project: the one that shows the code when the code comes, the one that
//! types it when it was let in. From then on what either says of devices counts on both. It promises that nothing of this goes over
//! plain http, that the other's key is pinned before the code is sent, and that a hub of another project is a stranger, to
//! which nothing is sent.

use maloca_protocol::DeviceKey;
use maloca_protocol::client::pair::{Met, meet};
use maloca_protocol::client::{JoinError, KnownHub, Patience};

use crate::devices::{self, Device, Kind};
use crate::hub::Hub;
use crate::hubs::Known;
use crate::intake::{Door, Tally, keep};
use crate::query::index::cut;
use crate::store::StoreError;
use crate::store::rows::Standing;
use crate::trust::members;

/// The word by which a hub says that others can join it as hubs.
const CAPABILITY: &str = "hubs-1";

/// Why two hubs were not paired.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// The other hub did not let this one in, or is a stranger.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// It is this hub.
    #[error("{0} is this hub itself; give the address of the other one")]
    Itself(String),
    /// It is too old.
    #[error("the hub \"{0}\" is of an older version and knows no other hubs yet; update it, or carry a copy over on a drive")]
    TooOld(String),
    /// The own store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Pairs this hub with the one at `url`, by the code that the other manager's page shows.
///
/// # Errors
/// See [`PairError`]; then nothing has changed here.
pub async fn pair(hub: &Hub, url: &str, code: &str, patience: Patience) -> Result<Known, PairError> {
    let met = meet(url, patience).await?;
    if met.info.id == hub.id() {
        return Err(PairError::Itself(met.url));
    }
    met.check(Some(&hub.project), None)?;
    if !met.info.capabilities.iter().any(|word| word == CAPABILITY) {
        return Err(PairError::TooOld(met.info.name));
    }
    let joined = met.join_as_hub(&hub.key, &hub.settings().name, code, patience).await?;
    let known = known(hub, &met, joined);
    let_in(hub, &known).await?;
    hub.hubs.keep(&hub.store, known.clone()).await?;
    Ok(known)
}

fn known(hub: &Hub, met: &Met, joined: KnownHub) -> Known {
    let name = cut(joined.name.trim(), maloca_protocol::limits::HUB_NAME_BYTES).to_owned();
    let (id, tls_spki, token) = (joined.id, joined.tls_spki, joined.token);
    Known { id, name, url: met.url.clone(), tls_spki, token, paired_at: hub.clock.now() }
}

/// This hub's word that the other one is a hub of the project, and its card.
async fn let_in(hub: &Hub, known: &Known) -> Result<(), StoreError> {
    let before = hub.devices.get(&known.id);
    let device = Device {
        id: known.id,
        name: known.name.clone(),
        kind: Kind::Hub,
        paired_at: known.paired_at,
        last_seen: before.as_ref().and_then(|device| device.last_seen),
        app: None,
        told: None,
        battery: None,
        clock_offset: before.as_ref().and_then(|device| device.clock_offset),
        held_back: false,
        contact: before.and_then(|device| device.contact),
    };
    let (rules, key, now, row): (_, DeviceKey, _, _) = (hub.rules.clone(), hub.key.clone(), hub.clock.now(), device.clone());
    let arrival = hub.arrival(hub.id(), None);
    hub.store
        .write(2_000, move |tx| {
            if members::standing(tx, &rules, &row.id)? != Some(Standing::Hub) {
                let draft = members::hub_draft(tx, &row.id, &row.name, now)?;
                let revision = draft.sign(&key).map_err(|refusal| StoreError::Bug(refusal.to_string()))?;
                keep::one(tx, &rules, arrival, Door::Trusted, &revision, &mut Tally::default())?;
            }
            devices::put(tx, &row)
        })
        .await?;
    hub.devices.insert(device);
    Ok(())
}
