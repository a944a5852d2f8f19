//! Pages from elsewhere that may ask this hub: the phone app where it was installed from an https origin.
//!
//! [`super::router`] puts [`allow`] around the API. It promises: only origins that were named with `--allow-origin` are let
//! through, and they get no cookie's power: what such a page may do, it may by the device's own signature alone.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use maloca_protocol::signed::NONCE_HEADER;

use crate::hub::Hub;

const METHODS: &str = "GET, HEAD, POST, PATCH, DELETE";

/// What the phone app sends beside what every browser may.
const SENT: &str = "authorization, content-type, maloca-clock, tus-resumable, upload-length, upload-offset, upload-metadata";

/// What it reads beside what every browser may.
const READ: &str = "location, retry-after, tus-resumable, upload-length, upload-offset, upload-expires, ";

/// How long a browser need not ask again, in seconds.
const REMEMBERED: &str = "600";

/// Whether the page that asks is one that may.
pub(super) fn is_allowed(hub: &Hub, headers: &HeaderMap) -> bool {
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    origin.is_some_and(|origin| hub.origins.iter().any(|ours| ours == origin))
}

/// Answers what browsers ask beforehand, and tells them that the page may read the answer.
pub(super) async fn allow(State(hub): State<Hub>, request: Request, next: Next) -> Response {
    if !is_allowed(&hub, request.headers()) {
        return next.run(request).await;
    }
    let asked = request.headers();
    let origin = asked.get(header::ORIGIN).cloned();
    let is_beforehand = request.method() == Method::OPTIONS && asked.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let asks_for_network = asked.contains_key("access-control-request-private-network");
    let mut response = if is_beforehand { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    if is_beforehand {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(SENT));
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(REMEMBERED));
        if asks_for_network {
            headers.insert("access-control-allow-private-network", HeaderValue::from_static("true"));
        }
    } else if let Ok(read) = HeaderValue::from_str(&format!("{READ}{NONCE_HEADER}")) {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, read);
    }
    response
}
