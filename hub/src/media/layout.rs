//! Where which file lies. Paths are made here and nowhere else, from hashes and ids only, never from a stranger's text.
//!
//! ```text
//! <data>/media/ab/ab12…      a media file, under the first two digits of its hash
//! <data>/incoming/<upload>   an unfinished upload, on the same filesystem
//! <data>/thumbnails/ab/ab12….jpg   can be made again at any time
//! ```

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use maloca_protocol::MediaHash;

use crate::files::Files;

/// The folders of media in a data folder, and the disk they are on.
#[derive(Debug, Clone)]
pub struct MediaRoot {
    /// The disk.
    pub(crate) files: Files,
    media: PathBuf,
    incoming: PathBuf,
    thumbnails: PathBuf,
}

impl MediaRoot {
    /// The folders as they are, for whoever only looks.
    #[must_use]
    pub fn at(files: Files, data: &Path) -> Self {
        Self { files, media: data.join("media"), incoming: data.join("incoming"), thumbnails: data.join("thumbnails") }
    }

    /// Makes the folders where they are missing, durably, so that publishing a file never has to make one.
    ///
    /// # Errors
    /// Where the data folder cannot be written.
    pub fn open(files: Files, data: &Path) -> io::Result<Self> {
        let root = Self::at(files, data);
        for folder in [&root.media, &root.incoming, &root.thumbnails] {
            root.make(folder)?;
        }
        let there: HashSet<String> = root.files.names(&root.media)?.into_iter().collect();
        for shard in (0..=u8::MAX).map(|shard| format!("{shard:02x}")).filter(|shard| !there.contains(shard)) {
            root.make(&root.media.join(shard))?;
        }
        // Even where nothing was made: a start that was cut off may have made it, and not have come to this line.
        root.files.sync_folder(&root.media)?;
        root.files.sync_folder(data)?;
        Ok(root)
    }

    fn make(&self, folder: &Path) -> io::Result<()> {
        match self.files.make_folder(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
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
