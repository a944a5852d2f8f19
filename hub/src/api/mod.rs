//! The HTTP API: every route on one page, and who may ask it.
//!
//! [`serve`] listens with what [`router`] builds; this room alone knows axum. It promises that no route but those marked
//! [`Access::Anyone`] answers without a device's token or the manager's session, that a foreign `Host` gets nothing, and
//! that every error is a problem that says what to do.

mod access; // who is calling, and from which page
mod cors; // pages from elsewhere that may ask
mod body; // bodies, bounded and decoded
mod linger; // refusals that arrive
mod error; // the one place where errors become responses
mod hub; // who this hub is, joining, the manager's session
mod revisions; // the signed door and the plain door
mod reconcile; // what two hubs do not share
mod state; // what a device tells, and its receipt
mod changes; // the feed
mod media; // media in and out
mod question; // which observations are meant
mod observations; // merged documents
mod history; // who changed what of a document
mod edits; // what a manager changes
mod presets; // categories
mod counts; // counts and places for an analysis
mod tiles; // the map
mod basemaps; // what lies under it
mod events; // the page's live events
mod languages; // messages that a community added
mod admin; // the manager's calls
mod webui; // the pages
pub mod serve; // sockets, TLS, the accept loop

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{self, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware;
use axum::routing::{MethodRouter, delete, get, head, patch, post};
use maloca_protocol::limits;
use maloca_protocol::rest::BASE;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate as _};
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::set_header::SetResponseHeaderLayer;

pub use access::{Access, Caller, Peer};
pub use admin::pairing::{invitation, urls};
pub use error::ApiError;

use crate::hub::Hub;

/// A route: how it is asked, by whom, and what answers.
pub struct Route {
    /// The method. `GET` answers `HEAD` too.
    pub method: Method,
    /// The path under `/api/v1`.
    pub path: &'static str,
    /// Who may ask.
    pub access: Access,
    handler: MethodRouter<Hub>,
}

const fn route(method: Method, path: &'static str, access: Access, handler: MethodRouter<Hub>) -> Route {
    Route { method, path, access, handler }
}

