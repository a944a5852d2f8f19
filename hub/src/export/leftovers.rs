//! What an interrupted export has left on a drive: media that lie there whole need not be copied again.
//!
//! [`super::run`] looks for it before it reckons how much room there is, [`super::write`] takes files over from it. It promises: only what
//! this hub itself left unfinished is looked at or removed; a file is taken over only after it was read back and has the hash that it
//! should have; what is of no use is removed before anything is written, so that it takes no room.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use maloca_protocol::DeviceId;

use super::bundle;
use super::check::walk;

/// Folders of unfinished bundles.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    folders: Vec<PathBuf>,
    /// Bytes of the files that may be taken over.
    pub(super) bytes: u64,
}

impl Leftovers {
    /// What `hub` has left in the folder of bundles `parent`. Everything but media goes, and of those what is not `wanted` by the first
    /// digits of its hash.
    pub(super) fn find(parent: &Path, hub: &DeviceId, wanted: &dyn Fn([u8; 4]) -> bool) -> Self {
        let Ok(entries) = fs::read_dir(parent) else { return Self::default() };
        let mut left = Self::default();
        for entry in entries.filter_map(Result::ok) {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && entry.file_name().to_str().is_some_and(|name| bundle::is_our_partial(name, hub)) {
                left.bytes += thin_out(&entry.path(), wanted);
                left.folders.push(entry.path());
            }
        }
        left
    }

    /// A file of the payload that may be taken over, and its length.
    pub(super) fn file(&self, path: &str) -> Option<(PathBuf, u64)> {
        self.folders.iter().find_map(|folder| {
            let whole = folder.join(path);
            // A link is none of ours.
            let about = whole.symlink_metadata().ok().filter(fs::Metadata::is_file)?;
            Some((whole, about.len()))
        })
    }

    /// Removes what was not taken over.
    pub(super) fn remove(&mut self) {
        for folder in self.folders.drain(..) {
            match fs::remove_dir_all(&folder) {
                Ok(()) => tracing::info!(path = %folder.display(), "removed what an interrupted export had left"),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => tracing::warn!(%error, path = %folder.display(), "a leftover could not be removed"),
            }
        }
    }
}

/// Removes everything but wanted media; gives the bytes of what stays.
fn thin_out(folder: &Path, wanted: &dyn Fn([u8; 4]) -> bool) -> u64 {
    let media = folder.join(bundle::MEDIA);
    let mut bytes = 0;
    walk(folder, &mut |file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let is_of_use = file.starts_with(&media) && digits(&name).is_some_and(wanted);
        if is_of_use {
            bytes += file.symlink_metadata().map_or(0, |about| about.len());
        } else if let Err(error) = fs::remove_file(file) {
            tracing::debug!(%error, path = %file.display(), "a file of a leftover could not be removed");
        }
    });
    bytes
}

/// The first digits of the hash that a media file's name ends with.
fn digits(name: &str) -> Option<[u8; 4]> {
    let (stem, _) = name.rsplit_once('.')?;
    let hex = stem.rsplit('_').next()?.get(..8)?;
    data_encoding::HEXLOWER.decode(hex.as_bytes()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use maloca_protocol::MediaHash;

    use super::*;
    use crate::export::names;

    #[test]
    fn the_name_of_a_media_file_tells_the_digits() {
        let hash = MediaHash([0xab; 32]);
        for like_another in [false, true] {
            let name = names::media("20261121", "logging", "IMG_0042.jpg", "image/jpeg", &hash, like_another);
            assert_eq!(digits(&name), Some([0xab; 4]), "{name}");
        }
        assert!(digits("observations.csv").is_none() && digits("x_12.jpg").is_none() && digits("").is_none());
    }

    #[test]
    fn only_wanted_media_of_this_hub_stay() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, theirs) = (DeviceId([1; 32]), DeviceId([2; 32]));
        let partial = |hub: &DeviceId| folder.path().join(format!("{}0123abcd", bundle::partial_prefix(hub)));
        for hub in [&ours, &theirs] {
            fs::create_dir_all(partial(hub).join("data/media/2026-11")).unwrap();
            for file in ["data/observations.csv", "data/media/2026-11/a_11111111.jpg", "data/media/2026-11/a_22222222.jpg"] {
                fs::write(partial(hub).join(file), "12345").unwrap();
            }
        }
        let mut left = Leftovers::find(folder.path(), &ours, &|digits| digits == [0x11; 4]);
        assert_eq!(left.bytes, 5);
        assert!(
            left.file("data/media/2026-11/a_11111111.jpg").is_some() && left.file("data/media/2026-11/a_22222222.jpg").is_none()
        );
        assert!(
            !partial(&ours).join("data/observations.csv").exists() && partial(&theirs).join("data/observations.csv").exists()
        );
        left.remove();
        assert!(!partial(&ours).exists() && partial(&theirs).exists());
    }
}
