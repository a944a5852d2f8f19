//! Media files against their rows and names, and files that no row knows.

use std::io;
use std::ops::{Bound, ControlFlow};
use std::path::Path;

use maloca_protocol::{MediaHash, limits};

use super::Look;
use crate::feed;
use crate::files::{Files, How};
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
            // Of one that was freed, too, the row names the place at which it came.
            Subject::Held { hash: said, size } => said == hash && size == row.size,
            Subject::Released { .. } | Subject::Revision { .. } => false,
        };
        look.expect(is_said, || format!("media {hash}: its row is not what the feed says"));
        if row.is_wanted() {
            look.note(format!("media {hash}: the disk had spoilt it; it is asked for again from whoever has it"));
        }
        if row.is_held() {
            match read(&root.files, &root.path(&hash), &row) {
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
fn read(files: &Files, path: &Path, row: &MediaRow) -> io::Result<MediaHash> {
    let file = files.open(path, How::Read)?;
    // From the disk rather than from memory, as far as the system takes advice.
    let _ = file.forget();
    let size = file.len()?;
    if size != row.size || row.blocks.len() as u64 != size.div_ceil(limits::BLOCK_BYTES as u64) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "its length is not what was received"));
    }
    let (mut hasher, mut buffer, mut at) = (blake3::Hasher::new(), vec![0; limits::BLOCK_BYTES], 0);
    for expected in &row.blocks {
        let block = usize::try_from(size - at).map_or(limits::BLOCK_BYTES, |rest| rest.min(limits::BLOCK_BYTES));
        file.read_at(&mut buffer[..block], at)?;
        if blake3::hash(&buffer[..block]).as_bytes() != expected {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("the block at {at} is not what was received")));
        }
        hasher.update(&buffer[..block]);
        at += block as u64;
    }
    Ok(MediaHash(*hasher.finalize().as_bytes()))
}

/// Files among the media that no row knows. Whole ones are what an interrupted upload leaves, and no harm.
pub(super) fn orphans(look: &mut Look<'_>, root: &MediaRoot) -> Result<(), StoreError> {
    let Ok(shards) = root.files.names(root.folder()) else {
        look.fault(format!("the folder {} cannot be read", root.folder().display()));
        return Ok(());
    };
    for shard in shards.iter().map(|name| root.folder().join(name)) {
        let Ok(files) = root.files.names(&shard) else {
            look.note(format!("{} is no folder of media", shard.display()));
            continue;
        };
        for (name, file) in files.iter().map(|name| (name, shard.join(name))) {
            let hash: Option<MediaHash> = name.parse().ok();
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
