//! Which media are lacking, and which are wanted: asked before any byte is sent. Read like all [`super`]'s bodies.

use serde::{Deserialize, Serialize};

use crate::ids::MediaHash;

/// `POST /media/missing`: of these, which do you lack?
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MediaQuestion {
    /// At most [`crate::limits::ASKED_HASHES`].
    pub hashes: Vec<MediaHash>,
}

/// A media file that a hub wants: `GET /media/wanted`, which other hubs ask, gives pages of these, the oldest observation first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaWanted {
    /// Its hash.
    pub hash: MediaHash,
    /// When it was observed, in milliseconds since 1970.
    pub observed_at: i64,
    /// Its length as claimed.
    pub size: u64,
    /// The unfinished upload of the one who asks, to be gone on with.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upload: Option<String>,
}

/// The answer of `GET /media/wanted`. The page after it is asked for with `after_at` and `after`, the last one's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaWantedPage {
    /// At most [`crate::limits::ASKED_HASHES`].
    pub media: Vec<MediaWanted>,
    /// Whether there are more.
    pub more: bool,
}

/// The answer to [`MediaQuestion`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaMissing {
    /// Those that the hub does not hold and would take.
    pub missing: Vec<MediaHash>,
}
