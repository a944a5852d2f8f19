//! Bytes out of files that strangers made: never more of them than was asked for, and unpacked to a bound.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use super::MapError;
use crate::files::Handle;

/// The largest tile, as it is stored. Large ones of either kind have half a megabyte.
pub(super) const TILE_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of `file`, which must be there and no more than `most`.
pub(super) fn read(file: &dyn Handle, at: u64, len: u64, most: usize) -> Result<Vec<u8>, MapError> {
    let len = usize::try_from(len).ok().filter(|len| *len <= most).ok_or(MapError::Damaged("a part of it is absurdly large"))?;
    // Before the room is taken: a file of a few bytes can claim anything.
    let end = at.checked_add(len as u64).ok_or(MapError::Damaged("a part of it lies nowhere"))?;
    if end > file.len()? {
        return Err(MapError::CutOff);
    }
    let mut bytes = vec![0; len];
    file.read_at(&mut bytes, at)?;
    Ok(bytes)
}

/// What `reader` gives, to its end, which must come before `most`.
pub(super) fn to_end(reader: impl Read, most: usize) -> Result<Vec<u8>, MapError> {
    let mut bytes = Vec::new();
    reader.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most { Err(MapError::Damaged("a part of it unpacks to an absurd size")) } else { Ok(bytes) }
}

/// Unpacks gzip.
pub(super) fn gunzip(bytes: &[u8], most: usize) -> Result<Vec<u8>, MapError> {
    to_end(MultiGzDecoder::new(bytes), most)
}

/// Whether these are the first bytes of something in gzip.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// The type of a picture by its first bytes; `None` for anything that no map program draws.
pub(super) fn picture(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f', ..] => Some("image/avif"),
        _ => None,
    }
}
