//! What the disk has spoilt is asked for again, while phones may still have it.
//!
//! Whoever reads a media file and finds that it is not what once came in tells it here: `api/media`, export, [`super::scrub`].
//! It promises that from the next commit on the file counts as wanted (receipts, `POST /media/missing` and the page say so), and
//! that a whole copy which comes later takes the place of the spoilt one.

use std::io;

use maloca_protocol::MediaHash;

use crate::intake::keep;
use crate::store::{Store, StoreError};

/// Whether an error of reading means that the bytes are lost here, and not that the system was busy or forbids it.
fn is_loss(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    // Not EIO: a disk that fails once has the bytes still, and what was acknowledged must not be called missing for that.
    matches!(error.kind(), Kind::InvalidData | Kind::NotFound | Kind::UnexpectedEof)
}

/// Notes that a media file could not be read as it once came in, if that is what the error says.
pub async fn spoilt(store: &Store, hash: MediaHash, error: &io::Error) {
    if !is_loss(error) {
        return;
    }
    let noted: Result<bool, StoreError> = store.write(200, move |tx| keep::media_damaged(tx, hash)).await;
    match noted {
        Ok(true) => tracing::error!(%hash, %error, "a media file is damaged; it is asked for again from whoever has it"),
        Ok(false) => {}
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, %hash, "a damaged media file could not be noted");
        }
    }
}
