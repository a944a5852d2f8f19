//! Media files against their rows and names, and files that no row knows.

use std::fs::File;
use std::io::{self, Read as _};
use std::ops::{Bound, ControlFlow};
use std::path::Path;

use maloca_protocol::{MediaHash, limits};
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};

use super::Look;
use crate::feed;
use crate::media::MediaRoot;
use crate::store::rows::{MediaRow, Row as _, Subject};
use crate::store::{StoreError, T, View as _};

/// Every media row, and the bytes of its file.
pub(super) fn media(look: &mut Look<'_>, root: &MediaRoot) -> Result<(), StoreError> {
    let view = look.view;
    view.scan(T::Media, (Bound::Unbounded, Bound::Unbounded), false, &mut |key, payload| {
        let (Ok(hash), Some(row)) = (MediaHash::try_from(key), MediaRow::decode(payload)) else {
            look.fault("a row of the media is of an unknown form");
            return Ok(ControlFlow::Continue(()));
        };
        let is_said = match feed::entry(view, row.seq)?.subject {
            Subject::Held { hash: said, size } => row.held && said == hash && size == row.size,
            Subject::Released { hash: said } => !row.held && said == hash,
            Subject::Revision { .. } => false,
        };
        look.expect(is_said, || format!("media {hash}: its row is not what the feed says"));
        if row.held {
            match read(&root.path(&hash), &row) {
                Ok(found) if found == hash => {}
                Ok(_) => look.fault(format!("media {hash}: the file is damaged, its bytes are not those that were received")),
                Err(error) if error.kind() == io::ErrorKind::NotFound => look.fault(format!("media {hash}: the file is missing")),
                Err(error) => look.fault(format!("media {hash}: the file cannot be read ({error})")),
            }
            look.summary.media += 1;
            look.summary.media_bytes += row.size;
            look.progress();
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// The hash of a file's bytes; one that cannot be where a block is not what its row says.
fn read(path: &Path, row: &MediaRow) -> io::Result<MediaHash> {
    let mut file = File::open(path)?;
    // From the disk rather than from memory, as far as the system takes advice.
    let _ = posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED);
    let mut hasher = blake3::Hasher::new();
    let (mut buffer, mut blocks, mut size) = (Vec::with_capacity(limits::BLOCK_BYTES), Vec::new(), 0);
    loop {
        buffer.clear();
        let read = file.by_ref().take(limits::BLOCK_BYTES as u64).read_to_end(&mut buffer)?;
        if read == 0 {
            break;
        }
        size += read as u64;
        hasher.update(&buffer);
        blocks.push(*blake3::hash(&buffer).as_bytes());
    }
    if size != row.size || blocks != row.blocks {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "its length or a block is not what was received"));
    }
    Ok(MediaHash(*hasher.finalize().as_bytes()))
}

/// Files among the media that no row knows. Whole ones are what an interrupted upload leaves, and no harm.
pub(super) fn orphans(look: &mut Look<'_>, root: &MediaRoot) -> Result<(), StoreError> {
    let Ok(shards) = std::fs::read_dir(root.folder()) else {
        look.fault(format!("the folder {} cannot be read", root.folder().display()));
        return Ok(());
    };
    for shard in shards.filter_map(Result::ok).map(|entry| entry.path()) {
        let Ok(files) = std::fs::read_dir(&shard) else {
            look.note(format!("{} is no folder of media", shard.display()));
            continue;
        };
        for file in files.filter_map(Result::ok).map(|entry| entry.path()) {
            let hash: Option<MediaHash> = file.file_name().and_then(|name| name.to_str()?.parse().ok());
            let is_known = match hash {
                Some(hash) => look.view.get(T::Media, &hash.0)?.is_some(),
                None => false,
            };
            if !is_known {
                look.note(format!("{} belongs to no record; it takes room and does no harm", file.display()));
            }
        }
    }
    Ok(())
}
