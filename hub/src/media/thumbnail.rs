//! Small upright pictures, made once and kept; they can be made again at any time.
//!
//! `api/media` and export ask here. It promises a JPEG of at most 320 pixels a side, turned the way the EXIF data says, and
//! bounded memory whatever the picture claims to be.

use std::io::{self, BufReader, Cursor, Write as _};
use std::path::Path;

use image::{DynamicImage, ImageDecoder as _, ImageReader};
use maloca_protocol::MediaHash;

use super::MediaRoot;

/// Pixels of the longer side.
const SIDE: u32 = 320;

/// Memory that decoding one picture may take: a phone's 50 megapixels fit.
const MEMORY: u64 = 256 * 1024 * 1024;

/// The thumbnail of a held media file. `None` where it is no picture that can be read.
///
/// # Errors
/// Where the disk fails.
pub fn thumbnail(root: &MediaRoot, hash: &MediaHash) -> io::Result<Option<Vec<u8>>> {
    let path = root.thumbnail(hash);
    match std::fs::read(&path) {
        Ok(bytes) if bytes.starts_with(&[0xff, 0xd8]) && bytes.ends_with(&[0xff, 0xd9]) => return Ok(Some(bytes)),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let Some(picture) = shrunk(&root.path(hash))? else { return Ok(None) };
    let mut bytes = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 80);
    if picture.into_rgb8().write_with_encoder(encoder).is_err() {
        return Ok(None);
    }
    // A thumbnail that cannot be kept (a full disk) is shown all the same.
    if let Err(error) = keep(&path, &bytes) {
        tracing::debug!(%error, "a thumbnail was not kept");
    }
    Ok(Some(bytes))
}

fn shrunk(path: &Path) -> io::Result<Option<DynamicImage>> {
    let mut reader = ImageReader::new(BufReader::new(std::fs::File::open(path)?)).with_guessed_format()?;
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    let Ok(mut decoder) = reader.into_decoder() else { return Ok(None) };
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let Ok(picture) = DynamicImage::from_decoder(decoder) else { return Ok(None) };
    let mut small = picture.thumbnail(SIDE, SIDE);
    small.apply_orientation(orientation);
    Ok(Some(small))
}

fn keep(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut unique = path.as_os_str().to_owned();
    unique.push(format!(".{:016x}", rand::random::<u64>()));
    let mut file = std::fs::File::create(&unique)?;
    let written = io::copy(&mut Cursor::new(bytes), &mut file).and_then(|_| file.flush());
    match written.and_then(|()| std::fs::rename(&unique, path)) {
        Ok(()) => Ok(()),
        Err(error) => {
            let _ = std::fs::remove_file(&unique);
            Err(error)
        }
    }
}
