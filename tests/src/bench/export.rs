//! A copy to a drive, beside `cp -r` and `sync` of the very same files.
//!
//! The hub runs inside the bench here, since only its own progress says where writing ends and reading everything back begins.
//! `cp` and `sync` know nothing of the second; an export counts only after it.

use std::fmt::Write as _;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use maloca_hub::export;
use maloca_hub::hub::{Hub, Options};
use maloca_hub::intake::{Door, take_in};
use maloca_protocol::revision::Attachment;
use maloca_protocol::{Draft, MediaHash};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::content::{Content, Maker, PHOTO_BYTES};
use super::peers::table::{bytes, seconds};
use super::{Error, Extent, median, progress};
use crate::hub::folder;

const RECORDS: usize = 1_000;
const PHOTOS: usize = 400;

/// One round: seconds until all was written, until all was read back too, and of `cp` and `sync`.
struct Round {
    written: f64,
    verified: f64,
    copied: f64,
    bytes: f64,
}

/// Measures and gives the table.
///
/// # Errors
/// Where the export or the copy does not come to its end.
pub fn run(runtime: &Handle, extent: Extent) -> Result<String, Error> {
    progress("export beside cp and sync");
    let rounds = runtime.block_on(Box::pin(rounds(extent.rounds)))?;
    let middle = |pick: fn(&Round) -> f64| median(rounds.iter().map(pick));
    let mut text = String::from(
        "| rounds | size | export, written | export, read back and verified | cp -r and sync | speed against cp | with verifying |\n\
         |--:|--:|--:|--:|--:|--:|--:|\n",
    );
    let _ = writeln!(
        text,
        "| {} | {} | {} | {} | {} | {:.2} × | {:.2} × |",
        rounds.len(),
        bytes(middle(|round| round.bytes)),
        seconds(middle(|round| round.written)),
        seconds(middle(|round| round.verified)),
        seconds(middle(|round| round.copied)),
        middle(|round| round.copied / round.written),
        middle(|round| round.copied / round.verified),
    );
    Ok(text)
}

async fn rounds(count: usize) -> Result<Vec<Round>, Error> {
    let (place, photos) = (folder(), folder());
    let (hub, writer) = Hub::open(Options::new(place.path().join("data"))).await?;
    let mut maker = Maker::new(photos.path());
    fill(&hub, &Content { records: maker.records(RECORDS), photos: maker.photos(PHOTOS, PHOTO_BYTES)? }).await?;
    let drive = place.path().join("drive");
    std::fs::create_dir(&drive)?;
    let mut rounds = Vec::new();
    for _ in 0..count {
        rounds.push(round(&hub, &drive).await?);
    }
    hub.store.close().await;
    drop(hub);
    writer.join();
    Ok(rounds)
}

async fn round(hub: &Hub, drive: &std::path::Path) -> Result<Round, Error> {
    let verifying = Arc::new(Mutex::new(None));
    let (seen, begun) = (Arc::clone(&verifying), Instant::now());
    let outcome = export::export(hub, drive.to_owned(), CancellationToken::new(), move |progress| {
        if progress.phase == export::Phase::Verifying {
            seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert_with(|| begun.elapsed());
        }
    });
    let done = outcome.await?;
    let verified = begun.elapsed().as_secs_f64();
    let written = *verifying.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let written = written.ok_or("the export did not read back what it wrote")?.as_secs_f64();
    let copy = drive.join("copy");
    let begun = Instant::now();
    for command in [Command::new("cp").arg("-r").arg(&done.path).arg(&copy), Command::new("sync").arg("-f").arg(&copy)] {
        let status = command.status()?;
        if !status.success() {
            return Err(format!("{command:?}: {status}").into());
        }
    }
    let copied = begun.elapsed().as_secs_f64();
    std::fs::remove_dir_all(&copy)?;
    progress(&format!("  written {written:.2} s, verified {verified:.2} s, cp and sync {copied:.2} s"));
    Ok(Round { written, verified, copied, bytes: done.bytes as f64 })
}

/// What is there to export, signed by the hub itself.
async fn fill(hub: &Hub, content: &Content) -> Result<(), Error> {
    let mut photos = content.photos.iter();
    for records in content.records.chunks(500) {
        let mut lines = Vec::new();
        let mut media = Vec::new();
        for record in records {
            let mut draft = Draft::new("observation", record.id, 1_790_000_000_000);
            draft.set = record.set.clone();
            if let Some(path) = photos.next() {
                let bytes = std::fs::read(path)?;
                let hash = MediaHash::of(&bytes);
                let (name, size) = (format!("{hash}.jpg"), bytes.len() as u64);
                draft.attach.push(Attachment { hash, name, media_type: "image/jpeg".into(), size, taken_at: None });
                media.push((hash, bytes));
            }
            lines.extend(draft.sign(&hub.key).map_err(|refusal| format!("{refusal:?}"))?.envelope());
            lines.push(b'\n');
        }
        let arrival = hub.arrival(hub.id(), None);
        take_in(&hub.store, &hub.rules, arrival, Door::Trusted, lines.into()).await?;
        for (hash, bytes) in media {
            let upload = hub.uploads.begin(hub.id(), Some(hash), bytes.len() as u64, 0);
            let stream = futures_util::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from(bytes))]);
            hub.uploads.receive(&upload, false, 0, stream, arrival).await.map_err(|error| format!("{error:?}"))?;
        }
    }
    Ok(())
}
