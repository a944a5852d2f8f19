//! Files of a folder that strangers wrote: no name leads out of it, and nothing but a plain file is read.
//!
//! [`super::bundle`] reads a drive with it. Each part of a path is opened by itself and no link is followed, whatever is changed on
//! the drive meanwhile; a pipe or a device is not waited for.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use crate::export::bundle::is_inside;

/// A folder that a person has chosen.
pub(super) struct Folder {
    handle: OwnedFd,
    path: PathBuf,
}

impl Folder {
    /// Opens it. Links on the way to it are the person's own.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize()?;
        let handle = File::open(&path)?;
        if !handle.metadata()?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self { handle: handle.into(), path })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a file in it. `path` is relative, with slashes.
    pub(super) fn file(&self, path: &str) -> io::Result<File> {
        if !is_inside(path) {
            return Err(io::Error::new(io::ErrorKind::InvalidFilename, "its name leads out of the bundle"));
        }
        let to_read = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut folder = self.handle.try_clone()?;
        for part in folders.split('/').filter(|part| !part.is_empty()) {
            folder = openat(&folder, part, to_read | OFlag::O_DIRECTORY, Mode::empty())?;
        }
        // A pipe that nobody writes to would be waited for.
        let file = File::from(openat(&folder, name, to_read | OFlag::O_NONBLOCK, Mode::empty())?);
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("is no file")) }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn nothing_leads_out_and_nothing_hangs() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "s").unwrap();
        fs::create_dir(outside.path().join("secrets")).unwrap();
        fs::write(outside.path().join("secrets/one"), "s").unwrap();
        let inside = outside.path().join("bundle");
        fs::create_dir_all(inside.join("data/media")).unwrap();
        fs::write(inside.join("data/media/a.jpg"), "a").unwrap();
        symlink(outside.path().join("secret"), inside.join("link")).unwrap();
        symlink(outside.path().join("secrets"), inside.join("data/folder")).unwrap();
        nix::unistd::mkfifo(&inside.join("pipe"), Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        let folder = Folder::open(&inside).unwrap();
        assert!(folder.file("data/media/a.jpg").is_ok());
        for bad in ["../secret", "/etc/passwd", "link", "data/folder/one", "pipe", "data", "", "data/../../secret", "none"] {
            assert!(folder.file(bad).is_err(), "{bad}");
        }
        assert!(Folder::open(&inside.join("data/media/a.jpg")).is_err());
    }
}
