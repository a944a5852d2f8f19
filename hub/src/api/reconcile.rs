//! What another hub has that this one lacks, and the other way round, without cursors; and the revisions that are asked for then.
//!
//! A hub may ask about everything that is kept, quarantined revisions too; a device about what it wrote itself, or about
//! everything where the hub lets devices read all.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use maloca_protocol::reconcile::{self, Failed, Refused, Span};
use maloca_protocol::rest::NDJSON;
use maloca_protocol::{DeviceId, limits};

use super::ApiError;
use super::access::CallingDevice;
use super::body::Whole;
use crate::hub::Hub;
use crate::query;
use crate::store::ordered::Ordered;
use crate::store::rows::Standing;
use crate::store::{Snapshot, StoreError};
use crate::trust::members;

/// The media type of questions, answers and lists of keys; `maloca_protocol::reconcile` says their form.
const BINARY: &str = "application/octet-stream";

/// `POST /reconcile`: a question in, its answer out. Nothing is kept between two questions.
pub(super) async fn answer(State(hub): State<Hub>, device: CallingDevice, Whole(question): Whole) -> Result<Response, ApiError> {
    let answered = looking(&hub, device, move |_, order, asker| Ok(reconcile::answer(order, &asker.reach(), &question)));
    match answered.await? {
        Ok(answer) => Ok(([(header::CONTENT_TYPE, BINARY)], answer).into_response()),
        Err(Failed::Refused(refused)) => Err(nonsense(refused)),
        Err(Failed::Set(error)) => Err(error.into()),
    }
}

/// `POST /revisions/wanted`: keys in, the revisions out as lines. What is not here, or too much for one answer, is left out.
pub(super) async fn wanted(State(hub): State<Hub>, device: CallingDevice, Whole(keys): Whole) -> Result<Response, ApiError> {
    let keys = reconcile::keys_from(&keys).map_err(nonsense)?;
    if keys.len() > limits::BATCH_REVISIONS {
        let detail = "At most 1,000 revisions are asked for at once. Ask for the rest in another call.";
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_many_keys", detail));
    }
    let lines = looking(&hub, device, move |view, order, asker| {
        let mut lines = Vec::new();
        for key in keys {
            let Some(id) = order.find(&key)? else { continue };
            let Some(revision) = query::kept(view, &key, &id)? else { continue };
            if asker.reads_all || revision.content().author == asker.device {
                let line = revision.envelope();
                if lines.len() + line.len() >= limits::BATCH_BYTES {
                    break;
                }
                lines.extend_from_slice(&line);
                lines.push(b'\n');
            }
        }
        Ok(lines)
    });
    Ok(([(header::CONTENT_TYPE, NDJSON)], lines.await?).into_response())
}

/// Who asks, and what it may read.
struct Asker {
    device: DeviceId,
    reads_all: bool,
}

impl Asker {
    fn reach(&self) -> Span {
        if self.reads_all { Span::ALL } else { Span::of_author(&self.device) }
    }
}

/// Looks at the order of what is kept, away from the async threads.
async fn looking<R: Send + 'static>(
    hub: &Hub,
    device: CallingDevice,
    look: impl FnOnce(&Snapshot, &Ordered<'_, Snapshot>, &Asker) -> Result<R, StoreError> + Send + 'static,
) -> Result<R, ApiError> {
    // The sums of a million revisions take a megabyte while they are looked at.
    let _turn = hub.comparisons.acquire().await.map_err(ApiError::bug)?;
    let (rules, reads_all) = (hub.rules.clone(), hub.settings().devices_read_all);
    let looked = hub.store.read(move |view| {
        let is_hub = members::standing(view, &rules, &device.id)? == Some(Standing::Hub);
        let asker = Asker { device: device.id, reads_all: reads_all || is_hub };
        let Some(order) = Ordered::of(view, &rules.fingerprints)? else { return Ok(None) };
        look(view, &order, &asker).map(Some)
    });
    looked.await?.ok_or_else(|| {
        let detail =
            "The hub must put its records in order first, which it does when it is started. Ask its manager to start it again.";
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "not_in_order", detail)
    })
}

fn nonsense(refused: Refused) -> ApiError {
    let status = if refused == Refused::Reach { StatusCode::FORBIDDEN } else { StatusCode::BAD_REQUEST };
    let code = match refused {
        Refused::Reach => "not_yours",
        Refused::Version(_) => "reconcile_version",
        _ => "bad_reconcile",
    };
    ApiError::new(status, code, format!("Nothing could be compared: {refused}."))
}
