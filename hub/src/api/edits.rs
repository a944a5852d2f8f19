//! A manager edits, deletes, brings back, or chooses in a conflict: always one more revision, never a change of what is here.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use maloca_protocol::{DocId, RevisionId};
use serde::Serialize;

use super::ApiError;
use super::body::{Json, Named};
use crate::disk::Need;
use crate::hub::Hub;
use crate::intake::by_hand::{self, Edit, EditError};

/// What an edit became.
#[derive(Serialize)]
struct Kept {
    revision: RevisionId,
}

/// `POST /observations/{doc}/edits`
pub(super) async fn keep(State(hub): State<Hub>, Named(doc): Named<DocId>, Json(edit): Json<Edit>) -> Result<Response, ApiError> {
    // Deleting is how room is made.
    let need = if edit.deleted == Some(true) { Need::Deletion } else { Need::New };
    match hub.disk.lacks(0, need) {
        0 => {}
        lacks => return Err(ApiError::full(lacks)),
    }
    let arrival = hub.arrival(hub.id(), None);
    let revision = by_hand::keep_edit(&hub.store, &hub.rules, &hub.key, arrival, doc, edit).await?;
    Ok((StatusCode::CREATED, Json(Kept { revision })).into_response())
}

impl From<EditError> for ApiError {
    fn from(error: EditError) -> Self {
        let unprocessable = |code: &str, detail: String| Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail);
        match error {
            EditError::NoName => {
                unprocessable("name_missing", "Write your name beside the change: a text of 1 to 255 bytes.".to_owned())
            }
            EditError::NotHere => Self::not_found("observation"),
            EditError::NotSeen => {
                let detail = "What you changed is not what is here. Nothing was changed; load the observation again.";
                Self::new(StatusCode::CONFLICT, "not_seen", detail)
            }
            EditError::SaysNothing => {
                unprocessable("nothing_to_change", "Nothing would be different, so nothing was written.".to_owned())
            }
            EditError::BadPreset(wrong) => unprocessable("bad_preset", wrong),
            EditError::Refused(refusal) => unprocessable(refusal.code(), refusal.sentence().to_owned()),
            EditError::Store(error) => error.into(),
        }
    }
}
