//! Which export is on which drive.
use crate::store::{StoreError, View, writer};
use serde::Serialize;
#[derive(Serialize)]
pub struct NotOnDrive {
    pub observations: u64,
    pub media: u64,
}
#[derive(Serialize)]
pub struct Drives {
    pub last_verified_at: Option<String>,
    pub last_path: Option<String>,
    pub not_on_drive: NotOnDrive,
}
pub(crate) fn copies(_: &impl View, _: u64) -> Result<u32, StoreError> {
    Ok(0)
}
pub(crate) fn drives(view: &impl View) -> Result<Drives, StoreError> {
    let totals = writer::totals(view)?;
    Ok(Drives {
        last_verified_at: None,
        last_path: None,
        not_on_drive: NotOnDrive { observations: totals.observations, media: totals.media_held },
    })
}
