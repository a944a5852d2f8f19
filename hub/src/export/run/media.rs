//! Media go to the drive first, so that it is known which are damaged before anything refers to them.
//!
//! [`super::run`] calls [`write`]. It promises: a file that is not what once came is left out and told, and stops nothing.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use maloca_protocol::MediaHash;
use serde_json::Value;

use super::{Source, Watch, drive_failed};
use crate::export::formats::{csv, custody};
use crate::export::places::{Label, Places};
use crate::export::write::{Bag, Out};
use crate::export::{Done, ExportError, bundle, drive_error};
use crate::feed;
use crate::media::read::Reader;
use crate::store::T;
use crate::store::rows::MediaRow;
use crate::store::view::ViewExt as _;

/// Media that could not be read as they once came in, and what the disk said.
pub(in super::super) type Damaged = BTreeMap<MediaHash, io::Error>;

/// Copies all media, notes in `came` how each came, and tells those that are not what once came.
pub(super) fn write(
    source: &Source,
    places: &Places,
    bag: &mut Bag,
    came: &mut Out,
    done: &mut Done,
    watch: &Watch<'_>,
) -> Result<Damaged, ExportError> {
    let failed = drive_failed(bag);
    let mut damaged = Damaged::new();
    let mut list = csv::Writer::new(bag.create(bundle::MEDIA_LIST)?, bundle::MEDIA_COLUMNS.iter().copied()).map_err(&failed)?;
    for hash in places.hashes() {
        let Some(row) = source.view.row::<MediaRow>(T::Media, &hash.0)? else { continue };
        let Some((path, label)) = places.path(&source.view, &hash)? else { continue };
        let (seq, size) = (row.seq, row.size);
        match copy(source, hash, row, &path, bag, watch)? {
            Ok(()) => {
                let Label { name, media_type, doc, .. } = label;
                let doc = doc.map_or(Value::Null, |doc| doc.to_string().into());
                let cells = [path.into(), hash.to_string().into(), size.into(), media_type.into(), name.into(), doc];
                list.row(cells).map_err(&failed)?;
                let arrival = feed::entry(&source.view, seq)?.arrival;
                custody::line(came, "media", hash, arrival).map_err(&failed)?;
                done.media += 1;
                watch.step(|progress| progress.media += 1)?;
            }
            Err(error) => {
                tracing::warn!(%error, %hash, "a media file could not be exported; it is listed as missing");
                damaged.insert(hash, error);
                done.damaged += 1;
            }
        }
    }
    bag.add(list.finish().map_err(&failed)?)?;
    Ok(damaged)
}

/// Copies a media file. The inner error is the source's.
fn copy(
    source: &Source,
    hash: MediaHash,
    row: MediaRow,
    path: &str,
    bag: &mut Bag,
    watch: &Watch<'_>,
) -> Result<io::Result<()>, ExportError> {
    if bag.take_over(path, &hash, row.size)? {
        watch.step(|progress| progress.bytes += row.size)?;
        return Ok(Ok(()));
    }
    let reader = match Reader::open(&source.media, hash, row) {
        Ok(reader) => reader,
        Err(error) => return Ok(Err(error)),
    };
    let mut out = bag.create(path)?;
    for index in 0..reader.blocks() {
        let block = match reader.block(index) {
            Ok(block) => block,
            Err(error) => {
                bag.give_up(out)?;
                return Ok(Err(error));
            }
        };
        out.write_all(&block).map_err(|error| drive_error(bag.root(), error))?;
        watch.step(|progress| progress.bytes += block.len() as u64)?;
    }
    bag.add(out)?;
    Ok(Ok(()))
}
