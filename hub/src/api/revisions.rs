//! The signed door and the plain door: what devices bring becomes part of the feed, durably, before they hear of it.

use std::sync::atomic::Ordering;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use maloca_protocol::limits;
use maloca_protocol::rest::{BatchAnswer, PlainAnswer};

use super::ApiError;
use super::access::CallingDevice;
use super::body::{Json, Whole};
use crate::devices::Trouble;
use crate::disk::Need;
use crate::hub::Hub;
use crate::intake::{self, Door, plain, validate};

/// `POST /revisions`
pub(super) async fn signed(
    State(hub): State<Hub>,
    device: CallingDevice,
    Whole(lines): Whole,
) -> Result<Json<BatchAnswer>, ApiError> {
    if lines.len() > limits::BATCH_BYTES || validate::is_too_long(&lines) {
        let detail = "A batch is at most 1,000 revisions and 4 MiB. Send the rest in another.";
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "batch_too_big", detail));
    }
    check_room_for_lines(&hub, &device, &lines).await?;
    count(&hub, &device, lines.len());
    let arrival = hub.arrival(device.id, device.clock);
    // A quota on another hub's batches would make two hubs keep different sets for ever.
    let door = if hub.devices.is_hub(&device.id) { Door::Trusted } else { Door::Device };
    let (answer, tally) = intake::take_in(&hub.store, &hub.rules, arrival, door, lines).await?;
    hub.devices.brought(&device.id, tally, 0, hub.clock.now());
    Ok(Json(answer))
}

/// `POST /observations`
pub(super) async fn plain(
    State(hub): State<Hub>,
    device: CallingDevice,
    Whole(body): Whole,
) -> Result<Json<PlainAnswer>, ApiError> {
    check_room(&hub, &device, body.len())?;
    count(&hub, &device, body.len());
    let (source, items) =
        plain::read(&body).map_err(|detail| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_batch", detail))?;
    let arrival = hub.arrival(device.id, device.clock);
    let (answer, tally) = plain::take_in(&hub.store, &hub.rules, &hub.key, arrival, source, items, body.len()).await?;
    hub.devices.brought(&device.id, tally, 0, hub.clock.now());
    Ok(Json(answer))
}

/// Notes how much came, for the device's speed and its contact.
fn count(hub: &Hub, device: &CallingDevice, bytes: usize) {
    hub.devices.meter(&device.id, hub.clock.now()).fetch_add(bytes as u64, Ordering::Relaxed);
}

/// Refuses what the disk has no room for, and notes it on the device's card.
pub(super) fn check_room(hub: &Hub, device: &CallingDevice, bytes: usize) -> Result<(), ApiError> {
    match hub.disk.lacks(bytes as u64, Need::New) {
        0 => Ok(()),
        lacks => Err(refused_as_full(hub, device, lacks)),
    }
}

/// As [`check_room`], but a batch that only deletes may use a part of the reserve: it is how room is made.
async fn check_room_for_lines(hub: &Hub, device: &CallingDevice, lines: &Bytes) -> Result<(), ApiError> {
    let lacks = hub.disk.lacks(lines.len() as u64, Need::New);
    if lacks == 0 {
        return Ok(());
    }
    if hub.disk.lacks(lines.len() as u64, Need::Deletion) == 0 {
        let lines = lines.clone();
        let deletes = tokio::task::spawn_blocking(move || validate::only_deletes(&lines)).await.map_err(ApiError::bug)?;
        if deletes {
            return Ok(());
        }
    }
    Err(refused_as_full(hub, device, lacks))
}

fn refused_as_full(hub: &Hub, device: &CallingDevice, lacks: u64) -> ApiError {
    let full = ApiError::full(lacks);
    let problem = full.problem();
    let trouble = Trouble { code: problem.code.clone(), detail: problem.detail.clone() };
    hub.devices.failed(&device.id, trouble, hub.clock.now());
    full
}
