//! Import: what comes on a drive or in a file goes through the same intake as what a device sends.
//!
//! `cli/import`, `cli/restore` and `api/admin/imports` call this. It promises: each revision is judged by its own bytes and each
//! media file by its hash, whoever brings them; what is read twice changes nothing; what is damaged costs nothing but itself, and is
//! named; what is counted as here is durable; nothing outside the folder or file that was chosen is read.

pub mod about; // what a bundle says of itself
mod beneath; // files of a folder that strangers wrote
pub mod bundle; // what an export wrote
pub(crate) mod cards; // names for the members that it told of
pub mod found; // copies that lie on drives
pub mod jobs; // one import of a bundle at a time, for the page
pub mod phone_file; // what a phone saved
pub mod restore; // a new hub from a bundle
pub mod sources; // what other programs write
pub mod strangers; // observations of other programs

use std::fs::File;
use std::io::{self, BufRead};

use bytes::Bytes;
use maloca_protocol::rest::{BatchAnswer, Outcome};
use maloca_protocol::{MediaHash, limits};
use serde::{Deserialize, Serialize};
use tokio_util::io::ReaderStream;

use crate::disk::Need;
use crate::hub::Hub;
use crate::intake::{self, Door};
use crate::media::uploads::{Progress as Upload, UploadError};
use crate::store::StoreError;

/// What came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Imported {
    /// Revisions that are new.
    pub stored: u64,
    /// Revisions that were here.
    pub duplicates: u64,
    /// Revisions whose author is not a member; kept aside until that changes.
    pub quarantined: u64,
    /// Lines that are no sound revision.
    pub refused: u64,
    /// Photos and sounds that are new.
    pub media: u64,
    /// Those that were here.
    pub media_known: u64,
    /// Those whose bytes are not what their name says, or cannot be read.
    pub media_refused: u64,
    /// Whether all of it was read.
    pub whole: bool,
}

/// Why nothing, or not all, could be taken in. What was counted before is here.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is something else than a phone's file.
    #[error("this is not a file that the phone app saved; choose one whose name ends in .tar")]
    NotPhoneFile,
    /// It is something else than a bundle.
    #[error("{0} is no copy that a hub has made; choose the folder that has a file bag-info.txt in it")]
    NotABundle(String),
    /// It cannot be read; a sentence that says why.
    #[error("{0}")]
    Unreadable(String),
    /// It is another community's.
    #[error("this copy is of another project, made by {hub_name}; only copies of this hub's own project are taken in")]
    Stranger {
        /// The name of the hub that made it.
        hub_name: String,
    },
    /// The disk has no room; so many bytes are lacking.
    #[error("the disk is full; free {} MiB and begin again, what has come in stays", .0.div_ceil(1024 * 1024))]
    Full(u64),
    /// Somebody stopped it.
    #[error("the import was stopped; what has come in stays, and it can be begun again at any time")]
    Cancelled,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The hub's disk failed.
    #[error("a file could not be kept")]
    Media(#[source] UploadError),
}

impl ImportError {
    /// The stable name of the problem.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotPhoneFile => "not_a_phone_file",
            Self::NotABundle(_) => "not_a_bundle",
            Self::Unreadable(_) => "source_unreadable",
            Self::Stranger { .. } => "bundle_of_another_project",
            Self::Full(_) => "disk_full",
            Self::Cancelled => "import_cancelled",
            Self::Store(_) | Self::Media(_) => "internal",
        }
    }
}

impl Imported {
    /// Adds the counts of `other`.
    const fn add(&mut self, other: &Self) {
        self.stored += other.stored;
        self.duplicates += other.duplicates;
        self.quarantined += other.quarantined;
        self.refused += other.refused;
        self.media += other.media;
        self.media_known += other.media_known;
        self.media_refused += other.media_refused;
    }

    /// Takes in a batch of lines, and counts what became of them.
    async fn keep(&mut self, hub: &Hub, batch: Bytes) -> Result<BatchAnswer, ImportError> {
        check_room(hub, batch.len() as u64)?;
        let arrival = hub.arrival(hub.id(), None);
        let (answer, _) = intake::take_in(&hub.store, &hub.rules, arrival, Door::Trusted, batch).await?;
        for run in &answer.results {
            let lines = run.to - run.from + 1;
            match run.status {
                Outcome::Stored => self.stored += lines,
                Outcome::Duplicate => self.duplicates += lines,
                Outcome::Quarantined => self.quarantined += lines,
                Outcome::Refused => self.refused += lines,
            }
        }
        Ok(answer)
    }
}

/// What became of a media file.
enum MediaIn {
    New,
    Known,
    /// It is not what its hash says, or breaks off; in words that follow its name.
    Damaged(&'static str),
}

/// Takes in a media file.
async fn media_in(hub: &Hub, file: File, hash: MediaHash, size: u64) -> Result<MediaIn, ImportError> {
    check_room(hub, size)?;
    let upload = hub.uploads.begin(hub.id(), Some(hash), size, hub.clock.now());
    let pieces = ReaderStream::with_capacity(tokio::fs::File::from_std(file), limits::BLOCK_BYTES);
    match hub.uploads.receive(&upload, false, 0, pieces, hub.arrival(hub.id(), None)).await {
        Ok(Upload::Held { new: true, .. }) => Ok(MediaIn::New),
        Ok(Upload::Held { new: false, .. }) => Ok(MediaIn::Known),
        Err(UploadError::WrongHash { .. }) => {
            Ok(MediaIn::Damaged("is not the media file that was received: its BLAKE3 hash is another"))
        }
        Ok(Upload::Partial(_)) | Err(UploadError::BrokenOff { .. } | UploadError::TooLong) => {
            Ok(MediaIn::Damaged("cannot be read to its end"))
        }
        Err(error) => Err(ImportError::Media(error)),
    }
}

fn check_room(hub: &Hub, bytes: u64) -> Result<(), ImportError> {
    match hub.disk.lacks(bytes, Need::New) {
        0 => Ok(()),
        lacks => Err(ImportError::Full(lacks)),
    }
}

/// The next lines, as many as a batch takes, and whether they are the last. A line that is longer than a batch comes in pieces,
/// of which none is a revision.
fn next_batch(lines: &mut impl BufRead) -> io::Result<(Bytes, bool)> {
    let mut batch = Vec::new();
    for _ in 0..limits::BATCH_REVISIONS {
        let room = limits::BATCH_BYTES.saturating_sub(batch.len());
        // A revision and its envelope are far below this; the next one may not fit.
        if room < limits::LINE_BYTES {
            break;
        }
        let read = io::Read::take(&mut *lines, room as u64).read_until(b'\n', &mut batch)?;
        if read == 0 {
            return Ok((batch.into(), true));
        }
    }
    Ok((batch.into(), false))
}
