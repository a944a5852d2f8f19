//! Who is calling, and from which page.
//!
//! [`super::router`] puts [`check_host`] before everything and [`guard`] before each route. It promises: a name that is not
//! this hub's gets nothing (any web site can make a browser ask localhost); a cookie counts for writing only from the
//! hub's own pages; a device's token never works over plain http, where others could have read it; a request that a device signed
//! is carried out once.

use std::net::{IpAddr, SocketAddr};

use axum::body::Body;
use axum::extract::{FromRequest as _, FromRequestParts, OriginalUri, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use maloca_protocol::DeviceId;
use maloca_protocol::rest::CLOCK_HEADER;
use maloca_protocol::signed::{NONCE_HEADER, Signed};

use super::body::Whole;
use super::{ApiError, cors};
use crate::hub::Hub;
use crate::store::rows::Standing;
use crate::trust::members;
use crate::trust::session::{self, COOKIE};

/// Who may ask a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone on the network.
    Anyone,
    /// A device that has joined.
    Device,
    /// A device that has joined, or the manager.
    Member,
    /// The manager.
    Manager,
}

/// How a request came in; put there by the accept loop.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// From where.
    pub address: SocketAddr,
    /// Whether nobody else on the network could read it.
    pub is_tls: bool,
}

/// Who is calling; put there by [`guard`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A device, with its clock where it told it.
    Device {
        /// Its key.
        id: DeviceId,
        /// Its clock, milliseconds since 1970.
        clock: Option<i64>,
    },
    /// The manager.
    Manager,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().copied().ok_or_else(unknown)
    }
}

/// A device that is calling, for routes that are for devices alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallingDevice {
    /// Its key.
    pub(super) id: DeviceId,
    /// Its clock, milliseconds since 1970, where it told it.
    pub(super) clock: Option<i64>,
}

impl<S: Sync> FromRequestParts<S> for CallingDevice {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Caller::from_request_parts(parts, state).await? {
            Caller::Device { id, clock } => Ok(Self { id, clock }),
            Caller::Manager => Err(unknown()),
        }
    }
}

fn unknown() -> ApiError {
    let detail = "This hub does not know you. A device joins with the code on the manager's screen; the manager opens the page by \
                  the link that the hub shows when it starts, or by `maloca open`.";
    ApiError::new(StatusCode::UNAUTHORIZED, "session_missing", detail)
}

/// Lets a request through to its route, with a [`Caller`] beside it.
pub(super) async fn guard(
    State((hub, access)): State<(Hub, Access)>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let signed = signed(request.headers());
    // A signature is no cookie: no other page could have made the browser send it.
    if signed.is_none() {
        check_origin(&hub, request.method(), request.headers())?;
    }
    if access == Access::Anyone {
        return Ok(next.run(request).await);
    }
    let peer = request.extensions().get::<Peer>().copied().ok_or_else(unknown)?;
    let caller = match signed {
        Some(signed) => {
            let caller;
            (caller, request) = signer(&hub, signed, request).await?;
            caller
        }
        None => identify(&hub, &request.headers().clone(), peer).await?,
    };
    let allowed = match (access, caller) {
        (Access::Anyone | Access::Member, _) | (Access::Device, Caller::Device { .. }) | (Access::Manager, Caller::Manager) => {
            true
        }
        (Access::Device, Caller::Manager) | (Access::Manager, Caller::Device { .. }) => false,
    };
    if !allowed {
        return Err(unknown());
    }
    if let Caller::Device { id, clock } = caller {
        let now = hub.clock.now();
        hub.devices.seen(&id, now, clock.map(|clock| clock.saturating_sub(now)));
        if let Err(waiting) = check_waiting(&hub, &id) {
            hub.nudge.device(id);
            return Err(waiting);
        }
    }
    request.extensions_mut().insert(caller);
    let response = next.run(request).await;
    if let Caller::Device { id, .. } = caller {
        hub.nudge.device(id);
    }
    Ok(response)
}

/// Refuses a device that the manager lets wait. It keeps what it has, and asks again by itself.
fn check_waiting(hub: &Hub, device: &DeviceId) -> Result<(), ApiError> {
    let wait = |code: &str, detail: &str| Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, code, detail));
    if hub.service.is_paused() {
        return wait(
            "hub_paused",
            "The manager has paused the hub. Keep your records; they go over by themselves when it goes on.",
        );
    }
    if hub.devices.is_held_back(device) {
        return wait("held_back", "The manager lets this device wait. Keep your records; ask the manager when its turn is.");
    }
    Ok(())
}

