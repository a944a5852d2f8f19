//! The disk as this program uses it: a handful of operations on files, and nothing that hides when something is durable.
//!
//! `media`, `trust` and `store` keep everything of the data folder through [`Files`]. In a hub that runs it is [`Files::real`];
//! the fault rig brings a disk that fails, fills, rots and forgets what was not synced. So what a test has shown of the one is
//! true of the other: there is no second code path. Exports write to drives by themselves and are not seen here.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;

use nix::fcntl::{FallocateFlags, PosixFadviseAdvice, fallocate, posix_fadvise};

/// In which way a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// To read what is there.
    Read,
    /// To read and write what is there.
    Change,
    /// To read and write; made where it is missing.
    Make,
    /// To write; must not be there yet; for its owner alone.
    New,
}

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes that this user may still write.
    pub free: u64,
    /// Bytes of the whole filesystem.
    pub total: u64,
}

/// A filesystem. Names are durable only after [`Filesystem::sync_folder`], bytes only after [`Handle::sync_data`].
#[allow(clippy::missing_errors_doc, reason = "each fails as the system's call of that name does")]
pub trait Filesystem: Debug + Send + Sync + 'static {
    /// Opens a file.
    fn open(&self, path: &Path, how: How) -> io::Result<Box<dyn Handle>>;
    /// Gives a file a second name, which must be free.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file another name, in place of whatever had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Takes a name away.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes a folder, for its owner alone.
    fn make_folder(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// The names in a folder, those that are text.
    fn names(&self, folder: &Path) -> io::Result<Vec<String>>;
    /// Whether there is something of this name.
    fn exists(&self, path: &Path) -> io::Result<bool>;
    /// The number by which the system knows a file or folder, whatever its name.
    fn inode(&self, path: &Path) -> io::Result<u64>;
    /// Makes a file of `len` bytes that really take room, whatever is in them.
    fn allocate(&self, path: &Path, len: u64) -> io::Result<()>;
    /// How much room there is; `None` where the system does not say.
    fn room(&self, folder: &Path) -> Option<Room>;
}

/// An open file.
#[allow(clippy::missing_errors_doc, reason = "each fails as the system's call of that name does")]
#[expect(clippy::len_without_is_empty, reason = "a file's length is asked of the disk, which may fail")]
pub trait Handle: Debug + Send + Sync + 'static {
    /// Its length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// How many names it has.
    fn links(&self) -> io::Result<u64>;
    /// Fills `bytes` from the place `at`, or fails.
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()>;
    /// Writes all of `bytes` at the place `at`.
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()>;
    /// Cuts it off, or adds zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Makes its bytes and length durable.
    fn sync_data(&self) -> io::Result<()>;
    /// Drops what memory holds of it, so that the next read is from the disk. After a sync that failed, memory may show what the
    /// disk never got, and the next sync would not write it either.
    fn forget(&self) -> io::Result<()>;
    /// The system's own file, for those who know more to do with it; `None` where there is none.
    fn real(&self) -> Option<io::Result<File>>;
}

/// A cheap clone by which a room reaches its disk.
#[derive(Debug, Clone)]
pub struct Files(Arc<dyn Filesystem>);

impl std::ops::Deref for Files {
    type Target = dyn Filesystem;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl Files {
    /// The machine's own filesystem.
    #[must_use]
    pub fn real() -> Self {
        Self(Arc::new(Real))
    }

    /// Another one.
    pub fn of(filesystem: impl Filesystem) -> Self {
        Self(Arc::new(filesystem))
    }

    /// All bytes of a file that is known to be small.
    ///
    /// # Errors
    /// Where it is not there, or the disk fails.
    pub fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let file = self.open(path, How::Read)?;
        let mut bytes = vec![0; usize::try_from(file.len()?).map_err(io::Error::other)?];
        file.read_at(&mut bytes, 0)?;
        Ok(bytes)
    }

    /// Takes a name away, if it is there.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn remove_if_there(&self, path: &Path) -> io::Result<()> {
        match self.remove(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Writes a file that only its owner may read: whole, durable, or not at all.
    ///
    /// # Errors
    /// Where the disk fails; then the file is as it was, or as it was to be.
    pub fn write_secret(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let new = path.with_extension("new");
        self.remove_if_there(&new)?;
        let file = self.open(&new, How::New)?;
        file.write_at(bytes, 0)?;
        file.sync_data()?;
        drop(file);
        self.rename(&new, path)?;
        self.sync_folder(path.parent().unwrap_or(Path::new(".")))
    }

    /// Makes a folder and those above it where they are missing, each durable in the one above.
    ///
    /// # Errors
    /// Where the disk fails, or a file stands in the way.
    pub fn make_folders(&self, path: &Path) -> io::Result<()> {
        if path.as_os_str().is_empty() || self.exists(path)? {
            return Ok(());
        }
        let above = match path.parent() {
            Some(above) if !above.as_os_str().is_empty() => above,
            _ => Path::new("."),
        };
        self.make_folders(above)?;
        match self.make_folder(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        self.sync_folder(above)
    }
}

#[derive(Debug)]
struct Real;

impl Filesystem for Real {
    fn open(&self, path: &Path, how: How) -> io::Result<Box<dyn Handle>> {
        let mut options = OpenOptions::new();
        match how {
            How::Read => options.read(true),
            How::Change => options.read(true).write(true),
            How::Make => options.read(true).write(true).create(true).truncate(false),
            How::New => options.write(true).create_new(true).mode(0o600),
        };
        Ok(Box::new(options.open(path)?))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        fs::DirBuilder::new().mode(0o700).create(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        Ok(fs::read_dir(folder)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        fs::exists(path)
    }

    fn inode(&self, path: &Path) -> io::Result<u64> {
        Ok(fs::metadata(path)?.ino())
    }

    fn allocate(&self, path: &Path, len: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        let len = i64::try_from(len).map_err(io::Error::other)?;
        Ok(fallocate(&file, FallocateFlags::empty(), 0, len)?)
    }

    fn room(&self, folder: &Path) -> Option<Room> {
        let stat = nix::sys::statvfs::statvfs(folder).ok()?;
        let unit = stat.fragment_size();
        Some(Room { free: stat.blocks_available() * unit, total: stat.blocks() * unit })
    }
}

impl Handle for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn links(&self) -> io::Result<u64> {
        Ok(self.metadata()?.nlink())
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        self.read_exact_at(bytes, at)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.write_all_at(bytes, at)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        Self::set_len(self, len)
    }

    fn sync_data(&self) -> io::Result<()> {
        Self::sync_data(self)
    }

    fn forget(&self) -> io::Result<()> {
        Ok(posix_fadvise(self, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?)
    }

    fn real(&self) -> Option<io::Result<File>> {
        Some(self.try_clone())
    }
}
