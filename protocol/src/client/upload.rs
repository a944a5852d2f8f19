//! Upload: the media that a hub lacks, from the device's disk, by tus 1.0.
//!
//! [`super::Device::sync`] calls this after the push. It promises: nothing is sent before the hub was asked whether it has it;
//! what was sent once is not sent again but for less than one piece; a file that has changed since it was hashed is not sent
//! under the old hash, and said; memory holds four pieces at most.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use data_encoding::BASE64;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, Response};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::http::{Backoff, CallError, HubClient};
use super::store::{MediaFile, MediaWait, Store, StoreError};
use super::sync::{RefusedMedia, SyncError, SyncReport, Watch};
use crate::ids::{DeviceId, MediaHash};
use crate::limits;
use crate::problem::Problem;
use crate::rest::{BASE, MediaMissing, MediaQuestion};

/// Files that are sent at once. More do not make a Wi-Fi faster, and each holds a piece in memory.
const AT_ONCE: usize = 4;

/// Files up to this size go in one request.
const SMALL: u64 = limits::BLOCK_BYTES as u64;

/// What is sent of a larger file in one request; what came is durable when it is answered.
const PIECE: u64 = 4 * 1024 * 1024;

/// How many ended uploads are noted in one commit. One that was not noted is found to be held when the hub is asked again.
const NOTED_AT_ONCE: usize = 32;

/// How often a vanished upload is begun anew in one contact, before the hub is taken for broken.
const BEGINNINGS: u32 = 3;

const RESUMABLE: (HeaderName, HeaderValue) = (HeaderName::from_static("tus-resumable"), HeaderValue::from_static("1.0.0"));
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const PIECE_TYPE: (HeaderName, HeaderValue) = (CONTENT_TYPE, HeaderValue::from_static("application/offset+octet-stream"));

/// How the upload of one file ended, other than by an error that ends them all.
enum Ended {
    Held,
    Refused(String, String),
}

/// Sends all media that `hub` lacks and this device has.
pub(super) async fn upload(
    store: &Store,
    client: &HubClient,
    hub: DeviceId,
    report: &mut SyncReport,
    watch: &Watch,
) -> Result<(), SyncError> {
    let mut after: Option<MediaHash> = None;
    loop {
        let from = after;
        let page = store
            .run(move |tx, _| {
                let waiting = tx.media_waiting(&hub, from.as_ref(), limits::ASKED_HASHES)?;
                waiting.into_iter().map(|(hash, wait)| Ok((hash, wait, tx.media(&hash)?))).collect::<Result<Vec<_>, StoreError>>()
            })
            .await?;
        let Some((last, ..)) = page.last() else { return Ok(()) };
        after = Some(*last);
        let question = MediaQuestion { hashes: page.iter().map(|(hash, ..)| *hash).collect() };
        let answer: MediaMissing = client.json(Method::POST, "/media/missing", Some(&question)).await?;
        let missing: std::collections::HashSet<MediaHash> = answer.missing.into_iter().collect();
        let (wanted, held): (Vec<_>, Vec<_>) = page.into_iter().partition(|(hash, ..)| missing.contains(hash));
        report.media_had += held.len() as u64;
        note(store, hub, held.into_iter().map(|(hash, ..)| (hash, Ended::Held)).collect()).await?;
        send_page(store, client, hub, wanted, report, watch).await?;
    }
}

type Wanted = (MediaHash, MediaWait, Option<MediaFile>);

async fn send_page(
    store: &Store,
    client: &HubClient,
    hub: DeviceId,
    wanted: Vec<Wanted>,
    report: &mut SyncReport,
    watch: &Watch,
) -> Result<(), SyncError> {
    let slots = Arc::new(Semaphore::new(AT_ONCE));
    let mut sending: JoinSet<Result<(MediaHash, MediaFile, Ended), SyncError>> = JoinSet::new();
    for (hash, wait, file) in wanted {
        let Some(file) = file else { continue };
        if let Some((code, detail)) = wait.refused {
            report.media_refused.push(RefusedMedia { hash, name: file.name, code, detail });
            continue;
        }
        let one = One { store: store.clone(), client: client.clone(), hub, hash, file };
        let slots = Arc::clone(&slots);
        sending.spawn(async move {
            let _slot = slots.acquire_owned().await;
            let ended = one.send(wait.upload).await?;
            Ok((hash, one.file, ended))
        });
    }
    let (mut ended, mut failed) = (Vec::new(), None);
    while let Some(done) = sending.join_next().await {
        match done.map_err(|_| SyncError::Store(StoreError::Broken)).and_then(|done| done) {
            Ok((hash, file, how)) => {
                match &how {
                    Ended::Held => {
                        report.media_sent += 1;
                        report.media_bytes += file.size;
                    }
                    Ended::Refused(code, detail) => {
                        let (code, detail) = (code.clone(), detail.clone());
                        report.media_refused.push(RefusedMedia { hash, name: file.name, code, detail });
                    }
                }
                ended.push((hash, how));
                watch.tell(report);
                if ended.len() >= NOTED_AT_ONCE {
                    note(store, hub, std::mem::take(&mut ended)).await?;
                }
            }
            // What ends one ends all: the hub is gone, or full. Those that had ended before are noted all the same.
            Err(error) => {
                failed.get_or_insert(error);
                sending.abort_all();
            }
        }
    }
    note(store, hub, ended).await?;
    failed.map_or(Ok(()), Err)
}

