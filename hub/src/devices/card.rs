//! A device as the manager's page shows it: one word, "n of m", and what its last contact brought.
//!
//! `api` and the command line ask here. It promises that nothing is shown in sync but on the device's own word and the hub's
//! own count.

use std::ops::ControlFlow;

use maloca_protocol::rest::Unsent;
use maloca_protocol::{DeviceId, time};
use serde::Serialize;

use super::{Device, Devices, Kind, Trouble};
use crate::store::rows::{Attached, AuthorRow, Row as _, Standing};
use crate::store::view::ViewExt as _;
use crate::store::{StoreError, T, View};

/// Media that a card names; more are counted.
const NAMED_MEDIA: usize = 20;

impl Devices {
    /// A device's card, with counts out of `view`.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn card(&self, view: &impl View, id: &DeviceId) -> Result<Option<Card>, StoreError> {
        let (device, speed, trouble) = {
            let inner = self.lock();
            let Some(device) = inner.devices.get(id).cloned() else { return Ok(None) };
            (
                device,
                inner.sending.get(id).filter(|sending| !sending.quiet).map(|sending| sending.speed as u64),
                inner.trouble.get(id).cloned(),
            )
        };
        let counts: AuthorRow = view.row(T::Authors, &id.0)?.unwrap_or_default();
        let standing: Option<Standing> = view.row(T::Members, &id.0)?;
        let (missing, missing_count) = missing_media(view, id, counts.wanted)?;
        let state = state(&device, &counts, standing, speed.is_some());
        let unsent = device.told.map(|told| told.unsent).unwrap_or_default();
        // Media that the hub wants and media that the device has not sent are mostly the same ones.
        let outstanding = counts.wanted.max(unsent.media);
        Ok(Some(Card {
            id: device.id,
            kind: device.kind,
            paired_at: time::format_millis(device.paired_at),
            last_seen: device.last_seen.map(time::format_millis),
            app: device.app,
            state,
            unsent: device.told.map(|told| ShownUnsent { unsent: told.unsent, at: time::format_millis(told.at) }),
            observations: HereAndTold { here: counts.documents, told: counts.documents + unsent.documents },
            media: MediaHere {
                here: counts.attached - counts.wanted,
                told: counts.attached - counts.wanted + outstanding,
                wanted_bytes: counts.wanted_bytes.max(unsent.media_bytes),
            },
            clock_offset_ms: device.clock_offset,
            battery: device.battery,
            held_back: device.held_back,
            bytes_per_second: speed,
            receipt: device.contact.map(|contact| ShownReceipt {
                since: time::format_millis(contact.since),
                at: time::format_millis(contact.at),
                new: contact.new,
                changed: contact.changed,
                deleted: contact.deleted,
                media: contact.media,
                media_missing: missing,
                media_missing_count: missing_count,
            }),
            trouble,
            name: device.name,
        }))
    }
}

fn missing_media(view: &impl View, id: &DeviceId, count: u64) -> Result<(Vec<MissingMedia>, u64), StoreError> {
    let mut missing = Vec::new();
    if count > 0 {
        view.scan_prefix(T::Wanted, &id.0, &mut |hash, payload| {
            if let Some(row) = Attached::decode(payload) {
                missing.push(MissingMedia { hash: data_encoding::HEXLOWER.encode(hash), name: row.name, size: row.size });
            }
            Ok(if missing.len() < NAMED_MEDIA { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
    }
    Ok((missing, count))
}

fn state(device: &Device, counts: &AuthorRow, standing: Option<Standing>, sending: bool) -> State {
    if standing == Some(Standing::Revoked) {
        return State::Revoked;
    }
    let Some(told) = device.told else {
        return match (device.last_seen, sending) {
            (_, true) => State::Receiving,
            (None, _) => State::Never,
            (Some(_), _) => State::Unknown,
        };
    };
    let nothing_left = told.unsent.revisions == 0 && told.unsent.media == 0 && told.unsent.parked == 0;
    if nothing_left && counts.wanted == 0 && told.author == Some(counts.fingerprint) {
        State::InSync
    } else if sending {
        State::Receiving
    } else if nothing_left && counts.wanted == 0 && told.author.is_none() {
        State::Unknown
    } else {
        State::Waiting
    }
}

/// A device in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It joined and never came back.
    Never,
    /// It is sending.
    Receiving,
    /// Nothing is unsent or set aside, the hub holds exactly its revisions, and wants nothing of it.
    InSync,
    /// Something is not here yet.
    Waiting,
    /// It never told what it holds.
    Unknown,
    /// It was put out.
    Revoked,
}

/// A device as the page shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Card {
    id: DeviceId,
    name: String,
    kind: Kind,
    paired_at: String,
    last_seen: Option<String>,
    app: Option<String>,
    state: State,
    unsent: Option<ShownUnsent>,
    observations: HereAndTold,
    media: MediaHere,
    clock_offset_ms: Option<i64>,
    battery: Option<f64>,
    /// The manager lets it wait.
    held_back: bool,
    /// While it is sending.
    bytes_per_second: Option<u64>,
    receipt: Option<ShownReceipt>,
    trouble: Option<Trouble>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct ShownUnsent {
    #[serde(flatten)]
    unsent: Unsent,
    at: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct HereAndTold {
    here: u64,
    told: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct MediaHere {
    here: u64,
    told: u64,
    wanted_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct ShownReceipt {
    since: String,
    at: String,
    new: u64,
    changed: u64,
    deleted: u64,
    media: u64,
    media_missing: Vec<MissingMedia>,
    media_missing_count: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct MissingMedia {
    hash: String,
    name: String,
    size: u64,
}

impl Card {
    /// Its state, for those who count.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}
