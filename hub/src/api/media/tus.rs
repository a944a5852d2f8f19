//! Resumable uploads: tus 1.0 with creation, creation-with-upload, termination and expiration.
//!
//! A small file takes one request; a large one is created, then sent in pieces, each durable before it is answered. The
//! hash is declared in `Upload-Metadata` as `hash` (hex) and verified at the end; without one it is computed.

use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::TryStreamExt as _;
use maloca_protocol::{MediaHash, limits, tus};

use super::super::ApiError;
use super::super::access::CallingDevice;
use super::super::body::Named;
use super::super::revisions::check_room;
use crate::devices::Trouble;
use crate::hub::Hub;
use crate::intake::Tally;
use crate::media::uploads::{Progress, Upload};
use crate::store::T;
use crate::store::rows::MediaRow;
use crate::store::view::ViewExt as _;

const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");

/// The content type of a piece.
const PIECE: &str = "application/offset+octet-stream";

/// A file up to this size that comes with its creation is one request, all or nothing, with no row to be resumed by.
const SMALL: u64 = limits::BLOCK_BYTES as u64;

/// `OPTIONS /media/uploads`
pub(in super::super) async fn capabilities() -> Response {
    let headers = [
        ("tus-resumable", "1.0.0".to_owned()),
        ("tus-version", "1.0.0".to_owned()),
        ("tus-extension", "creation,creation-with-upload,termination,expiration".to_owned()),
        ("tus-max-size", limits::MEDIA_BYTES.to_string()),
    ];
    (StatusCode::NO_CONTENT, axum::response::AppendHeaders(headers)).into_response()
}

fn check_version(headers: &HeaderMap) -> Result<(), ApiError> {
    if headers.get(RESUMABLE).is_some_and(|version| version == "1.0.0") {
        return Ok(());
    }
    let detail = "Uploads speak tus 1.0.0; send the header Tus-Resumable: 1.0.0.";
    Err(ApiError::new(StatusCode::PRECONDITION_FAILED, "tus_version", detail))
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    tus::number(headers.get(name)?.to_str().ok()?)
}

fn metadata(headers: &HeaderMap, key: &str) -> Option<String> {
    tus::metadata(headers.get(METADATA)?.to_str().ok()?, key)
}

/// `POST /media/uploads`
pub(in super::super) async fn create(
    State(hub): State<Hub>,
    OriginalUri(uri): OriginalUri,
    device: CallingDevice,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    check_version(&headers)?;
    let size =
        number(&headers, &LENGTH).ok_or_else(|| ApiError::bad_request("The header Upload-Length is missing or no number."))?;
    if size > limits::MEDIA_BYTES {
        let detail = "A file is at most 4 GiB less one byte, which is what a USB drive's FAT holds. Split it or make it smaller.";
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "media_too_big", detail));
    }
    check_room(&hub, &device, usize::try_from(size).unwrap_or(usize::MAX))?;
    let hash: Option<MediaHash> = match metadata(&headers, "hash") {
        None => None,
        Some(text) => Some(
            text.parse().map_err(|_| ApiError::bad_request("The hash in Upload-Metadata is not 64 lower-case hex digits."))?,
        ),
    };
    let upload = hub.uploads.begin(device.id, hash, size, hub.clock.now());
    let location = format!("{}/{}", uri.path().trim_end_matches('/'), upload.id);
    if let Some(hash) = hash
        && is_held(&hub, hash).await?
    {
        // It is here already, so there is nothing to send: the answer of an upload that has just ended.
        return Ok(answer(StatusCode::CREATED, &upload, size, Some(&location)));
    }
    let with_body = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == PIECE);
    let in_one = with_body && size <= SMALL && number(&headers, &header::CONTENT_LENGTH) == Some(size);
    if !in_one && size > 0 {
        hub.uploads.note(&upload).await?;
    }
    if !with_body && size > 0 {
        return Ok(answer(StatusCode::CREATED, &upload, 0, Some(&location)));
    }
    let offset = receive(&hub, &device, &upload, !in_one && size > 0, 0, body).await?;
    Ok(answer(StatusCode::CREATED, &upload, offset, Some(&location)))
}

async fn is_held(hub: &Hub, hash: MediaHash) -> Result<bool, ApiError> {
    Ok(hub.store.read(move |view| view.row::<MediaRow>(T::Media, &hash.0)).await?.is_some_and(|row| !row.is_wanted()))
}

