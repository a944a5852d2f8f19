//! Exports: where to, how far, which are on drives.

use std::path::PathBuf;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};

use super::super::body::{Json, Named};
use super::super::{ApiError, empty};
use crate::export::drives::{self, Place};
use crate::export::jobs::{self, ExportJob};
use crate::export::ledger;
use crate::hub::Hub;
use crate::store::StoreError;

/// The answer of `GET /admin/exports`.
#[derive(Serialize)]
pub(in super::super) struct Exports {
    jobs: Vec<ExportJob>,
    ledger: Vec<ledger::Shown>,
}

/// `GET /admin/exports`
pub(in super::super) async fn list(State(hub): State<Hub>) -> Result<Json<Exports>, ApiError> {
    let exports = hub.store.read(ledger::exports).await?;
    Ok(Json(Exports { jobs: hub.exports.list(), ledger: exports.into_iter().map(Into::into).collect() }))
}

/// Where to.
#[derive(Deserialize)]
pub(in super::super) struct Wish {
    to: PathBuf,
}

/// `POST /admin/exports`
pub(in super::super) async fn start(State(hub): State<Hub>, Json(wish): Json<Wish>) -> Result<Response, ApiError> {
    if !wish.to.is_absolute() {
        return Err(ApiError::bad_request("Name the whole path of the folder, beginning with a slash."));
    }
    let Some(job) = jobs::start(&hub, wish.to) else {
        let detail = "An export is running already. Wait until it has ended, or cancel it.";
        return Err(ApiError::new(StatusCode::CONFLICT, "export_running", detail));
    };
    Ok((StatusCode::ACCEPTED, Json(job)).into_response())
}

/// `DELETE /admin/exports/{id}`
pub(in super::super) async fn cancel(State(hub): State<Hub>, Named(id): Named<String>) -> Result<StatusCode, ApiError> {
    if hub.exports.cancel(&id) { Ok(empty()) } else { Err(ApiError::not_found("running export")) }
}

/// The answer of `GET /admin/places`.
#[derive(Serialize)]
pub(in super::super) struct Places {
    places: Vec<Place>,
}

/// `GET /admin/places`
pub(in super::super) async fn places() -> Result<Json<Places>, ApiError> {
    // A drive that is failing may take its time to say how full it is.
    let places = tokio::task::spawn_blocking(drives::places).await;
    let places = places.map_err(|error| StoreError::Bug(format!("looking for drives ended early: {error}")))?;
    Ok(Json(Places { places }))
}
