//! What may be freed on this disk because drives hold it, and freeing it.

use axum::extract::State;
use axum::http::StatusCode;

use super::super::ApiError;
use super::super::body::Json;
use crate::export::jobs;
use crate::export::retention::{self, Counted};
use crate::hub::Hub;

/// `GET /admin/retention`: media that two drives hold.
pub(in super::super) async fn releasable(State(hub): State<Hub>) -> Result<Json<Counted>, ApiError> {
    Ok(Json(hub.store.read(retention::releasable).await?))
}

/// `POST /admin/retention`: frees them; the answer says what it came to.
pub(in super::super) async fn release(State(hub): State<Hub>) -> Result<Json<Counted>, ApiError> {
    // A copy that is being made reads what would go.
    let Some(_none_begins) = jobs::hold(&hub) else {
        let detail = "A copy to a drive is being made. Wait until it has ended.";
        return Err(ApiError::new(StatusCode::CONFLICT, "export_running", detail));
    };
    let freed = retention::release(&hub).await?;
    tracing::info!(media = freed.media, bytes = freed.bytes, "media that drives hold were freed");
    hub.nudge.overview();
    Ok(Json(freed))
}
