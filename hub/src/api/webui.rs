//! The pages, out of the binary: packed as they were built, with an ETag, hashed names for ever, pages asked anew each time.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use maloca_webui::file;

use super::ApiError;

/// What is served under which address, beside the files' own names.
const PAGES: &[(&str, &str)] = &[("", "index.html"), ("j", "j.html"), ("dev/ui", "dev-ui.html")];

/// The folder of the phone app, in the build as in the address. Its addresses are relative, so that of its page ends with a slash.
const PHONE: &str = "phone";

/// The policy of the phone app: it speaks with whichever hub it knows, and shows and hashes what lies on the phone.
const PHONE_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' http: https:; \
                            img-src 'self' data: blob:; media-src 'self' blob:; style-src 'self' 'unsafe-inline'; \
                            worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The rooms of the dashboard: whatever comes behind them in the address is the page's own affair.
const ROOMS: &[&str] = &["observations", "analysis", "categories", "settings"];

/// Packings in the order of preference: name in `Accept-Encoding`, ending of the file.
const PACKINGS: &[(&str, &str)] = &[("br", ".br"), ("gzip", ".gz")];

/// Everything that is no API.
pub(super) async fn page(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) {
        return super::error::method_not_allowed().await.into_response();
    }
    let asked = uri.path().trim_start_matches('/').trim_end_matches('/');
    // The pages carry their own; a browser asks for this one beside a photo or an answer, and shall not log an error.
    if asked == "favicon.ico" {
        return StatusCode::NO_CONTENT.into_response();
    }
    if uri.path() == "/phone" {
        return Redirect::permanent("/phone/").into_response();
    }
    let room = asked.split('/').next().unwrap_or_default();
    let name = if ROOMS.contains(&room) {
        "index.html"
    } else if asked == PHONE {
        "phone/index.html"
    } else {
        PAGES.iter().find(|(path, _)| *path == asked).map_or(asked, |(_, file_name)| *file_name)
    };
    let Some(plain) = file(name) else {
        if name == "index.html" {
            return built_without_pages();
        }
        return ApiError::not_found("page").into_response();
    };
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let accepts = |packing: &str| accepted.split(',').any(|one| one.split(';').next().unwrap_or_default().trim() == packing);
    let packed = PACKINGS
        .iter()
        .filter(|(packing, _)| accepts(packing))
        .find_map(|(packing, ending)| file(&format!("{name}{ending}")).map(|found| (*packing, found)));
    let tag = format!("\"{}\"", data_encoding::HEXLOWER.encode(&plain.metadata.sha256_hash()[..16]));
    let mut response = if headers.get(header::IF_NONE_MATCH).is_some_and(|given| given.as_bytes() == tag.as_bytes()) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let (packing, data) = packed.map_or((None, plain.data), |(packing, found)| (Some(packing), found.data));
        let mut response = Response::new(Body::from(data.into_owned()));
        if let Some(packing) = packing {
            put(&mut response, header::CONTENT_ENCODING, packing);
        }
        response
    };
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    let kind = if kind.type_() == "text" { format!("{kind}; charset=utf-8") } else { kind.to_string() };
    put(&mut response, header::CONTENT_TYPE, &kind);
    put(&mut response, header::ETAG, &tag);
    put(&mut response, header::VARY, "accept-encoding");
    if room == PHONE {
        put(&mut response, header::CONTENT_SECURITY_POLICY, PHONE_POLICY);
    }
    let keep = if name.starts_with("assets/") || name.starts_with("phone/assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    put(&mut response, header::CACHE_CONTROL, keep);
    response
}

fn put(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn built_without_pages() -> Response {
    let text = "This program was built without its pages. Run `make run`, which builds them first.\n";
    (StatusCode::NOT_FOUND, text).into_response()
}