/// The whole API.
#[must_use]
pub fn routes() -> Vec<Route> {
    use Access::{Anyone, Device, Manager, Member};
    use Method as M;
    vec![
        // Who is there, and coming in.
        route(M::GET, "/hub", Anyone, get(hub::info)),
        route(M::POST, "/pair", Anyone, post(hub::pair)),
        route(M::GET, "/nonce", Anyone, get(hub::nonce)),
        route(M::GET, "/authority.crt", Anyone, get(hub::authority)),
        route(M::POST, "/session", Anyone, post(hub::open_session)),
        route(M::GET, "/session", Anyone, get(hub::session)),
        route(M::DELETE, "/session", Manager, delete(hub::close_session)),
        // What devices bring.
        route(M::POST, "/state", Device, post(state::report)),
        route(M::POST, "/revisions", Device, post(revisions::signed)),
        route(M::POST, "/observations", Device, post(revisions::plain)),
        route(M::POST, "/reconcile", Device, post(reconcile::answer)),
        route(M::POST, "/revisions/wanted", Device, post(reconcile::wanted)),
        route(M::GET, "/media/wanted", Device, get(media::wanted)),
        route(M::POST, "/media/missing", Device, post(media::missing)),
        route(M::OPTIONS, "/media/uploads", Anyone, axum::routing::options(media::tus::capabilities)),
        route(M::POST, "/media/uploads", Device, post(media::tus::create)),
        route(M::HEAD, "/media/uploads/{id}", Device, head(media::tus::offset)),
        route(M::PATCH, "/media/uploads/{id}", Device, patch(media::tus::append)),
        route(M::DELETE, "/media/uploads/{id}", Device, delete(media::tus::terminate)),
        // What everybody inside reads.
        route(M::GET, "/changes", Member, get(changes::page)),
        route(M::GET, "/observations", Member, get(observations::list)),
        route(M::GET, "/observations/count", Member, get(observations::count)),
        route(M::GET, "/observations/categories", Member, get(observations::categories)),
        route(M::GET, "/presets", Member, get(presets::list)),
        route(M::GET, "/observations/counts", Member, get(counts::groups)),
        route(M::GET, "/observations/points", Member, get(counts::points)),
        route(M::GET, "/tiles/observations/{z}/{x}/{file}", Member, get(tiles::observations)),
        route(M::GET, "/observations/{doc}", Member, get(observations::one)),
        route(M::GET, "/observations/{doc}/history", Member, get(history::of)),
        route(M::GET, "/basemaps", Member, get(basemaps::list)),
        route(M::GET, "/basemaps/{id}/style", Member, get(basemaps::style)),
        route(M::GET, "/basemaps/{id}/parts/{*path}", Member, get(basemaps::part)),
        route(M::GET, "/tiles/basemaps/{id}/{z}/{x}/{y}", Member, get(basemaps::tile)),
        route(M::GET, "/media/{hash}", Member, get(media::read)),
        route(M::GET, "/media/{hash}/thumbnail", Member, get(media::thumbnail)),
        // The manager's page.
        route(M::GET, "/events", Manager, get(events::stream)),
        route(M::GET, "/languages", Anyone, get(languages::list)),
        route(M::GET, "/languages/{file}", Anyone, get(languages::one)),
        route(M::GET, "/admin/overview", Manager, get(admin::overview::get)),
        route(M::PATCH, "/admin/hub", Manager, patch(admin::overview::change_hub)),
        route(M::PATCH, "/admin/service", Manager, patch(admin::overview::pause)),
        route(M::POST, "/admin/search", Manager, post(admin::overview::search)),
        route(M::POST, "/admin/link", Manager, post(admin::overview::link)),
        route(M::POST, "/observations/{doc}/edits", Manager, post(edits::keep)),
        route(M::POST, "/admin/presets", Manager, post(presets::add)),
        route(M::GET, "/admin/devices", Manager, get(admin::devices::list)),
        route(M::POST, "/admin/devices", Manager, post(admin::devices::add_plain)),
        route(M::PATCH, "/admin/devices/{id}", Manager, patch(admin::devices::change)),
        route(M::POST, "/admin/devices/{id}/revoke", Manager, post(admin::devices::revoke)),
        route(M::GET, "/admin/storage", Manager, get(admin::health::storage)),
        route(M::GET, "/admin/metrics", Manager, get(admin::health::metrics)),
        route(M::GET, "/admin/log", Manager, get(admin::health::log_bundle)),
        route(M::GET, "/admin/contacts", Manager, get(admin::devices::contacts)),
        route(M::GET, "/admin/pairing", Manager, get(admin::pairing::get)),
        route(M::POST, "/admin/pairing", Manager, post(admin::pairing::open)),
        route(M::DELETE, "/admin/pairing", Manager, delete(admin::pairing::close)),
        route(M::GET, "/admin/hubs", Manager, get(admin::hubs::list)),
        route(M::POST, "/admin/hubs", Manager, post(admin::hubs::pair)),
        route(M::POST, "/admin/hubs/code", Manager, post(admin::hubs::code)),
        route(M::POST, "/admin/hubs/sync", Manager, post(admin::hubs::sync)),
        route(M::GET, "/admin/exports", Manager, get(admin::exports::list)),
        route(M::POST, "/admin/exports", Manager, post(admin::exports::start)),
        route(M::DELETE, "/admin/exports/{id}", Manager, delete(admin::exports::cancel)),
        route(M::POST, "/admin/imports", Manager, post(admin::imports::phone_file)),
        route(M::GET, "/admin/imports/bundles", Manager, get(admin::imports::running)),
        route(M::GET, "/admin/imports/found", Manager, get(admin::imports::found)),
        route(M::POST, "/admin/imports/look", Manager, post(admin::imports::look)),
        route(M::POST, "/admin/imports/bundles", Manager, post(admin::imports::start)),
        route(M::DELETE, "/admin/imports/bundles/{id}", Manager, delete(admin::imports::cancel)),
        route(M::GET, "/admin/retention", Manager, get(admin::retention::releasable)),
        route(M::POST, "/admin/retention", Manager, post(admin::retention::release)),
        route(M::GET, "/admin/places", Manager, get(admin::exports::places)),
        route(M::PATCH, "/admin/places", Manager, patch(admin::exports::mark)),
        route(M::POST, "/admin/places/eject", Manager, post(admin::exports::eject)),
        route(M::POST, "/admin/basemaps", Manager, post(basemaps::copy)),
        route(M::POST, "/admin/basemaps/upload", Manager, post(basemaps::upload)),
        route(M::GET, "/admin/basemaps/found", Manager, get(basemaps::found)),
        route(M::GET, "/admin/basemaps/copy", Manager, get(basemaps::copying)),
        route(M::DELETE, "/admin/basemaps/copy", Manager, delete(basemaps::stop)),
        route(M::DELETE, "/admin/basemaps/{id}", Manager, delete(basemaps::remove)),
    ]
}

/// Bytes of a request's body, after unpacking, that a handler reads at once. Media are streamed and have their own bound.
const BODY_BYTES: usize = limits::BATCH_BYTES + 64 * 1024;

/// The policy under which the pages run: nothing from elsewhere, no script but the built files.
const POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// The hub's router: API and pages.
pub fn router(hub: &Hub) -> Router {
    let mut api = Router::new();
    for Route { path, access, handler, .. } in routes() {
        let guard = middleware::from_fn_with_state((hub.clone(), access), access::guard);
        api = api.route(path, handler.route_layer(guard));
    }
    let api = api
        .fallback(error::no_such_route)
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(RequestDecompressionLayer::new().pass_through_unaccepted(true))
        .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .layer(middleware::from_fn_with_state(hub.clone(), cors::allow));
    // Pictures are packed already; events must not wait in a packer's buffer.
    let packable = DefaultPredicate::new()
        .and(NotForContentType::const_new("application/octet-stream"))
        .and(NotForContentType::const_new("video/"))
        .and(NotForContentType::const_new("audio/"));
    let fixed = |name: &'static str, value: &'static str| {
        SetResponseHeaderLayer::overriding(header::HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    Router::new()
        .nest(BASE, api)
        .fallback(webui::page)
        .layer(CompressionLayer::new().compress_when(packable))
        .layer(SetResponseHeaderLayer::if_not_present(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)))
        .layer(fixed("x-content-type-options", "nosniff"))
        .layer(fixed("referrer-policy", "no-referrer"))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("same-origin"),
        ))
        .layer(middleware::from_fn_with_state(hub.clone(), access::check_host))
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(middleware::from_fn(linger::linger))
        .with_state(hub.clone())
}

/// A response without a body.
const fn empty() -> StatusCode {
    StatusCode::NO_CONTENT
}
