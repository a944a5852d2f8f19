//! Who this hub is, joining it, and the manager's session.

use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use maloca_protocol::keys;
use maloca_protocol::limits;
use maloca_protocol::rest::{HubInfo, PairRequest, Paired};
use serde::{Deserialize, Serialize};

use super::access::{self, Peer};
use super::body::Json;
use super::{ApiError, empty};
use crate::devices::{self, Device, Kind};
use crate::hub::Hub;
use crate::intake::{Door, Tally, keep};
use crate::query::index::cut;
use crate::store::StoreError;
use crate::store::rows::Standing;
use crate::trust::pairing::{Refused, Whom};
use crate::trust::session::{self, COOKIE};
use crate::trust::{members, random_token};

/// What this version can do, each word with its own version.
pub(super) const CAPABILITIES: &[&str] =
    &["revisions-1", "plain-1", "changes-1", "state-1", "tus-1", "observations-1", "zstd-1", "reconcile-1", "hubs-1"];

/// `GET /hub`
pub(super) async fn info(State(hub): State<Hub>) -> Json<HubInfo> {
    Json(HubInfo {
        id: hub.id(),
        name: hub.settings().name,
        project: hub.project,
        version: env!("CARGO_PKG_VERSION").into(),
        capabilities: CAPABILITIES.iter().map(|&word| word.into()).collect(),
        now: hub.clock.text(),
        https_port: hub.ports().https,
        tls_spki: hub.tls.pin(),
        tls_sig: hub.tls.sig,
    })
}

/// `POST /pair`
pub(super) async fn pair(
    State(hub): State<Hub>,
    Extension(peer): Extension<Peer>,
    Json(request): Json<PairRequest>,
) -> Result<Json<Paired>, ApiError> {
    let now = hub.clock.now();
    if let Err(refusal) = check_joining(&hub, &request, peer, now) {
        // Whoever says its own name rightly is named to the manager; others could name anybody.
        if is_proven(&hub, &request) {
            hub.door.note(request.device, Some(cut(request.name.trim(), limits::NAME_BYTES)), &refusal.problem().code, now);
            hub.nudge.overview();
        }
        return Err(refusal);
    }
    let name = match request.name.trim() {
        "" => format!("Device {}", &request.device.to_string()[..6]),
        name => cut(name, limits::NAME_BYTES).to_owned(),
    };
    let app = request.app.map(|app| cut(&app, limits::NAME_BYTES).to_owned());
    let before = hub.devices.get(&request.device);
    let device = Device {
        last_seen: Some(now),
        app,
        told: before.as_ref().and_then(|device| device.told),
        clock_offset: before.as_ref().and_then(|device| device.clock_offset),
        held_back: before.as_ref().is_some_and(|device| device.held_back),
        contact: before.and_then(|device| device.contact),
        ..Device::new(request.device, name, if request.hub { Kind::Hub } else { Kind::Device }, now)
    };
    let token = if peer.is_tls {
        admit(&hub, device).await?
    } else {
        // The code is another one now, and the manager's screen shows it.
        hub.nudge.pairing();
        admit_signing(&hub, device).await?;
        String::new()
    };
    Ok(Json(Paired { hub: hub.id(), project: hub.project, name: hub.settings().name, token, tls_spki: hub.tls.pin() }))
}

fn is_proven(hub: &Hub, request: &PairRequest) -> bool {
    !keys::is_weak(&request.device) && request.is_proven(&hub.id())
}

/// Whether a device may join.
fn check_joining(hub: &Hub, request: &PairRequest, peer: Peer, now: i64) -> Result<(), ApiError> {
    if !is_proven(hub, request) {
        let detail = "The device did not prove that it holds its key. Start the app again and try once more.";
        return Err(ApiError::new(StatusCode::FORBIDDEN, "bad_proof", detail));
    }
    if request.hub && !peer.is_tls {
        let detail = "A hub joins over https only. Give the hub's https address.";
        return Err(ApiError::new(StatusCode::FORBIDDEN, "https_required", detail));
    }
    let whom = if request.hub { Whom::Hub } else { Whom::Device };
    hub.pairing.attempt(whom, &request.code, (!peer.is_tls).then_some(&request.device), now).map_err(|refused| {
        let (status, code) = match refused {
            Refused::Closed => (StatusCode::FORBIDDEN, "joining_closed"),
            Refused::Wrong => (StatusCode::FORBIDDEN, "wrong_code"),
            Refused::ForHubs => (StatusCode::FORBIDDEN, "code_for_hubs"),
            Refused::ForDevices => (StatusCode::FORBIDDEN, "code_for_devices"),
            Refused::Resting => (StatusCode::TOO_MANY_REQUESTS, "joining_rests"),
        };
        ApiError::new(status, code, refused.to_string())
    })
}

