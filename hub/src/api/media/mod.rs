//! Media in and out: which are missing, the bytes with ranges, small pictures. Uploads are in [`tus`].

pub(super) mod tus; // resumable uploads

use std::collections::HashMap;
use std::io;
use std::ops::Bound;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use maloca_protocol::rest::{MediaMissing, MediaQuestion, MediaWantedPage};
use maloca_protocol::{DeviceId, MediaHash, limits};

use super::ApiError;
use super::access::{Caller, CallingDevice};
use super::body::{Asked, Json, Named};
use crate::hub::Hub;
use crate::intake::keep;
use crate::media::heal;
use crate::media::read::Reader;
use crate::media::thumbnail::thumbnail as make_thumbnail;
use crate::media::uploads::Upload;
use crate::query::wanted;
use crate::store::rows::{Attached, DocRow, MediaRow, Row as _};
use crate::store::view::ViewExt as _;
use crate::store::{StoreError, T, View};

/// `POST /media/missing`
pub(super) async fn missing(
    State(hub): State<Hub>,
    _: CallingDevice,
    Json(question): Json<MediaQuestion>,
) -> Result<Json<MediaMissing>, ApiError> {
    if question.hashes.len() > limits::ASKED_HASHES {
        let detail = "At most 1,000 hashes are asked at once. Ask for the rest in another call.";
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_many_hashes", detail));
    }
    let missing = hub
        .store
        .read(move |view| {
            let mut missing = question.hashes;
            let mut failed = None;
            missing.retain(|hash| match keep::is_wanted(view, hash) {
                Ok(is_wanted) => is_wanted,
                Err(error) => {
                    failed = Some(error);
                    false
                }
            });
            failed.map_or(Ok(missing), Err)
        })
        .await?;
    Ok(Json(MediaMissing { missing }))
}

/// Where to go on in what is wanted.
#[derive(serde::Deserialize)]
pub(super) struct After {
    after_at: Option<i64>,
    after: Option<MediaHash>,
}

/// `GET /media/wanted`: what another hub may bring.
pub(super) async fn wanted(
    State(hub): State<Hub>,
    device: CallingDevice,
    Asked(After { after_at, after }): Asked<After>,
) -> Result<Json<MediaWantedPage>, ApiError> {
    if !hub.devices.is_hub(&device.id) {
        let detail = "Only another hub of this project is told which media are wanted. A device offers what it has.";
        return Err(ApiError::new(StatusCode::FORBIDDEN, "hubs_only", detail));
    }
    let page = hub.store.read(move |view| {
        let mut page = wanted::page(view, after_at.zip(after))?;
        // There are as many unfinished uploads as there are connections that broke off.
        let mut begun: HashMap<MediaHash, String> = HashMap::new();
        view.scan(T::Uploads, (Bound::Unbounded, Bound::Unbounded), false, &mut |_, payload| {
            let upload: Option<Upload> = serde_json::from_slice(payload).ok();
            if let Some(Upload { id, hash: Some(hash), .. }) = upload.filter(|upload| upload.device == device.id) {
                begun.insert(hash, id);
            }
            Ok(std::ops::ControlFlow::Continue(()))
        })?;
        page.media.iter_mut().for_each(|one| one.upload = begun.remove(&one.hash));
        Ok(page)
    });
    Ok(Json(page.await?))
}

/// What a media is, where it is here and the caller may read it.
struct Allowed {
    row: MediaRow,
    media_type: String,
    name: String,
}

async fn allowed(hub: &Hub, caller: Caller, hash: MediaHash, is_meant: fn(&MediaRow) -> bool) -> Result<Allowed, ApiError> {
    let reader = match caller {
        Caller::Device { id, .. } if !hub.settings().devices_read_all && !hub.devices.is_hub(&id) => Some(id),
        _ => None,
    };
    let found = hub
        .store
        .read(move |view| {
            let Some(row) = view.row::<MediaRow>(T::Media, &hash.0)?.filter(is_meant) else { return Ok(None) };
            if let Some(device) = reader
                && !is_in_own_document(view, &hash, &device)?
            {
                return Ok(None);
            }
            let mut named = None;
            view.scan_prefix(T::Attached, &hash.0, &mut |_, payload| {
                named = Attached::decode(payload);
                Ok(std::ops::ControlFlow::Break(()))
            })?;
            let (name, media_type) = named.map(|row| (row.name, row.media_type)).unwrap_or_default();
            Ok(Some(Allowed { row, media_type, name }))
        })
        .await?;
    found.ok_or_else(|| ApiError::not_found("media"))
}

