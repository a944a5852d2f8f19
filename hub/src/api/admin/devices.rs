//! Devices on the manager's page: cards, names, letting one wait, putting one out, letting in what cannot sign, the log of contacts.

use axum::extract::State;
use axum::http::StatusCode;
use maloca_protocol::{DeviceId, DeviceKey, limits};
use serde::{Deserialize, Serialize};

use super::super::ApiError;
use super::super::body::{Asked, Json, Named};
use super::super::hub::admit;
use crate::devices::log::{self, Logged, Page};
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

/// The name of a new device.
#[derive(Deserialize)]
pub(in super::super) struct Named_ {
    name: String,
}

/// What may be changed of a device; what is left out stays.
#[derive(Deserialize)]
pub(in super::super) struct Change {
    name: Option<String>,
    held_back: Option<bool>,
}

fn clean(name: &str) -> Result<String, ApiError> {
    match cut(name.trim(), limits::NAME_BYTES) {
        "" => Err(ApiError::bad_request("A device needs a name of 1 to 255 bytes.")),
        name => Ok(name.to_owned()),
    }
}

/// `PATCH /admin/devices/{id}`
pub(in super::super) async fn change(
    State(hub): State<Hub>,
    Named(id): Named<DeviceId>,
    Json(change): Json<Change>,
) -> Result<Json<Card>, ApiError> {
    let name = change.name.as_deref().map(clean).transpose()?;
    hub.devices.get(&id).ok_or_else(|| ApiError::not_found("device"))?;
    if let Some(name) = name {
        hub.devices.rename(&id, &name);
    }
    if let Some(held_back) = change.held_back {
        hub.devices.hold_back(&id, held_back);
    }
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
    let device = Device::new(id, clean(&change.name)?, Kind::Plain, hub.clock.now());
    let token = admit(&hub, device).await?;
    Ok((StatusCode::CREATED, Json(Added { id, token })))
}

/// Contacts on a page of the log where nothing is said, and at most.
const PAGE: usize = 100;
const LONGEST_PAGE: usize = 1_000;

/// Which part of the log.
#[derive(Deserialize)]
pub(in super::super) struct Part {
    after: Option<String>,
    limit: Option<usize>,
}

/// The answer of `GET /admin/contacts`.
#[derive(Serialize)]
pub(in super::super) struct Contacts {
    contacts: Vec<Logged>,
    next: Option<String>,
}

/// `GET /admin/contacts`: who was here in the last 90 days, the newest contact first.
pub(in super::super) async fn contacts(State(hub): State<Hub>, Asked(part): Asked<Part>) -> Result<Json<Contacts>, ApiError> {
    let limit = part.limit.unwrap_or(PAGE).clamp(1, LONGEST_PAGE);
    let page = hub.store.read(move |view| log::page(view, part.after.as_deref(), limit)).await?;
    let Page { contacts, next } =
        page.ok_or_else(|| ApiError::bad_request("`after` was not given by this hub; begin at the newest."))?;
    Ok(Json(Contacts { contacts, next }))
}