/// Lets a device in that gets a token.
pub(super) async fn admit(hub: &Hub, device: Device) -> Result<String, StoreError> {
    let token = random_token();
    let_in(hub, device, Some(token.clone())).await?;
    Ok(token)
}

/// Lets a device in that signs its requests.
async fn admit_signing(hub: &Hub, device: Device) -> Result<(), StoreError> {
    let_in(hub, device, None).await
}

/// A device's `member` revision, its row and its token, in one commit.
async fn let_in(hub: &Hub, device: Device, token: Option<String>) -> Result<(), StoreError> {
    let (rules, key, now, row) = (hub.rules.clone(), hub.key.clone(), hub.clock.now(), device.clone());
    let arrival = hub.arrival(hub.id(), None);
    hub.store
        .write(2_000, move |tx| {
            let standing = members::standing(tx, &rules, &row.id)?;
            let is_in = match row.kind {
                Kind::Hub => standing == Some(Standing::Hub),
                Kind::Device | Kind::Plain => standing.is_some_and(|standing| standing != Standing::Revoked),
            };
            if !is_in {
                let draft = match row.kind {
                    Kind::Hub => members::hub_draft(tx, &row.id, &row.name, now)?,
                    Kind::Device | Kind::Plain => members::member_draft(tx, &row.id, &row.name, now)?,
                };
                let revision = draft.sign(&key).map_err(|refusal| StoreError::Bug(refusal.to_string()))?;
                keep::one(tx, &rules, arrival, Door::Trusted, &revision, &mut Tally::default())?;
            }
            if let Some(token) = &token {
                session::give_token(tx, &row.id, token)?;
            }
            devices::put(tx, &row)
        })
        .await?;
    hub.door.forget(&device.id);
    hub.devices.insert(device);
    Ok(())
}

/// `GET /authority.crt`: what a phone installs, so that its browser takes this hub's page for a secure one.
pub(super) async fn authority(State(hub): State<Hub>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/x-x509-ca-cert"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"maloca.crt\""),
    ];
    (headers, hub.tls.authority().to_owned()).into_response()
}

/// The answer of `GET /nonce`.
#[derive(Serialize)]
pub(super) struct GivenNonce {
    nonce: String,
    hub: maloca_protocol::DeviceId,
}

/// `GET /nonce`: for devices that sign their requests.
pub(super) async fn nonce(State(hub): State<Hub>) -> Json<GivenNonce> {
    Json(GivenNonce { nonce: hub.nonces.give(hub.clock.now()), hub: hub.id() })
}

/// The body of `POST /session`.
#[derive(Deserialize)]
pub(super) struct OpenSession {
    token: String,
}

/// `POST /session`: the one-time link becomes a cookie.
pub(super) async fn open_session(State(hub): State<Hub>, Json(request): Json<OpenSession>) -> Result<Response, ApiError> {
    let Some(cookie) = hub.sessions.open(&hub.store, &request.token, hub.clock.now()).await? else {
        let detail = "This link was used before, or is too old. Run `maloca open` on the laptop for a new one.";
        return Err(ApiError::new(StatusCode::UNAUTHORIZED, "link_used", detail));
    };
    Ok((empty(), set_cookie(&cookie, 180 * 24 * 3600)).into_response())
}

fn set_cookie(value: &str, seconds: u64) -> HeaderMap {
    let text = format!("{COOKIE}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={seconds}");
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert(header::SET_COOKIE, value);
    }
    headers
}

/// Who the caller is.
#[derive(Serialize)]
pub(super) struct Role {
    role: Option<&'static str>,
}

/// `GET /session`: `null` where nobody is in, so that a page may ask without an error in anybody's log.
pub(super) async fn session(State(hub): State<Hub>, headers: HeaderMap) -> Result<Json<Role>, ApiError> {
    let is_manager = match access::cookie(&headers) {
        None => false,
        Some(cookie) => hub.sessions.is_manager(&hub.store, cookie, hub.clock.now()).await?,
    };
    Ok(Json(Role { role: is_manager.then_some("manager") }))
}

/// `DELETE /session`
pub(super) async fn close_session(State(hub): State<Hub>, headers: HeaderMap) -> Result<Response, ApiError> {
    if let Some(cookie) = access::cookie(&headers) {
        hub.sessions.close(&hub.store, cookie).await?;
    }
    Ok((empty(), set_cookie("", 0)).into_response())
}