async fn identify(hub: &Hub, headers: &HeaderMap, peer: Peer) -> Result<Caller, ApiError> {
    if let Some(token) = bearer(headers) {
        if hub.sessions.is_control(token) {
            return if peer.address.ip().is_loopback() { Ok(Caller::Manager) } else { Err(unknown()) };
        }
        if !peer.is_tls {
            let detail = "A token was sent over plain http, where others on this Wi-Fi can read it. Use https, and join again.";
            return Err(ApiError::new(StatusCode::FORBIDDEN, "https_required", detail));
        }
        let id = session::device_of(&hub.store, token).await?.ok_or_else(unknown)?;
        return Ok(Caller::Device { id, clock: clock(headers) });
    }
    let cookie = cookie(headers).ok_or_else(unknown)?;
    if hub.sessions.is_manager(&hub.store, cookie, hub.clock.now()).await? { Ok(Caller::Manager) } else { Err(unknown()) }
}

fn clock(headers: &HeaderMap) -> Option<i64> {
    headers.get(CLOCK_HEADER).and_then(|value| value.to_str().ok()?.parse().ok())
}

fn signed(headers: &HeaderMap) -> Option<Signed> {
    Signed::parse(headers.get(header::AUTHORIZATION)?.to_str().ok()?)
}

/// The device that signed a request, and the request with its body at hand.
///
/// The signature is looked at before the body is: nobody makes the hub read one in another's name.
async fn signer(hub: &Hub, signed: Signed, request: Request) -> Result<(Caller, Request), ApiError> {
    let now = hub.clock.now();
    if hub.nonces.made_at(&signed.nonce, now).is_none() {
        return Err(stale(hub, now));
    }
    let path = request.extensions().get::<OriginalUri>().map_or_else(|| request.uri().clone(), |uri| uri.0.clone());
    let path = path.path_and_query().map_or("/", |path| path.as_str());
    if !signed.is_of(&hub.id(), request.method().as_str(), path) {
        return Err(bad_signature());
    }
    let (rules, device) = (hub.rules.clone(), signed.device);
    let standing = hub.store.read(move |view| members::standing(view, &rules, &device)).await?;
    let known = hub.devices.name(&device);
    if standing != Some(Standing::Member) || known.is_none() {
        hub.door.note(device, known.as_deref(), "session_missing", now);
        hub.nudge.overview();
        return Err(unknown());
    }
    if !hub.nonces.take(device, &signed.nonce, signed.count, now) {
        return Err(stale(hub, now));
    }
    let (parts, body) = request.into_parts();
    let Whole(body) = Whole::from_request(Request::from_parts(parts.clone(), body), &()).await?;
    if blake3::hash(&body) != signed.body {
        return Err(bad_signature());
    }
    Ok((Caller::Device { id: device, clock: clock(&parts.headers) }, Request::from_parts(parts, Body::from(body))))
}

fn bad_signature() -> ApiError {
    let detail = "The request was not signed as it came in. Start the app again and try once more.";
    ApiError::new(StatusCode::FORBIDDEN, "bad_signature", detail)
}

fn stale(hub: &Hub, now: i64) -> ApiError {
    let detail = "This request was signed too long ago, or sent before. Sign it anew.";
    ApiError::new(StatusCode::UNAUTHORIZED, "nonce_stale", detail).with_header(NONCE_HEADER, &hub.nonces.give(now))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// The manager's cookie.
pub(super) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|value| value.split(';')).find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// A write that comes from a page must come from this hub's page. What is no page sends no `Origin`; a browser always does,
/// and a cookie without one is a browser too old to be trusted with writing.
fn check_origin(hub: &Hub, method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let same = match headers.get(header::ORIGIN) {
        None => cookie(headers).is_none(),
        Some(origin) => {
            let origin = origin.to_str().unwrap_or_default();
            origin.split_once("://").is_some_and(|(scheme, rest)| matches!(scheme, "http" | "https") && rest == host)
        }
    };
    // A page from where the phone app was installed brings no cookie of ours, and so no more than anybody's power.
    if same || (cookie(headers).is_none() && cors::is_allowed(hub, headers)) {
        return Ok(());
    }
    let detail = "This request came from another page than the hub's own, and was not carried out.";
    Err(ApiError::new(StatusCode::FORBIDDEN, "foreign_origin", detail))
}

/// Refuses a `Host` that is no name of this hub: behind a foreign name is a foreign page.
pub(super) async fn check_host(State(hub): State<Hub>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if is_ours(&hub, host) {
        return next.run(request).await;
    }
    let detail = "This hub does not answer under that name. Use its address, localhost or maloca.local.";
    ApiError::new(StatusCode::FORBIDDEN, "foreign_host", detail).into_response()
}

/// Addresses cannot be rebound to a foreign page, names can; of names only those that this machine alone answers to.
fn is_ours(hub: &Hub, host: &str) -> bool {
    if host.parse::<SocketAddr>().is_ok() || host.parse::<IpAddr>().is_ok() {
        return true;
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).to_ascii_lowercase();
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().is_ok() || matches!(bare, "localhost" | "maloca.local") || hub.names.iter().any(|ours| ours == bare)
}
