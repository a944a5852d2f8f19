//! Files on the device's disk: their hash, and whether they are still what they were.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::store::{HashedFile, MediaFile, StoreError, Tx};
use crate::ids::MediaHash;
use crate::limits;
use crate::revision::Attachment;

/// What is read at once: large enough for BLAKE3 to use the CPU's widest instructions.
const READ_BYTES: usize = 256 * 1024;

/// A file that was hashed and can be attached.
#[derive(Debug, Clone)]
pub struct Hashed {
    /// The attachment that a revision carries.
    pub attachment: Attachment,
    pub(super) file: MediaFile,
    pub(super) state: HashedFile,
}

/// Hashes a file, unless `known` says that it was hashed as it is. Blocks on the disk.
///
/// # Errors
/// Where the file cannot be read, or is larger than a media may be.
pub(super) fn hash(path: &Path, known: Option<HashedFile>) -> io::Result<Hashed> {
    let (size, modified) = state_of(path)?;
    if size > limits::MEDIA_BYTES {
        return Err(io::Error::other("the file is 4 GiB or larger; split it or make it smaller"));
    }
    let hash = match known {
        Some(known) if (known.size, known.modified) == (size, modified) => known.hash,
        _ => hash_file(path)?,
    };
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = shortened(&name);
    let media_type = mime_guess::from_path(path).first_or_octet_stream().essence_str().to_owned();
    let file = MediaFile { path: path.to_string_lossy().into_owned(), size, name: name.clone(), media_type: media_type.clone() };
    let attachment = Attachment { hash, name, media_type, size, taken_at: None };
    Ok(Hashed { attachment, file, state: HashedFile { size, modified, hash } })
}

impl Hashed {
    /// Notes the file as one that may be sent.
    pub(super) fn keep(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let path = Path::new(&self.file.path);
        if tx.hashed(path)?.as_ref() != Some(&self.state) {
            tx.note_hashed(path, &self.state)?;
        }
        tx.keep_media(&self.attachment.hash, &self.file)
    }
}

/// A file's size in bytes and its time of change in nanoseconds since 1970.
pub(super) fn state_of(path: &Path) -> io::Result<(u64, i128)> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("this is no file"));
    }
    let modified = metadata.modified()?;
    let nanos = modified
        .duration_since(UNIX_EPOCH)
        .map_or_else(|before| -(before.duration().as_nanos() as i128), |after| after.as_nanos() as i128);
    Ok((metadata.len(), nanos))
}

/// The hash of a file's bytes.
pub(super) fn hash_file(path: &Path) -> io::Result<MediaHash> {
    let mut file = File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(MediaHash(*hasher.finalize().as_bytes())),
            read => drop(hasher.update(&buffer[..read])),
        }
    }
}

/// A name that fits into an attachment; what is cut off is its beginning, since the end tells the type.
fn shortened(name: &str) -> String {
    let mut from = name.len().saturating_sub(limits::NAME_BYTES);
    while !name.is_char_boundary(from) {
        from += 1;
    }
    name[from..].to_owned()
}
