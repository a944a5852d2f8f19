//! Map files on drives: a bounded look into each drive's folders, so that a manager chooses instead of typing a path.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Format;
use crate::export::drives::Place;

/// Folders below the top of a drive that are looked into.
const DEPTH: usize = 3;

/// Names that are looked at on one drive. A drive full of photos is not searched to its end.
const NAMES: usize = 5_000;

/// Maps that are told of one drive.
const MAPS: usize = 50;

/// A map file that could be copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundMap {
    /// Where it is.
    pub path: String,
    /// What it is called.
    pub name: String,
    /// Its form, by its name.
    pub format: Format,
    /// Its size.
    pub bytes: u64,
    /// What people call the drive.
    pub place: String,
    /// Whether that looks like a drive that one takes along.
    pub removable: bool,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Maps, drive by drive.
    pub maps: Vec<FoundMap>,
    /// Whether each drive was looked at to its end, as deep as is looked.
    pub complete: bool,
}

/// Looks for map files in `places`, but not in the folder of the hub's own. Blocks.
#[must_use]
pub fn find(places: &[Place], own: &Path) -> Found {
    let mut found = Found { maps: Vec::new(), complete: true };
    for place in places {
        let complete = look(place, own, &mut found.maps);
        found.complete &= complete;
    }
    found
}

fn look(place: &Place, own: &Path, maps: &mut Vec<FoundMap>) -> bool {
    let before = maps.len();
    let mut looked_at = 0;
    // The upper folders first: what people copy by hand lies there.
    let mut folders = VecDeque::from([(PathBuf::from(&place.path), 0)]);
    while let Some((folder, depth)) = folders.pop_front() {
        // What may not be read is passed over.
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            looked_at += 1;
            if looked_at > NAMES || maps.len() - before >= MAPS {
                return false;
            }
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            // Links may lead in circles. Names with a dot are trash and programs' own; `._x.pmtiles` is what a Mac leaves.
            let Some(kind) = entry.file_type().ok().filter(|_| !name.starts_with('.') && path != own) else { continue };
            let format = path.extension().and_then(|ending| Format::of_ending(ending.to_str()?));
            if kind.is_dir() && depth < DEPTH {
                folders.push_back((path, depth + 1));
            } else if let (true, Some(format), Some(whole)) = (kind.is_file(), format, path.to_str()) {
                let bytes = entry.metadata().map(|metadata| metadata.len()).unwrap_or_default();
                let place_name = place.label.clone();
                maps.push(FoundMap {
                    path: whole.to_owned(),
                    name,
                    format,
                    bytes,
                    place: place_name,
                    removable: place.removable,
                });
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &Path) -> Place {
        Place {
            path: path.to_str().unwrap().to_owned(),
            label: "USB".into(),
            free_bytes: None,
            size_bytes: None,
            read_only: false,
            filesystem: "vfat".into(),
            removable: true,
        }
    }

    #[test]
    fn maps_are_found_near_the_top_and_nothing_else() {
        let drive = tempfile::tempdir().unwrap();
        let at = |path: &str| drive.path().join(path);
        for folder in ["a/b/c/d", ".Trash-1000", "hub"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        for file in
            ["Río.PMTILES", "a/b/c/deep.smp", "a/b/c/d/deeper.smp", "photo.jpg", "._x.smp", ".Trash-1000/old.smp", "hub/own.smp"]
        {
            fs::write(at(file), b"123").unwrap();
        }
        std::os::unix::fs::symlink(drive.path(), at("a/loop")).unwrap();
        let found = find(&[place(drive.path())], &at("hub"));
        let mut names: Vec<&str> = found.maps.iter().map(|map| map.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!((names, found.complete), (vec!["Río.PMTILES", "deep.smp"], true));
        assert!(found.maps.iter().all(|map| map.bytes == 3 && map.place == "USB"));
    }

    #[test]
    fn a_drive_full_of_photos_is_not_searched_to_its_end() {
        let drive = tempfile::tempdir().unwrap();
        for n in 0..=NAMES {
            fs::write(drive.path().join(format!("{n}.jpg")), b"").unwrap();
        }
        assert!(!find(&[place(drive.path())], Path::new("/nowhere")).complete);
    }
}
