//! Media both ways, the oldest observation first: what is wanted here and held there, then what is wanted there and held here.
//!
//! It promises: nothing is sent before it was asked for; what came of a large file before a cut is kept and gone on with, here as an
//! upload of this hub's own under a name made of its hash, there as the tus upload that the page of wanted media names; bytes are
//! believed only when the whole has the hash, so that nobody's bytes stand under another's name.

use std::sync::Arc;

use bytes::Bytes;
use data_encoding::{BASE64, HEXLOWER};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use maloca_protocol::client::CallError;
use maloca_protocol::rest::{BASE, MediaMissing, MediaQuestion, MediaWanted, MediaWantedPage};
use maloca_protocol::{MediaHash, limits};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RANGE};
use reqwest::{Method, Response, StatusCode};

use super::SyncError;
use super::contact::Contact;
use crate::disk::Need;
use crate::media::heal;
use crate::media::read::Reader;
use crate::media::uploads::{Progress, Upload, UploadError};
use crate::query::wanted;
use crate::store::rows::MediaRow;
use crate::store::view::ViewExt as _;
use crate::store::{StoreError, T};

/// Files on their way at once, each with a few pieces in memory.
const AT_ONCE: usize = 3;

/// A file up to this size is one request, all or nothing.
const SMALL: u64 = limits::BLOCK_BYTES as u64;

/// Blocks of one piece of a larger file.
const PIECE_BLOCKS: usize = 4;

/// How often a file that does not get on is tried in one contact.
const TRIES: u32 = 3;

const RESUMABLE: (HeaderName, HeaderValue) = (HeaderName::from_static("tus-resumable"), HeaderValue::from_static("1.0.0"));
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const PIECE: (HeaderName, HeaderValue) = (CONTENT_TYPE, HeaderValue::from_static("application/offset+octet-stream"));

/// What became of a file; a fault that ends the contact is an error instead.
enum Ended {
    /// It was carried over: so many bytes.
    Carried(u64),
    /// It was there already, or is nowhere.
    Nothing,
    /// It could not be carried over.
    Failed,
}

/// Carries media over, both ways. Gives how many could not be.
pub(super) async fn both_ways(contact: &mut Contact<'_>) -> Result<u64, SyncError> {
    Ok(fetch_all(contact).await? + send_all(contact).await?)
}

/// What is wanted here.
async fn fetch_all(contact: &mut Contact<'_>) -> Result<u64, SyncError> {
    let (mut after, mut failed) = (None, 0);
    loop {
        let MediaWantedPage { media, more } = contact.hub.store.read(move |view| wanted::page(view, after)).await?;
        let Some(last) = media.last() else { return Ok(failed) };
        after = Some((last.observed_at, last.hash));
        let question = MediaQuestion { hashes: media.iter().map(|one| one.hash).collect() };
        let answer: MediaMissing = contact.client.json(Method::POST, "/media/missing", Some(&question)).await?;
        let there: Vec<MediaHash> = question.hashes.into_iter().filter(|hash| !answer.missing.contains(hash)).collect();
        let ended = {
            let shared = &*contact;
            stream::iter(there).map(|hash| fetch(shared, hash)).buffered(AT_ONCE).try_collect::<Vec<Ended>>().await?
        };
        for ended in ended {
            match ended {
                Ended::Carried(bytes) => {
                    contact.brought.media_pulled += 1;
                    contact.brought.media_bytes += bytes;
                }
                Ended::Nothing => {}
                Ended::Failed => failed += 1,
            }
        }
        contact.tell();
        if !more {
            return Ok(failed);
        }
    }
}

