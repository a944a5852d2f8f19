//! What a device tells of itself, and the receipt that it gets: the one round trip of a contact with nothing new.

use axum::extract::State;
use axum::http::StatusCode;
use maloca_protocol::limits;
use maloca_protocol::rest::{MediaReceipt, MediaState, Receipt, SignedReceipt, StateReport};

use super::ApiError;
use super::access::CallingDevice;
use super::body::Json;
use crate::export::carried;
use crate::feed;
use crate::hub::Hub;
use crate::store::T;
use crate::store::rows::{AuthorRow, Keeping, MediaRow};
use crate::store::view::ViewExt as _;

/// `POST /state`
pub(super) async fn report(
    State(hub): State<Hub>,
    device: CallingDevice,
    Json(report): Json<StateReport>,
) -> Result<Json<SignedReceipt>, ApiError> {
    if report.ask.len() > limits::ASKED_HASHES || report.media.len() > limits::ASKED_HASHES {
        let detail = "At most 1,000 hashes are told and asked at once. Ask for the rest in another call.";
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_many_hashes", detail));
    }
    hub.devices.told(&device.id, &report, hub.clock.now());
    let (epoch, ask, id, shared) = (hub.epoch, report.ask, device.id, hub.clone());
    let receipt = hub
        .store
        .read(move |view| {
            let author: AuthorRow = view.row(T::Authors, &id.0)?.unwrap_or_default();
            let copies = carried::Copies::of(view)?;
            let mut media = Vec::with_capacity(ask.len());
            for hash in ask {
                let row: Option<MediaRow> = view.row(T::Media, &hash.0)?;
                let (state, copies) = match row {
                    None => (MediaState::Wanted, 0),
                    Some(row) => {
                        let state = match row.keeping {
                            Keeping::Held => MediaState::Held,
                            Keeping::Released => MediaState::Released,
                            Keeping::Damaged => MediaState::Wanted,
                        };
                        // What was copied after the disk had spoilt it is no copy of it.
                        (state, if row.is_wanted() { 0 } else { copies.of_entry(row.seq) })
                    }
                };
                media.push(MediaReceipt { hash, state, copies });
            }
            Ok(Receipt {
                hub: shared.id(),
                project: shared.project,
                device: id,
                epoch,
                head: feed::head(view, epoch)?,
                at: shared.clock.text(),
                author: author.fingerprint,
                quarantined: author.quarantined,
                wanted: author.wanted,
                media,
            })
        })
        .await?;
    Ok(Json(SignedReceipt::new(receipt, &hub.key)))
}
