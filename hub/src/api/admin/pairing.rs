//! The code by which devices join, as the manager's screen shows it.

use std::net::{IpAddr, SocketAddr};

use axum::extract::State;
use axum::http::StatusCode;
use maloca_protocol::client::interfaces::{self, Choice};
use serde::Serialize;

use super::super::body::Json;
use super::super::{ApiError, empty};
use crate::hub::{Hub, Ports};
use crate::trust::pairing;

/// What the screen shows.
#[derive(Debug, Clone, Serialize)]
pub(in super::super) struct Shown {
    #[serde(flatten)]
    open: pairing::Shown,
    /// Addresses at which devices find this hub.
    urls: Vec<String>,
    /// What the QR code says: for the camera and the app alike.
    link: String,
    /// The QR code as a picture.
    qr_svg: String,
}

/// What is open now.
pub(in super::super) fn shown(hub: &Hub) -> Option<Shown> {
    hub.pairing.show(hub.clock.now()).map(|open| dress(hub, open))
}

/// The code that is open now and the link that its QR picture holds, for the terminal.
#[must_use]
pub fn invitation(hub: &Hub) -> Option<(String, String)> {
    shown(hub).map(|shown| (shown.open.code, shown.link))
}

pub(super) fn dress(hub: &Hub, open: pairing::Shown) -> Shown {
    let urls = urls(hub);
    let base = urls.first().cloned().unwrap_or_default();
    let link = format!("{base}/j#{}.{}", open.code, hub.id());
    Shown { qr_svg: qr_svg(&link), open, urls, link }
}

/// The hub's own addresses: the one on which it listens, or those on real networks, or this machine's where there is none.
#[must_use]
pub fn urls(hub: &Hub) -> Vec<String> {
    let Ports { address, http: port, .. } = hub.ports();
    if !address.is_unspecified() {
        return vec![format!("http://{}", SocketAddr::new(address, port))];
    }
    let real = interfaces::list(&Choice::Real).unwrap_or_default();
    let mut addresses: Vec<IpAddr> = real.iter().map(|interface| IpAddr::V4(interface.address)).collect();
    if addresses.is_empty() {
        addresses.push(IpAddr::from([127, 0, 0, 1]));
    }
    addresses.iter().map(|address| format!("http://{address}:{port}")).collect()
}

fn qr_svg(text: &str) -> String {
    qrcode::QrCode::new(text)
        .map_or_else(|_| String::new(), |code| code.render::<qrcode::render::svg::Color<'_>>().min_dimensions(240, 240).build())
}

/// `GET /admin/pairing`
pub(in super::super) async fn get(State(hub): State<Hub>) -> Json<Option<Shown>> {
    Json(shown(&hub))
}

/// `POST /admin/pairing`
pub(in super::super) async fn open(State(hub): State<Hub>) -> Json<Shown> {
    let open = hub.pairing.open(hub.clock.now());
    hub.nudge.pairing();
    Json(dress(&hub, open))
}

/// `DELETE /admin/pairing`
pub(in super::super) async fn close(State(hub): State<Hub>) -> Result<StatusCode, ApiError> {
    hub.pairing.close();
    hub.nudge.pairing();
    Ok(empty())
}