/// `HEAD /media/uploads/{id}`
pub(in super::super) async fn offset(
    State(hub): State<Hub>,
    device: CallingDevice,
    Named(id): Named<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    check_version(&headers)?;
    let upload = hub.uploads.find(&id, device.id).await?.ok_or_else(ApiError::upload_gone)?;
    let mut response = answer(StatusCode::OK, &upload, upload.offset, None);
    response.headers_mut().insert(LENGTH, upload.size.into());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// `PATCH /media/uploads/{id}`
pub(in super::super) async fn append(
    State(hub): State<Hub>,
    device: CallingDevice,
    Named(id): Named<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    check_version(&headers)?;
    if headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind != PIECE) {
        let detail = format!("A piece of an upload has the content type {PIECE}.");
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "bad_piece", detail));
    }
    let from =
        number(&headers, &OFFSET).ok_or_else(|| ApiError::bad_request("The header Upload-Offset is missing or no number."))?;
    let upload = hub.uploads.find(&id, device.id).await?.ok_or_else(ApiError::upload_gone)?;
    let rest = usize::try_from(upload.size.saturating_sub(from)).unwrap_or(usize::MAX);
    check_room(&hub, &device, rest.min(64 * limits::BLOCK_BYTES))?;
    let offset = receive(&hub, &device, &upload, true, from, body).await?;
    Ok(answer(StatusCode::NO_CONTENT, &upload, offset, None))
}

/// `DELETE /media/uploads/{id}`: a device may end its own unfinished upload.
pub(in super::super) async fn terminate(
    State(hub): State<Hub>,
    device: CallingDevice,
    Named(id): Named<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    check_version(&headers)?;
    let upload = hub.uploads.find(&id, device.id).await?.ok_or_else(ApiError::upload_gone)?;
    hub.uploads.forget(&upload.id).await?;
    Ok(answer(StatusCode::NO_CONTENT, &upload, 0, None))
}

async fn receive(
    hub: &Hub,
    device: &CallingDevice,
    upload: &Upload,
    noted: bool,
    from: u64,
    body: Body,
) -> Result<u64, ApiError> {
    let arrival = hub.arrival(device.id, device.clock);
    let meter = hub.devices.meter(&device.id, hub.clock.now());
    let pieces = body.into_data_stream().inspect_ok(move |piece| {
        meter.fetch_add(piece.len() as u64, Ordering::Relaxed);
    });
    // Boxed, so that a connection which uploads nothing does not carry an upload's room.
    let done = Box::pin(hub.uploads.receive(upload, noted, from, pieces, arrival)).await;
    match done {
        Ok(Progress::Partial(offset)) => {
            hub.devices.brought(&device.id, Tally::default(), 0, hub.clock.now());
            Ok(offset)
        }
        Ok(Progress::Held { received, new }) => {
            hub.devices.brought(&device.id, Tally::default(), u64::from(new), hub.clock.now());
            Ok(received.size)
        }
        Err(error) => {
            let error = ApiError::from(error);
            if !matches!(error.problem().code.as_str(), "broken_off" | "taken_over" | "wrong_offset" | "upload_gone") {
                let problem = error.problem();
                let trouble = Trouble { code: problem.code.clone(), detail: problem.detail.clone() };
                hub.devices.failed(&device.id, trouble, hub.clock.now());
            }
            Err(error)
        }
    }
}

fn answer(status: StatusCode, upload: &Upload, offset: u64, location: Option<&str>) -> Response {
    let mut response = status.into_response();
    let headers = response.headers_mut();
    headers.insert(RESUMABLE, HeaderValue::from_static("1.0.0"));
    headers.insert(OFFSET, offset.into());
    if let Some(location) = location.and_then(|location| HeaderValue::from_str(location).ok()) {
        headers.insert(header::LOCATION, location);
    }
    if offset < upload.size
        && let Some(date) =
            jiff::Timestamp::from_millisecond(upload.expires_at).ok().map(|at| at.strftime("%a, %d %b %Y %H:%M:%S GMT"))
        && let Ok(value) = HeaderValue::from_str(&date.to_string())
    {
        headers.insert(EXPIRES, value);
    }
    response
}