fn is_in_own_document(view: &impl View, hash: &MediaHash, device: &DeviceId) -> Result<bool, StoreError> {
    let mut docs = Vec::new();
    view.scan_prefix(T::Refs, &hash.0, &mut |doc, _| {
        docs.push(doc.to_vec());
        Ok(std::ops::ControlFlow::Continue(()))
    })?;
    for doc in docs {
        if view.row::<DocRow>(T::Docs, &doc)?.is_some_and(|row| row.authors.contains(device)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `GET /media/{hash}`, whole or one range; every block is checked before it leaves.
pub(super) async fn read(
    State(hub): State<Hub>,
    caller: Caller,
    Named(hash): Named<MediaHash>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Allowed { row, media_type, name } = allowed(&hub, caller, hash, MediaRow::is_held).await?;
    let size = row.size;
    let tag = format!("\"{hash}\"");
    if headers.get(header::IF_NONE_MATCH).is_some_and(|given| given.as_bytes() == tag.as_bytes()) {
        return Ok(StatusCode::NOT_MODIFIED.into_response());
    }
    let range = match headers.get(header::RANGE).and_then(|value| value.to_str().ok()) {
        None => None,
        Some(text) => match one_range(text, size) {
            Range::Ignored => None,
            Range::Bytes(start, end) => Some((start, end)),
            Range::Unsatisfiable => {
                let mut response =
                    ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, "bad_range", "The file is shorter than that.")
                        .into_response();
                if let Ok(value) = HeaderValue::from_str(&format!("bytes */{size}")) {
                    response.headers_mut().insert(header::CONTENT_RANGE, value);
                }
                return Ok(response);
            }
        },
    };
    let root = hub.media.clone();
    let reader = tokio::task::spawn_blocking(move || Reader::open(&root, hash, row)).await.map_err(ApiError::bug)?;
    let reader = match reader {
        Ok(reader) => Arc::new(reader),
        Err(error) => return Err(unreadable(&hub, hash, error).await),
    };
    let (start, end) = range.unwrap_or((0, size));
    // The first block is checked before the answer begins, so that damage is said and not only felt.
    let first = if start < end {
        match checked(Arc::clone(&reader), start, end, start / BLOCK).await {
            Ok(bytes) => Some(Ok(bytes)),
            Err(error) => return Err(unreadable(&hub, hash, error).await),
        }
    } else {
        None
    };
    let rest = stream::iter(start / BLOCK + 1..end.div_ceil(BLOCK));
    let store = hub.store.clone();
    let rest = rest.then(move |index| {
        let (reader, store) = (Arc::clone(&reader), store.clone());
        async move {
            let bytes = checked(reader, start, end, index).await;
            // The answer has begun: all that is left is to break it off, and to ask for the file again.
            if let Err(error) = &bytes {
                heal::spoilt(&store, hash, error).await;
            }
            bytes
        }
    });
    let mut response = Response::new(Body::from_stream(stream::iter(first).chain(rest)));
    if range.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    let out = response.headers_mut();
    let mut put = |name, text: String| {
        if let Ok(value) = HeaderValue::from_str(&text) {
            out.insert(name, value);
        }
    };
    put(header::CONTENT_TYPE, safe_type(&media_type, &name));
    put(header::CONTENT_LENGTH, (end - start).to_string());
    put(header::ACCEPT_RANGES, "bytes".into());
    put(header::ETAG, tag);
    put(header::CACHE_CONTROL, "private, max-age=31536000, immutable".into());
    if range.is_some() {
        put(header::CONTENT_RANGE, format!("bytes {start}-{}/{size}", end - 1));
    }
    // Whatever a stranger uploaded, it runs nothing in the manager's page.
    put(
        header::CONTENT_SECURITY_POLICY,
        "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'".into(),
    );
    Ok(response)
}

/// A held media file that is not there, or not as it came in: asked for again, and said.
async fn unreadable(hub: &Hub, hash: MediaHash, error: io::Error) -> ApiError {
    heal::spoilt(&hub.store, hash, &error).await;
    if error.kind() == io::ErrorKind::InvalidData {
        let detail = "This media is damaged on the hub's disk and is not shown. The hub asks for it again: from a phone that still \
                      has it, it comes by itself. A copy on a drive may be whole, too.";
        return ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "damaged", detail);
    }
    StoreError::file("could not read the media", hub.media.folder(), error).into()
}

/// Pictures, sound and video are shown as what they are; everything else is only bytes, or a page could hide in a photo.
fn safe_type(claimed: &str, name: &str) -> String {
    let is_safe = |media_type: &str| {
        let kind = media_type.split('/').next().unwrap_or_default();
        matches!(kind, "image" | "audio" | "video") && media_type != "image/svg+xml"
    };
    if is_safe(claimed) {
        return claimed.to_owned();
    }
    let guessed = mime_guess::from_path(name).first_or_octet_stream();
    if is_safe(guessed.essence_str()) { guessed.to_string() } else { "application/octet-stream".to_owned() }
}

enum Range {
    /// Several ranges, or another unit: answered with the whole.
    Ignored,
    /// From, and up to but not including.
    Bytes(u64, u64),
    Unsatisfiable,
}

fn one_range(text: &str, size: u64) -> Range {
    let Some((first, last)) = text.strip_prefix("bytes=").filter(|list| !list.contains(',')).and_then(|one| one.split_once('-'))
    else {
        return Range::Ignored;
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let (start, end) = match (number(first), number(last)) {
        (Some(start), Some(last)) if start <= last => (start, last.saturating_add(1).min(size)),
        (Some(start), None) if last.trim().is_empty() => (start, size),
        (None, Some(count)) if first.trim().is_empty() => (size.saturating_sub(count), size),
        _ => return Range::Ignored,
    };
    if start < end { Range::Bytes(start, end) } else { Range::Unsatisfiable }
}

const BLOCK: u64 = limits::BLOCK_BYTES as u64;

/// What block `index` has of the bytes from `start` to `end`, if it is sound.
async fn checked(reader: Arc<Reader>, start: u64, end: u64, index: u64) -> io::Result<Bytes> {
    let read = tokio::task::spawn_blocking(move || reader.block(index as usize)).await.map_err(io::Error::other)?;
    let bytes = read.inspect_err(|error| tracing::error!(%error, "a media file cannot be sent"))?;
    let at = index * BLOCK;
    let from = start.saturating_sub(at) as usize;
    let to = (end - at).min(bytes.len() as u64) as usize;
    Ok(Bytes::from(bytes).slice(from..to))
}

/// `GET /media/{hash}/thumbnail`
pub(super) async fn thumbnail(
    State(hub): State<Hub>,
    caller: Caller,
    Named(hash): Named<MediaHash>,
) -> Result<Response, ApiError> {
    let Allowed { row, .. } = allowed(&hub, caller, hash, |row| !row.is_wanted()).await?;
    // Decoding takes memory: two at a time, whoever asks.
    let _turn = hub.thumbnails.acquire().await.map_err(ApiError::bug)?;
    let (root, is_held) = (hub.media.clone(), row.is_held());
    let made = tokio::task::spawn_blocking(move || make_thumbnail(&root, hash, row)).await.map_err(ApiError::bug)?;
    let made = match made {
        Ok(made) => made,
        // Of one that was freed there is a small picture only if somebody had looked at it.
        Err(_) if !is_held => None,
        Err(error) => return Err(unreadable(&hub, hash, error).await),
    };
    let Some(bytes) = made else {
        let detail = "This media is no picture that can be shown small.";
        return Err(ApiError::new(StatusCode::NOT_FOUND, "no_thumbnail", detail));
    };
    let headers = [(header::CONTENT_TYPE, "image/jpeg"), (header::CACHE_CONTROL, "private, max-age=31536000, immutable")];
    Ok((headers, bytes).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let bytes = |text: &str| match one_range(text, 100) {
            Range::Bytes(start, end) => Some((start, end)),
            Range::Ignored | Range::Unsatisfiable => None,
        };
        assert_eq!(bytes("bytes=0-0"), Some((0, 1)));
        assert_eq!(bytes("bytes=10-"), Some((10, 100)));
        assert_eq!(bytes("bytes=-5"), Some((95, 100)));
        assert_eq!(bytes("bytes=-500"), Some((0, 100)));
        assert_eq!(bytes("bytes=90-1000"), Some((90, 100)));
        assert!(matches!(one_range("bytes=100-", 100), Range::Unsatisfiable));
        assert!(matches!(one_range("bytes=5-1", 100), Range::Ignored));
        assert!(matches!(one_range("bytes=0-1,5-6", 100), Range::Ignored));
        assert!(matches!(one_range("lines=0-1", 100), Range::Ignored));
    }

    #[test]
    fn a_page_cannot_hide_in_a_photo() {
        assert_eq!(safe_type("text/html", "x.html"), "application/octet-stream");
        assert_eq!(safe_type("image/svg+xml", "x.svg"), "application/octet-stream");
        assert_eq!(safe_type("", "x.JPG"), "image/jpeg");
        assert_eq!(safe_type("audio/ogg", "x"), "audio/ogg");
    }
}
