//! The lists of files beside the observations: which belongs to which, and which are not there.
//!
//! [`super::write_documents`] adds the lines of each observation as it comes by.

use std::path::Path;

use maloca_protocol::document::Kept;
use serde_json::Value;

use super::Source;
use super::media::Damaged;
use crate::export::formats::csv;
use crate::export::places::Places;
use crate::export::write::Out;
use crate::export::{ExportError, bundle, drive_error};
use crate::query::Found;
use crate::store::rows::MediaRow;
use crate::store::view::ViewExt as _;
use crate::store::{StoreError, T};

/// Where an attachment is in the bundle; `None` where it is not.
pub(super) fn place(source: &Source, places: &Places, damaged: &Damaged, kept: &Kept) -> Result<Option<String>, StoreError> {
    let hash = kept.attachment.hash;
    if damaged.contains_key(&hash) {
        return Ok(None);
    }
    Ok(places.path(&source.view, &hash)?.map(|(path, _)| path))
}

/// Which file belongs to the observation.
pub(super) fn attached(
    source: &Source,
    places: &Places,
    damaged: &Damaged,
    found: &Found,
    list: &mut csv::Writer<Out>,
) -> Result<(), ExportError> {
    for kept in &found.document.attachments {
        let attachment = &kept.attachment;
        let text = |text: &Option<String>| text.clone().map_or(Value::Null, Value::from);
        let cells: [Value; 7] = [
            found.document.doc.to_string().into(),
            text(&place(source, places, damaged, kept)?),
            attachment.hash.to_string().into(),
            attachment.name.clone().into(),
            attachment.media_type.clone().into(),
            attachment.size.into(),
            text(&attachment.taken_at),
        ];
        list.row(cells).map_err(|error| drive_error(Path::new(bundle::ATTACHMENT_LIST), error))?;
    }
    Ok(())
}

/// Which of its files are not there, and why.
pub(super) fn missing(source: &Source, damaged: &Damaged, found: &Found, list: &mut csv::Writer<Out>) -> Result<(), ExportError> {
    for Kept { attachment, .. } in &found.document.attachments {
        let row = source.view.row::<MediaRow>(T::Media, &attachment.hash.0)?;
        let reason = match row {
            _ if damaged.contains_key(&attachment.hash) => "damaged on the hub's disk",
            Some(row) if row.is_held() => continue,
            Some(_) => "freed on the hub after it was copied to other drives",
            None => "not received yet",
        };
        let cells: [Value; 6] = [
            found.document.doc.to_string().into(),
            attachment.hash.to_string().into(),
            attachment.name.clone().into(),
            attachment.media_type.clone().into(),
            attachment.size.into(),
            reason.into(),
        ];
        list.row(cells).map_err(|error| drive_error(Path::new(bundle::MISSING_LIST), error))?;
    }
    Ok(())
}
