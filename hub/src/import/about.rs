//! What a bundle says of itself: whose it is, and who had joined the hub that made it.
//!
//! [`super::bundle`], [`super::found`] and [`super::restore`] ask before anything else is read. It promises that none of it is taken for more
//! than a claim, and that it is bounded and shown as text only.

use std::io::{BufReader, Read as _};
use std::path::Path;

use maloca_protocol::{DeviceId, ProjectId, limits, time};
use serde::Serialize;

use super::ImportError;
use super::beneath::Folder;
use crate::export::bundle::{INFO, Kind};
use crate::export::lists::Info;
use crate::export::registry::{self, Listed};
use crate::query::index;

/// What a bundle says of itself, none of it proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct About {
    /// Whose data it holds.
    pub project: ProjectId,
    /// The hub that made it.
    pub hub: DeviceId,
    /// What people call that hub, no longer than a hub's name may be.
    pub hub_name: String,
    /// Bytes of the payload.
    pub bytes: u64,
    /// When it was made, by that hub's clock.
    pub made_at: Option<String>,
    /// What of its hub it is.
    pub kind: Kind,
    /// Observations in it.
    pub observations: Option<u64>,
    /// Media files in it.
    pub media: Option<u64>,
}

/// Reads what a bundle says of itself.
///
/// # Errors
/// Where it is none.
pub fn of(path: &Path) -> Result<About, ImportError> {
    read(&open(path)?)
}

/// Opens a folder that may be a bundle.
pub(super) fn open(path: &Path) -> Result<Folder, ImportError> {
    Folder::open(path).map_err(|_| not_one(path))
}

/// Who had joined the hub that made the bundle at `path`, by name.
#[must_use]
pub fn devices_of(path: &Path) -> Vec<Listed> {
    open(path).map(|folder| devices(&folder)).unwrap_or_default()
}

/// Who had joined the hub that made a bundle, by name; nobody where the list is damaged, which costs the names alone.
pub(super) fn devices(folder: &Folder) -> Vec<Listed> {
    let read = || -> Option<Vec<Listed>> {
        let file = folder.file(registry::FILE).ok()?;
        serde_json::from_reader(BufReader::new(file.take(registry::BYTES))).ok()
    };
    read().unwrap_or_default()
}

fn not_one(path: &Path) -> ImportError {
    ImportError::NotABundle(path.display().to_string())
}

/// The same as [`of`], for an open folder.
pub(super) fn read(folder: &Folder) -> Result<About, ImportError> {
    let info = folder.file(INFO).and_then(Info::read).map_err(|_| not_one(folder.path()))?;
    let number = |label| info.said(label).and_then(|count| count.parse().ok());
    let about = || {
        Some(About {
            project: info.said("Maloca-Project")?.parse().ok()?,
            hub: info.said("Maloca-Hub")?.parse().ok()?,
            hub_name: index::cut(info.said("Source-Organization")?, limits::HUB_NAME_BYTES).to_owned(),
            bytes: info.said("Payload-Oxum").and_then(|oxum| oxum.split('.').next()?.parse().ok()).unwrap_or_default(),
            made_at: info.said("Maloca-Made-At").filter(|at| time::parse_millis(at).is_some()).map(str::to_owned),
            kind: Kind::read(info.said("Maloca-Bundle").unwrap_or_default()),
            observations: number("Maloca-Observations"),
            media: number("Maloca-Media"),
        })
    };
    about().ok_or_else(|| not_one(folder.path()))
}
