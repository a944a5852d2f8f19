//! Where which file lies. Paths are made here and nowhere else, from hashes and ids only, never from a stranger's text.
//!
//! ```text
//! <data>/media/ab/ab12…      a media file, under the first two digits of its hash
//! <data>/incoming/<upload>   an unfinished upload, on the same filesystem
//! <data>/thumbnails/ab/ab12….jpg   can be made again at any time
//! ```

use std::io;
use std::path::{Path, PathBuf};

use maloca_protocol::MediaHash;

/// The folders of media in a data folder.
#[derive(Debug, Clone)]
pub struct MediaRoot {
    media: PathBuf,
    incoming: PathBuf,
    thumbnails: PathBuf,
}

impl MediaRoot {
    /// The folders as they are, for whoever only looks.
    #[must_use]
    pub fn at(data: &Path) -> Self {
        Self { media: data.join("media"), incoming: data.join("incoming"), thumbnails: data.join("thumbnails") }
    }

    /// Makes the folders where they are missing, durably, so that publishing a file never has to make one.
    ///
    /// # Errors
    /// Where the data folder cannot be written.
    pub fn open(data: &Path) -> io::Result<Self> {
        let root = Self::at(data);
        for folder in [&root.media, &root.incoming, &root.thumbnails] {
            make(folder)?;
        }
        let mut made = false;
        for shard in 0..=u8::MAX {
            made |= make(&root.media.join(format!("{shard:02x}")))?;
        }
        if made {
            sync(&root.media)?;
        }
        sync(data)?;
        Ok(root)
    }

    /// A media file's place.
    #[must_use]
    pub fn path(&self, hash: &MediaHash) -> PathBuf {
        let name = hash.to_string();
        self.media.join(&name[..2]).join(name)
    }

    /// The folder of all media files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.media
    }

    /// An unfinished upload's place. `id` must be one that [`super::uploads`] made.
    #[must_use]
    pub fn incoming(&self, id: &str) -> PathBuf {
        self.incoming.join(id)
    }

    /// The folder of unfinished uploads.
    #[must_use]
    pub fn incoming_folder(&self) -> &Path {
        &self.incoming
    }

    /// A thumbnail's place.
    #[must_use]
    pub fn thumbnail(&self, hash: &MediaHash) -> PathBuf {
        let name = hash.to_string();
        self.thumbnails.join(&name[..2]).join(format!("{name}.jpg"))
    }
}

fn make(folder: &Path) -> io::Result<bool> {
    match std::fs::create_dir(folder) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes the names in a folder durable.
pub(crate) fn sync(folder: &Path) -> io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}