async fn fetch(contact: &Contact<'_>, hash: MediaHash) -> Result<Ended, SyncError> {
    let hub = contact.hub;
    // The same on every try, so that what came before a cut is found again.
    let id = HEXLOWER.encode(&hash.0[..16]);
    let mut tries = 0;
    while tries < TRIES {
        let begun = hub.uploads.find(&id, hub.id()).await?;
        let offset = begun.as_ref().map_or(0, |upload| upload.offset);
        let range = (offset > 0).then(|| (RANGE, HeaderValue::from_str(&format!("bytes={offset}-")).ok()));
        let range: Vec<(HeaderName, HeaderValue)> = range.and_then(|(name, value)| Some((name, value?))).into_iter().collect();
        let answered = contact.client.call(Method::GET, &format!("{BASE}/media/{hash}"), &range, None).await;
        let response = match answered {
            Ok(response) => response,
            // Released, or spoilt by the disk meanwhile.
            Err(CallError::Gone(_)) => return Ok(Ended::Nothing),
            Err(error) if error.is_passing() => {
                tries += 1;
                contact.client.backoff().wait(error).await?;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if (response.status() == StatusCode::PARTIAL_CONTENT) != (offset > 0) {
            return Ok(Ended::Failed);
        }
        let Some(rest) = response.content_length() else { return Ok(Ended::Failed) };
        let size = offset + rest;
        if size > limits::MEDIA_BYTES {
            return Ok(Ended::Failed);
        }
        let lacks = hub.disk.lacks(rest, Need::New);
        if lacks > 0 {
            return Err(SyncError::Full(lacks));
        }
        let is_noted = size > SMALL;
        let upload = match begun {
            Some(upload) if upload.size == size => upload,
            // It is of a length that the file does not have: a claim of somebody else's.
            Some(_) => {
                hub.uploads.forget(&id).await?;
                continue;
            }
            None => Upload { id: id.clone(), hash: Some(hash), ..hub.uploads.begin(hub.id(), Some(hash), size, hub.clock.now()) },
        };
        if is_noted && offset == 0 {
            hub.uploads.note(&upload).await?;
        }
        let arrival = hub.arrival(contact.known.id, None);
        match hub.uploads.receive(&upload, is_noted, offset, Box::pin(response.bytes_stream()), arrival).await {
            Ok(Progress::Held { new, .. }) => return Ok(if new { Ended::Carried(rest) } else { Ended::Nothing }),
            Ok(Progress::Partial(now)) | Err(UploadError::BrokenOff { offset: now }) => {
                // What came is kept; only a try that brought nothing counts against it.
                tries = if is_noted && now > offset { 0 } else { tries + 1 };
            }
            Err(UploadError::WrongHash { .. } | UploadError::TooLong) => {
                tracing::warn!(hub = contact.known.name, %hash, "the other hub's bytes of this media are not those of its name");
                return Ok(Ended::Failed);
            }
            Err(UploadError::Gone | UploadError::TakenOver | UploadError::WrongOffset { .. }) => tries += 1,
            Err(error @ (UploadError::Disk(_) | UploadError::Store(_))) => return Err(error.into()),
        }
    }
    Ok(Ended::Failed)
}

/// What is wanted there.
async fn send_all(contact: &mut Contact<'_>) -> Result<u64, SyncError> {
    let (mut after, mut failed) = (String::new(), 0);
    loop {
        let page: MediaWantedPage = contact.client.json::<(), _>(Method::GET, &format!("/media/wanted{after}"), None).await?;
        let Some(last) = page.media.last() else { return Ok(failed) };
        let next = format!("?after_at={}&after={}", last.observed_at, last.hash);
        if next == after {
            return Ok(failed);
        }
        after = next;
        let hashes: Vec<MediaHash> = page.media.iter().map(|one| one.hash).collect();
        let rows = contact.hub.store.read(move |view| {
            let row = |hash: &MediaHash| view.row::<MediaRow>(T::Media, &hash.0);
            hashes.iter().map(row).collect::<Result<Vec<_>, StoreError>>()
        });
        let held = page.media.into_iter().zip(rows.await?);
        let held: Vec<(MediaWanted, MediaRow)> =
            held.filter_map(|(one, row)| Some((one, row.filter(MediaRow::is_held)?))).collect();
        let ended = {
            let shared = &*contact;
            let sending = stream::iter(held).map(|(one, row)| send(shared, one, row));
            sending.buffered(AT_ONCE).try_collect::<Vec<Ended>>().await?
        };
        for ended in ended {
            match ended {
                Ended::Carried(bytes) => {
                    contact.brought.media_pushed += 1;
                    contact.brought.media_bytes += bytes;
                }
                Ended::Nothing => {}
                Ended::Failed => failed += 1,
            }
        }
        contact.tell();
        if !page.more {
            return Ok(failed);
        }
    }
}

async fn send(contact: &Contact<'_>, one: MediaWanted, row: MediaRow) -> Result<Ended, SyncError> {
    let (hash, size, root) = (one.hash, row.size, contact.hub.media.clone());
    let opened = tokio::task::spawn_blocking(move || Reader::open(&root, hash, row)).await;
    let reader = match opened.map_err(std::io::Error::other).flatten() {
        Ok(reader) => Arc::new(reader),
        Err(error) => return Ok(spoilt(contact, hash, &error).await),
    };
    let mut backoff = contact.client.backoff();
    if size <= SMALL {
        let bytes = match blocks(&reader, 0, 0, 1).await {
            Ok(bytes) => bytes,
            Err(error) => return Ok(spoilt(contact, hash, &error).await),
        };
        loop {
            let headers = [RESUMABLE, PIECE, (LENGTH, size.into()), (METADATA, metadata(&hash))];
            match contact.client.call(Method::POST, &format!("{BASE}/media/uploads"), &headers, Some(bytes.clone())).await {
                Ok(_) => return Ok(Ended::Carried(size)),
                Err(CallError::Refused(_)) => return Ok(Ended::Failed),
                Err(error) => backoff.wait(error).await?,
            }
        }
    }
    let mut upload = one.upload.map(|id| format!("{BASE}/media/uploads/{id}"));
    let (mut offset, mut sent, mut tries): (Option<u64>, u64, u32) = (None, 0, 0);
    while tries < TRIES {
        let step = match (&upload, offset) {
            (None, _) => {
                let headers = [RESUMABLE, (LENGTH, size.into()), (METADATA, metadata(&hash))];
                contact.client.call(Method::POST, &format!("{BASE}/media/uploads"), &headers, Some(Bytes::new())).await
            }
            (Some(upload), None) => contact.client.call(Method::HEAD, upload, &[RESUMABLE], None).await,
            (Some(upload), Some(from)) => {
                let first = (from / limits::BLOCK_BYTES as u64) as usize;
                let within = (from % limits::BLOCK_BYTES as u64) as usize;
                let piece = match blocks(&reader, first, within, PIECE_BLOCKS).await {
                    Ok(piece) => piece,
                    Err(error) => return Ok(spoilt(contact, hash, &error).await),
                };
                let headers = [RESUMABLE, PIECE, (OFFSET, from.into())];
                contact.client.call(Method::PATCH, upload, &headers, Some(piece)).await
            }
        };
        match step {
            Ok(response) => {
                let Some(now) = offset_of(&response).filter(|now| *now <= size) else { return Ok(Ended::Failed) };
                sent += now.saturating_sub(offset.unwrap_or(now));
                if now == size {
                    return Ok(Ended::Carried(sent));
                }
                if upload.is_none() {
                    upload = location(contact, response.headers());
                }
                if upload.is_none() || offset.is_some_and(|before| now <= before) {
                    return Ok(Ended::Failed);
                }
                (offset, tries) = (Some(now), 0);
                backoff = contact.client.backoff();
            }
            Err(CallError::Gone(_)) => (upload, offset, tries) = (None, None, tries + 1),
            // Another connection wrote on, or the hub stands elsewhere: ask where.
            Err(CallError::Refused(problem)) if problem.status == 409 => (offset, tries) = (None, tries + 1),
            Err(CallError::Refused(_)) => return Ok(Ended::Failed),
            Err(error) => {
                backoff.wait(error).await?;
                offset = None;
            }
        }
    }
    Ok(Ended::Failed)
}

/// Some blocks of a file, each checked, without the first bytes of the first one.
async fn blocks(reader: &Arc<Reader>, first: usize, without: usize, count: usize) -> std::io::Result<Bytes> {
    let reader = Arc::clone(reader);
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        for index in first..reader.blocks().min(first + count) {
            bytes.extend_from_slice(&reader.block(index)?);
        }
        Ok(Bytes::from(bytes).slice(without..))
    });
    read.await.map_err(std::io::Error::other).flatten()
}

/// A file that was to be sent could not be read; where the disk has spoilt it, it is wanted here too from now on.
async fn spoilt(contact: &Contact<'_>, hash: MediaHash, error: &std::io::Error) -> Ended {
    heal::spoilt(&contact.hub.store, hash, error).await;
    Ended::Failed
}

fn metadata(hash: &MediaHash) -> HeaderValue {
    let text = format!("hash {}", BASE64.encode(hash.to_string().as_bytes()));
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn offset_of(response: &Response) -> Option<u64> {
    response.headers().get(OFFSET)?.to_str().ok()?.parse().ok()
}

/// Only the path counts: an upload goes to the hub that is known, whatever address it gives.
fn location(contact: &Contact<'_>, headers: &HeaderMap) -> Option<String> {
    let location = headers.get(LOCATION)?.to_str().ok()?;
    let url = reqwest::Url::parse(contact.client.url()).ok()?.join(location).ok()?;
    Some(url.path().to_owned())
}
