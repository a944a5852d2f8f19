//! Devices on the manager's page: cards, names, putting one out, letting in what cannot sign.

use axum::extract::State;
use axum::http::StatusCode;
use maloca_protocol::{DeviceId, DeviceKey, limits};
use serde::{Deserialize, Serialize};

use super::super::ApiError;
use super::super::body::{Json, Named};
use super::super::hub::admit;
use crate::devices::{Card, Device, Kind};
use crate::hub::Hub;
use crate::intake::{Door, Tally, keep};
use crate::query::index::cut;
use crate::store::StoreError;
use crate::trust::{members, session};

/// The answer of `GET /admin/devices`.
#[derive(Serialize)]
pub(in super::super) struct Cards {
    devices: Vec<Card>,
}

/// `GET /admin/devices`
pub(in super::super) async fn list(State(hub): State<Hub>) -> Result<Json<Cards>, ApiError> {
    let shared = hub.clone();
    let cards = hub
        .store
        .read(move |view| shared.devices.ids().iter().filter_map(|id| shared.devices.card(view, id).transpose()).collect());
    Ok(Json(Cards { devices: cards.await? }))
}

async fn card(hub: &Hub, id: DeviceId) -> Result<Json<Card>, ApiError> {
    let shared = hub.clone();
    let card = hub.store.read(move |view| shared.devices.card(view, &id)).await?;
    card.map(Json).ok_or_else(|| ApiError::not_found("device"))
}

/// What may be changed of a device.
#[derive(Deserialize)]
pub(in super::super) struct Named_ {
    name: String,
}

fn clean(name: &str) -> Result<String, ApiError> {
    match cut(name.trim(), limits::NAME_BYTES) {
        "" => Err(ApiError::bad_request("A device needs a name of 1 to 255 bytes.")),
        name => Ok(name.to_owned()),
    }
}

/// `PATCH /admin/devices/{id}`
pub(in super::super) async fn rename(
    State(hub): State<Hub>,
    Named(id): Named<DeviceId>,
    Json(change): Json<Named_>,
) -> Result<Json<Card>, ApiError> {
    let name = clean(&change.name)?;
    hub.devices.get(&id).ok_or_else(|| ApiError::not_found("device"))?;
    hub.devices.rename(&id, &name);
    hub.devices.save(&hub.store).await?;
    card(&hub, id).await
}

/// `POST /admin/devices/{id}/revoke`: ends its sessions; what it signs from now on is kept aside.
pub(in super::super) async fn revoke(State(hub): State<Hub>, Named(id): Named<DeviceId>) -> Result<Json<Card>, ApiError> {
    hub.devices.get(&id).ok_or_else(|| ApiError::not_found("device"))?;
    let (rules, key, now, arrival) = (hub.rules.clone(), hub.key.clone(), hub.clock.now(), hub.arrival(hub.id(), None));
    hub.store
        .write(1_000, move |tx| {
            let draft = members::revoke_draft(tx, &id, now)?;
            let revision = draft.sign(&key).map_err(|refusal| StoreError::Bug(refusal.to_string()))?;
            keep::one(tx, &rules, arrival, Door::Trusted, &revision, &mut Tally::default())?;
            session::take_tokens(tx, &id)
        })
        .await?;
    card(&hub, id).await
}

/// The answer of `POST /admin/devices`.
#[derive(Serialize)]
pub(in super::super) struct Added {
    id: DeviceId,
    /// The bearer token, shown this once.
    token: String,
}

/// `POST /admin/devices`: lets in something that cannot sign, for the plain door. Its id is a key that nobody holds.
pub(in super::super) async fn add_plain(
    State(hub): State<Hub>,
    Json(change): Json<Named_>,
) -> Result<(StatusCode, Json<Added>), ApiError> {
    let id = DeviceKey::generate().id();
    let device = Device {
        id,
        name: clean(&change.name)?,
        kind: Kind::Plain,
        paired_at: hub.clock.now(),
        last_seen: None,
        app: None,
        told: None,
        battery: None,
        clock_offset: None,
        contact: None,
    };
    let token = admit(&hub, device).await?;
    Ok((StatusCode::CREATED, Json(Added { id, token })))
}