async fn note(store: &Store, hub: DeviceId, ended: Vec<(MediaHash, Ended)>) -> Result<(), StoreError> {
    store
        .run(move |tx, _| {
            for (hash, how) in ended {
                match how {
                    Ended::Held => tx.media_held(&hub, &hash)?,
                    Ended::Refused(code, detail) => {
                        tx.note_media(&hub, &hash, &MediaWait { upload: None, refused: Some((code, detail)) })?;
                    }
                }
            }
            Ok(())
        })
        .await
}

/// One file on its way.
struct One {
    store: Store,
    client: HubClient,
    hub: DeviceId,
    hash: MediaHash,
    file: MediaFile,
}

impl One {
    async fn send(&self, upload: Option<String>) -> Result<Ended, SyncError> {
        if !self.is_unchanged().await? {
            return Ok(changed(&self.file.path));
        }
        if self.file.size <= SMALL { self.in_one().await } else { self.in_pieces(upload).await }
    }

    /// Whether the file is still the one that was hashed. One whose size and time are the same is taken for the same here; the hub
    /// holds its bytes against the hash in the end.
    async fn is_unchanged(&self) -> Result<bool, StoreError> {
        let path = PathBuf::from(&self.file.path);
        let (hash, size) = (self.hash, self.file.size);
        let known = self
            .store
            .run({
                let path = path.clone();
                move |tx, _| tx.hashed(&path)
            })
            .await?;
        let checked = tokio::task::spawn_blocking(move || {
            let now = super::media::state_of(&path).ok()?;
            match known {
                Some(known) if known.hash == hash && (known.size, known.modified) == now => Some(true),
                _ if now.0 != size => Some(false),
                _ => super::media::hash_file(&path).ok().map(|found| found == hash),
            }
        });
        Ok(checked.await.map_err(|_| StoreError::Broken)?.unwrap_or(false))
    }

    /// A small file: creation with upload, all or nothing.
    async fn in_one(&self) -> Result<Ended, SyncError> {
        let Some(bytes) = self.read(0, self.file.size).await? else { return Ok(changed(&self.file.path)) };
        if MediaHash::of(&bytes) != self.hash {
            return Ok(changed(&self.file.path));
        }
        let mut backoff = self.client.backoff();
        loop {
            let headers = [RESUMABLE, PIECE_TYPE, (LENGTH, self.file.size.into()), (METADATA, self.metadata())];
            let path = format!("{BASE}/media/uploads");
            match self.client.call(Method::POST, &path, &headers, Some(bytes.clone())).await {
                Ok(_) => return Ok(Ended::Held),
                Err(CallError::Refused(problem)) => return Ok(refused(problem)),
                Err(CallError::Gone(problem)) => return Err(CallError::Denied(problem).into()),
                Err(error) => backoff.wait(error).await?,
            }
        }
    }

    /// A larger file: created once, then piece by piece from wherever the hub stands.
    async fn in_pieces(&self, mut upload: Option<String>) -> Result<Ended, SyncError> {
        let mut backoff = self.client.backoff();
        for _ in 0..BEGINNINGS {
            let begun = match upload.take() {
                Some(upload) => upload,
                None => match self.create(&mut backoff).await? {
                    Ok((_, offset)) if offset == self.file.size => return Ok(Ended::Held),
                    Ok((upload, _)) => {
                        let (hub, hash) = (self.hub, self.hash);
                        let wait = MediaWait { upload: Some(upload.clone()), refused: None };
                        // Durable before the first piece, or a cut would begin from nothing.
                        self.store.run(move |tx, _| tx.note_media(&hub, &hash, &wait)).await?;
                        upload
                    }
                    Err(ended) => return Ok(ended),
                },
            };
            match self.go_on(&begun, &mut backoff).await? {
                Some(ended) => return Ok(ended),
                None => tracing::info!(hash = %self.hash, "the upload is gone; beginning again"),
            }
        }
        let detail = "The hub lost the upload again and again; it is tried at the next contact.";
        Err(CallError::Denied(Problem::new(404, "upload_gone", true, detail)).into())
    }

