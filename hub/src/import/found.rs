//! Copies that lie on drives, for the page to offer.
//!
//! `api/admin/imports` asks. It promises to read one small file of each folder in which bundles are, and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use maloca_protocol::ProjectId;
use serde::Serialize;

use super::about::{self, About};
use super::strangers;
use crate::export::bundle::FOLDER;
use crate::export::drives::{self, Use};

/// Copies that are offered: the newest. And files of other programs on one drive.
const MOST: usize = 200;

/// Names in a folder that are looked at for files of other programs.
const LOOKED_AT: usize = 10_000;

/// A copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Its folder.
    pub path: String,
    /// What people call the drive.
    pub drive: String,
    /// What it says of itself.
    #[serde(flatten)]
    pub about: About,
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
    found.sort_by(|a, b| b.about.made_at.cmp(&a.about.made_at).then_with(|| a.path.cmp(&b.path)));
    found.truncate(MOST);
    found
}

/// A file, or a folder, that another program has written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Other {
    /// Where it lies.
    pub path: String,
    /// What people call the drive.
    pub drive: String,
    /// Its name.
    pub name: String,
}

/// What other programs have written to drives and to the home folder: the first of what lies there by itself, by name.
#[must_use]
pub fn others() -> Vec<Other> {
    let mut others = Vec::new();
    for place in drives::places(Use::Read) {
        let entries = fs::read_dir(&place.path).into_iter().flatten().filter_map(Result::ok).take(LOOKED_AT);
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| strangers::is_source(path)).collect();
        paths.sort();
        for path in paths.into_iter().take(MOST) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            others.push(Other { path: path.to_string_lossy().into_owned(), drive: place.label.clone(), name });
        }
    }
    others
}

/// The other copies of a project that lie in the same folder as `bundle`, the oldest first.
pub(super) fn beside(bundle: &Path, project: ProjectId) -> Vec<PathBuf> {
    let Ok(bundle) = bundle.canonicalize() else { return Vec::new() };
    let folder = bundle.parent().filter(|folder| folder.file_name().is_some_and(|name| name == FOLDER));
    let others = folder.map(folders).unwrap_or_default().into_iter().filter(|path| *path != bundle);
    let mut ours: Vec<(Option<String>, PathBuf)> = others
        .filter_map(|path| about::of(&path).ok().filter(|about| about.project == project).map(|about| (about.made_at, path)))
        .collect();
    ours.sort();
    ours.into_iter().map(|(_, path)| path).collect()
}

/// The folders that have a copy's name, those that were named last first: names begin with the day.
fn folders(in_folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(in_folder) else { return Vec::new() };
    let folders = entries.filter_map(Result::ok).filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    // An unfinished one begins with a dot.
    let named = folders.filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
    let mut paths: Vec<PathBuf> = named.map(|entry| entry.path()).collect();
    paths.sort_unstable_by(|a, b| b.cmp(a));
    paths
}

fn below(place: &Path, drive: &str, project: ProjectId) -> Vec<Found> {
    let newest = folders(&place.join(FOLDER)).into_iter().take(MOST);
    newest.filter_map(|path| one(&path, drive, project)).collect()
}

fn one(path: &Path, drive: &str, project: ProjectId) -> Option<Found> {
    let about = about::of(path).ok()?;
    Some(Found { path: path.to_string_lossy().into_owned(), drive: drive.to_owned(), ours: about.project == project, about })
}
