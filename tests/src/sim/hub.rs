//! A hub on a [`SimDisk`], asked through its own router without a socket.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;
use maloca_hub::api::{self, Peer};
use maloca_hub::clock::Clock;
use maloca_hub::hub::{Hub, OpenError, Options};
use maloca_hub::store::WriterThread;
use maloca_hub::verify::{self, Finding};
use serde_json::Value;
use tower::ServiceExt as _;

use super::disk::SimDisk;

/// Where the hub's data is on the disk.
pub const DATA: &str = "/data";

/// The joining code.
pub const CODE: &str = "simulated";

/// Time goes on by a second at each look, the same in every run.
static TIME: AtomicI64 = AtomicI64::new(1_800_000_000_000);

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status; 0 where the answer broke off.
    pub status: u16,
    /// Headers that tests look at.
    pub location: Option<String>,
    /// The offset of an upload.
    pub offset: Option<u64>,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// Where it is none: every answer of the API is JSON but for media.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// Whether it is a yes.
    #[must_use]
    pub const fn is_yes(&self) -> bool {
        self.status >= 200 && self.status < 300
    }
}

/// A running hub.
pub struct SimHub {
    /// The hub.
    pub hub: Hub,
    /// Its disk.
    pub disk: SimDisk,
    router: Router,
    _writer: WriterThread,
}

impl Drop for SimHub {
    fn drop(&mut self) {
        // Its tasks end with it; one that waits for its disk would otherwise keep it alive as long as the runtime.
        self.hub.shutdown.cancel();
    }
}

impl SimHub {
    /// Starts a hub on the disk as it is.
    ///
    /// # Errors
    /// What a person would be told.
    ///
    /// # Panics
    /// Where opening panics, which it never may.
    pub async fn start(disk: &SimDisk) -> Result<Self, OpenError> {
        let mut options = Options::new(DATA);
        options.files = disk.files();
        options.clock = Clock::of(|| TIME.fetch_add(1_000, Ordering::Relaxed));
        let (hub, writer) = Hub::open(options).await?;
        hub.pairing.stay_open(CODE);
        Ok(Self { router: api::router(&hub), hub, disk: disk.clone(), _writer: writer })
    }

    /// Asks, as from this machine and over https.
    pub async fn ask(&self, mut request: Request<Body>) -> Answer {
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 40_000);
        request.extensions_mut().insert(Peer { address, is_tls: true });
        request.headers_mut().insert("host", axum::http::HeaderValue::from_static("localhost"));
        // The router never fails; what panics inside is answered by it.
        let Ok(response) = self.router.clone().oneshot(request).await;
        let text = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (location, offset) = (text("location"), text("upload-offset").and_then(|text| text.parse().ok()));
        let status = response.status().as_u16();
        match response.into_body().collect().await {
            Ok(body) => Answer { status, location, offset, body: body.to_bytes() },
            Err(_) => Answer { status: 0, location, offset, body: Bytes::new() },
        }
    }

    /// Asks as the manager.
    pub async fn manager(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        self.ask(request(method, path, &self.hub.control).body(body.into()).expect("a request")).await
    }
}

/// A request with a token, its body still to come.
///
/// # Panics
/// Never: method and path are the tests' own.
pub fn request(method: &str, path: &str, token: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(format!("/api/v1{path}")).header("authorization", format!("Bearer {token}"))
}

/// Starts a hub where a panic is an answer like another: on a disk that rots.
///
/// # Errors
/// What was said.
pub async fn start_if_it_can(disk: &SimDisk) -> Result<SimHub, String> {
    match AssertUnwindSafe(SimHub::start(disk)).catch_unwind().await {
        Ok(Ok(hub)) => Ok(hub),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("a panic".to_owned()),
    }
}

/// What `maloca verify` finds wrong on the disk.
#[must_use]
pub fn faults(disk: &SimDisk) -> Vec<String> {
    let mut faults = Vec::new();
    let done = catch_unwind(AssertUnwindSafe(|| {
        verify::folder(&disk.files(), Path::new(DATA), &mut |finding, _| {
            if let Some(Finding::Fault(what)) = finding {
                faults.push(what);
            }
        })
    }));
    match done {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => faults.push(error.to_string()),
        Err(_) => faults.push("verify panicked".to_owned()),
    }
    faults
}