    async fn create(&self, backoff: &mut Backoff) -> Result<Result<(String, u64), Ended>, SyncError> {
        loop {
            let headers = [RESUMABLE, (LENGTH, self.file.size.into()), (METADATA, self.metadata())];
            match self.client.call(Method::POST, &format!("{BASE}/media/uploads"), &headers, Some(Bytes::new())).await {
                Ok(response) => {
                    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
                    // Only the path counts: an upload goes to the hub that we know, whatever address it gives.
                    let base = reqwest::Url::parse(self.client.url()).ok();
                    let joined = base.zip(location).and_then(|(base, location)| base.join(location).ok());
                    let upload = joined.map(|url| url.path().to_owned()).ok_or_else(|| self.garbled("it names no upload"))?;
                    return Ok(Ok((upload, offset_of(response.headers()).unwrap_or(0))));
                }
                Err(CallError::Refused(problem)) => return Ok(Err(refused(problem))),
                Err(CallError::Gone(problem)) => return Err(CallError::Denied(problem).into()),
                Err(error) => backoff.wait(error).await?,
            }
        }
    }

    /// `None` where the upload is gone.
    async fn go_on(&self, upload: &str, backoff: &mut Backoff) -> Result<Option<Ended>, SyncError> {
        let mut offset: Option<u64> = None;
        loop {
            let step = match offset {
                None => self.client.call(Method::HEAD, upload, &[RESUMABLE], None).await,
                Some(from) => {
                    let Some(piece) = self.read(from, PIECE.min(self.file.size - from)).await? else {
                        return Ok(Some(changed(&self.file.path)));
                    };
                    let headers = [RESUMABLE, PIECE_TYPE, (OFFSET, from.into())];
                    self.client.call(Method::PATCH, upload, &headers, Some(piece)).await
                }
            };
            match step {
                Ok(response) => {
                    let now = self.reached(&response)?;
                    if now == self.file.size {
                        return Ok(Some(Ended::Held));
                    }
                    if offset.is_some_and(|before| now <= before) {
                        return Err(self.garbled("the upload does not move").into());
                    }
                    offset = Some(now);
                    *backoff = self.client.backoff();
                }
                Err(CallError::Gone(_)) => return Ok(None),
                // Another connection of ours wrote on, or the hub stands elsewhere: ask where.
                Err(CallError::Refused(problem)) if problem.status == 409 => {
                    offset = None;
                    let busy = CallError::Busy(problem, None);
                    backoff.wait(busy).await?;
                }
                Err(CallError::Refused(problem)) => {
                    let same = self.rehash().await?;
                    return Ok(Some(if same { refused(problem) } else { changed(&self.file.path) }));
                }
                Err(error) => {
                    backoff.wait(error).await?;
                    offset = None;
                }
            }
        }
    }

    fn reached(&self, response: &Response) -> Result<u64, CallError> {
        let offset = offset_of(response.headers()).filter(|offset| *offset <= self.file.size);
        offset.ok_or_else(|| self.garbled("it gives no sound Upload-Offset"))
    }

    async fn rehash(&self) -> Result<bool, StoreError> {
        let (path, hash) = (PathBuf::from(&self.file.path), self.hash);
        let found = tokio::task::spawn_blocking(move || super::media::hash_file(&path)).await;
        Ok(found.map_err(|_| StoreError::Broken)?.is_ok_and(|found| found == hash))
    }

    /// Bytes of the file; `None` where there are fewer. Off the async threads, since a phone's card may be slow.
    async fn read(&self, from: u64, len: u64) -> Result<Option<Bytes>, StoreError> {
        let path = PathBuf::from(&self.file.path);
        let read = tokio::task::spawn_blocking(move || read_exact(&path, from, len)).await;
        Ok(read.map_err(|_| StoreError::Broken)?.ok())
    }

    fn metadata(&self) -> HeaderValue {
        let pairs = [("hash", &self.hash.to_string()), ("name", &self.file.name), ("type", &self.file.media_type)];
        let text: Vec<String> = pairs.iter().map(|(key, value)| format!("{key} {}", BASE64.encode(value.as_bytes()))).collect();
        HeaderValue::from_str(&text.join(",")).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    fn garbled(&self, why: &str) -> CallError {
        CallError::Garbled { url: self.client.url().to_owned(), why: why.to_owned() }
    }
}

fn read_exact(path: &Path, from: u64, len: u64) -> std::io::Result<Bytes> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = vec![0; usize::try_from(len).map_err(std::io::Error::other)?];
    file.read_exact(&mut bytes)?;
    Ok(bytes.into())
}

fn offset_of(headers: &HeaderMap) -> Option<u64> {
    headers.get(OFFSET)?.to_str().ok()?.parse().ok()
}

fn changed(path: &str) -> Ended {
    let detail =
        format!("The file {path} is gone or has changed since it was attached; put the original back, or attach it anew.");
    Ended::Refused("file_changed".into(), detail)
}

fn refused(problem: Problem) -> Ended {
    Ended::Refused(problem.code, problem.detail)
}
