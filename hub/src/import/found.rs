//! Copies that lie on drives, for the page to offer.
//!
//! `api/admin/imports` asks. It promises to read one small file of each folder in which bundles are, and nothing else.

use std::fs;
use std::path::Path;

use maloca_protocol::ProjectId;
use serde::Serialize;

use super::bundle;
use crate::export::bundle::FOLDER;
use crate::export::drives::{self, Use};

/// Copies that are offered: the newest.
const MOST: usize = 200;

/// A copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Its folder.
    pub path: String,
    /// What people call the drive.
    pub drive: String,
    /// The name of the hub that made it.
    pub hub_name: String,
    /// When it was made, by that hub's clock.
    pub made_at: Option<String>,
    /// Whether it is only what a filter let through.
    pub is_part: bool,
    /// Observations in it.
    pub observations: Option<u64>,
    /// Media files in it.
    pub media: Option<u64>,
    /// Bytes of it.
    pub bytes: u64,
    /// Whether it is of this hub's project; others are refused.
    pub ours: bool,
}

/// The copies on all drives and in the home folder, the newest first.
#[must_use]
pub fn on_drives(project: ProjectId) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for place in drives::places(Use::Read) {
        for copy in below(Path::new(&place.path), &place.label, project) {
            if found.iter().all(|other| other.path != copy.path) {
                found.push(copy);
            }
        }
    }
    found.sort_by(|a, b| b.made_at.cmp(&a.made_at).then_with(|| a.path.cmp(&b.path)));
    found.truncate(MOST);
    found
}

fn below(place: &Path, drive: &str, project: ProjectId) -> Vec<Found> {
    let Ok(entries) = fs::read_dir(place.join(FOLDER)) else { return Vec::new() };
    let folders = entries.filter_map(Result::ok).filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    // An unfinished one begins with a dot.
    let named = folders.filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
    named.filter_map(|entry| one(&entry.path(), drive, project)).collect()
}

fn one(path: &Path, drive: &str, project: ProjectId) -> Option<Found> {
    let about = bundle::about(path).ok()?;
    Some(Found {
        path: path.to_string_lossy().into_owned(),
        drive: drive.to_owned(),
        ours: about.project == project,
        hub_name: about.hub_name,
        made_at: about.made_at,
        is_part: about.is_part,
        observations: about.observations,
        media: about.media,
        bytes: about.bytes,
    })
}
