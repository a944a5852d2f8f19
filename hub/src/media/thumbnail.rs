//! Small upright pictures, made once and kept; they can be made again at any time.
//!
//! `api/media` and export ask here. It promises a JPEG of at most 320 pixels a side, turned the way the EXIF data says, and
//! bounded memory whatever the picture claims to be.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use image::{DynamicImage, ImageDecoder as _, ImageReader};
use maloca_protocol::{MediaHash, limits};

use super::MediaRoot;
use super::read::Reader;
use crate::files::How;
use crate::store::rows::MediaRow;

/// Pixels of the longer side.
const SIDE: u32 = 320;

/// Memory that decoding one picture may take: a phone's 50 megapixels fit.
const MEMORY: u64 = 256 * 1024 * 1024;

/// Bytes after the picture that say whether it is still the one that was made.
const CHECK: usize = 8;

/// The thumbnail of a held media file. `None` where it is no picture that can be read.
///
/// # Errors
/// Where the disk fails, or the picture is no longer what came in ([`io::ErrorKind::InvalidData`]).
pub fn thumbnail(root: &MediaRoot, hash: MediaHash, row: MediaRow) -> io::Result<Option<Vec<u8>>> {
    let path = root.thumbnail(&hash);
    match root.files.read(&path) {
        Ok(kept) => {
            if let Some(picture) = opened(&hash, kept) {
                return Ok(Some(picture));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        // What can be made again is not worth a failure.
        Err(error) => tracing::debug!(%error, "a thumbnail cannot be read"),
    }
    let Some(picture) = shrunk(Reader::open(root, hash, row)?)? else { return Ok(None) };
    let mut bytes = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 80);
    if picture.into_rgb8().write_with_encoder(encoder).is_err() {
        return Ok(None);
    }
    // A thumbnail that cannot be kept (a full disk) is shown all the same.
    if let Err(error) = keep(root, &path, &hash, &bytes) {
        tracing::debug!(%error, "a thumbnail was not kept");
    }
    Ok(Some(bytes))
}

fn check(hash: &MediaHash, picture: &[u8]) -> [u8; CHECK] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&hash.0).update(picture);
    let mut check = [0; CHECK];
    check.copy_from_slice(&hasher.finalize().as_bytes()[..CHECK]);
    check
}

/// The picture of a kept thumbnail, if it is whole and of this media.
fn opened(hash: &MediaHash, mut kept: Vec<u8>) -> Option<Vec<u8>> {
    let at = kept.len().checked_sub(CHECK)?;
    let is_whole = check(hash, &kept[..at]) == kept[at..];
    kept.truncate(at);
    is_whole.then_some(kept)
}

fn shrunk(reader: Reader) -> io::Result<Option<DynamicImage>> {
    let mut picture = Checked { reader, at: 0, block: None, damage: None };
    let small = decode(BufReader::new(&mut picture));
    // The decoder says only that it could not; whether the disk is why, the reader knows.
    picture.damage.map_or(Ok(small), Err)
}

fn decode(source: impl io::BufRead + Seek) -> Option<DynamicImage> {
    let mut reader = ImageReader::new(source).with_guessed_format().ok()?;
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder).ok()?;
    let mut small = picture.thumbnail(SIDE, SIDE);
    small.apply_orientation(orientation);
    Some(small)
}

/// A media file for a decoder: every block is checked before it is seen, one is held at a time.
struct Checked {
    reader: Reader,
    at: u64,
    block: Option<(usize, Vec<u8>)>,
    damage: Option<io::Error>,
}

impl Read for Checked {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.reader.size() {
            return Ok(0);
        }
        let index = (self.at / limits::BLOCK_BYTES as u64) as usize;
        if self.block.as_ref().is_none_or(|(held, _)| *held != index) {
            let block = self.reader.block(index).map_err(|error| {
                let told = io::Error::new(error.kind(), error.to_string());
                self.damage = Some(error);
                told
            })?;
            self.block = Some((index, block));
        }
        let Some((_, block)) = &self.block else { return Ok(0) };
        let from = (self.at % limits::BLOCK_BYTES as u64) as usize;
        let count = out.len().min(block.len() - from);
        out[..count].copy_from_slice(&block[from..from + count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Checked {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.reader.size().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

fn keep(root: &MediaRoot, path: &Path, hash: &MediaHash, picture: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        root.files.make_folders(folder)?;
    }
    let mut unique = path.as_os_str().to_owned();
    unique.push(format!(".{:016x}", rand::random::<u64>()));
    let unique = Path::new(&unique);
    let written = root.files.open(unique, How::Make).and_then(|file| {
        file.write_at(picture, 0)?;
        file.write_at(&check(hash, picture), picture.len() as u64)
    });
    match written.and_then(|()| root.files.rename(unique, path)) {
        Ok(()) => Ok(()),
        Err(error) => {
            let _ = root.files.remove(unique);
            Err(error)
        }
    }
}
