//! Exports: of what, where to, how far, which are on drives.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::body::{Json, Named};
use super::super::question::{CHOOSING, Question};
use super::super::{ApiError, empty};
use crate::export;
use crate::export::also::Also;
use crate::export::by_itself::{self, MarkError};
use crate::export::drives::{self, Place};
use crate::export::eject::{self, EjectError};
use crate::export::jobs::{self, ExportJob};
use crate::export::ledger;
use crate::export::part::{Asked, Part};
use crate::export::scope::What;
use crate::export::sealed::Keys;
use crate::export::standing::{self, NewHere};
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

/// What, and where to.
#[derive(Deserialize)]
pub(in super::super) struct Wish {
    to: PathBuf,
    /// Only these observations: the names of a list's query string and what they are. Nothing asked is everything.
    #[serde(default)]
    filter: BTreeMap<String, Value>,
    /// Only what the drive does not have yet.
    #[serde(default)]
    only_new: bool,
    /// Keys (`age1…`) of those who alone shall be able to open it; nobody named is everybody.
    #[serde(default)]
    seal_for: Vec<String>,
    /// Further files: `kmz`, `gpx`, `shapefile`.
    #[serde(default)]
    also: Vec<String>,
}

/// `POST /admin/exports`
pub(in super::super) async fn start(State(hub): State<Hub>, Json(wish): Json<Wish>) -> Result<Response, ApiError> {
    if !wish.to.is_absolute() {
        return Err(ApiError::bad_request("Name the whole path of the folder, beginning with a slash."));
    }
    let also = wish.also.iter().map(|name| name.parse()).collect::<Result<BTreeSet<Also>, _>>();
    let also = also.map_err(|unknown| ApiError::bad_request(format!("`also`: {unknown}.")))?;
    let what = match (part(&hub, wish.filter).await?, wish.only_new) {
        (Some(_), true) => return Err(ApiError::bad_request("Ask for what is new or for a part, not for both.")),
        (Some(part), false) => What::Part(part),
        (None, true) => What::New,
        (None, false) => What::Everything,
    };
    let keys = Keys::parse(&wish.seal_for).map_err(|error| {
        let detail = format!("{error}. Ask the office for its key, and put it in as it is.");
        ApiError::new(StatusCode::BAD_REQUEST, "seal_key_invalid", detail)
    })?;
    let Some(job) = jobs::start(&hub, export::Wish { to: wish.to, what, also, keys }) else {
        let detail = "An export is running already. Wait until it has ended, or cancel it.";
        return Err(ApiError::new(StatusCode::CONFLICT, "export_running", detail));
    };
    Ok((StatusCode::ACCEPTED, Json(job)).into_response())
}

/// What a filter lets through; `None` for everything. A list passes over a name that it does not know; here that would export more
/// than was meant, and name it wrongly for ever.
async fn part(hub: &Hub, filter: BTreeMap<String, Value>) -> Result<Option<Part>, ApiError> {
    let wrong = || ApiError::bad_request(format!("`filter` knows {}, each with a text.", CHOOSING.join(", ")));
    let text = |(name, value): (String, Value)| match value {
        Value::String(text) if CHOOSING.contains(&name.as_str()) => Ok((name, text)),
        _ => Err(wrong()),
    };
    let asked = filter.into_iter().map(text).collect::<Result<Asked, _>>()?;
    if asked.is_empty() {
        return Ok(None);
    }
    let question: Question = serde_json::from_value(Value::from_iter(asked.clone())).map_err(|_| wrong())?;
    let wanted = question.wanted(None)?;
    let filter = hub.store.read(move |view| wanted.filter(view)).await?;
    if filter.is_everything() {
        return Ok(None);
    }
    let person = filter.person.and_then(|id| hub.devices.name(&id));
    Ok(Some(Part { filter, asked, person }))
}

/// `DELETE /admin/exports/{id}`
pub(in super::super) async fn cancel(State(hub): State<Hub>, Named(id): Named<String>) -> Result<StatusCode, ApiError> {
    if hub.exports.cancel(&id) { Ok(empty()) } else { Err(ApiError::not_found("running export")) }
}

/// The answer of `GET /admin/places`.
#[derive(Serialize)]
pub(in super::super) struct Places {
    places: Vec<PlaceToCopy>,
    /// About how many bytes a copy of everything takes.
    needed_bytes: u64,
}

/// A place, and what it lacks.
#[derive(Serialize)]
pub(in super::super) struct PlaceToCopy {
    #[serde(flatten)]
    place: Place,
    /// What is new for it; `None` where no copy of this hub is there.
    new: Option<NewHere>,
    /// Whether it gets what is new by itself when it is plugged in.
    by_itself: bool,
    /// Whether the system can be asked to let it go.
    can_eject: bool,
}

/// `GET /admin/places`
pub(in super::super) async fn places(State(hub): State<Hub>) -> Result<Json<Places>, ApiError> {
    let needed_bytes = hub.store.read(export::estimate).await?;
    // A drive that is failing may take its time to say how full it is.
    let settings = hub.settings();
    let found = tokio::task::spawn_blocking(move || {
        let about = |place: Place| {
            let path = Path::new(&place.path);
            (by_itself::is_marked(&settings, path), place.removable && eject::is_offered(path), place)
        };
        drives::places(drives::Use::Write).into_iter().map(about).collect::<Vec<_>>()
    });
    let found = found.await;
    let found = found.map_err(|error| StoreError::Bug(format!("looking for drives ended early: {error}")))?;
    let mut places = Vec::with_capacity(found.len());
    for (by_itself, can_eject, place) in found {
        let new = if place.removable { standing::new_here(&hub, Path::new(&place.path)).await? } else { None };
        places.push(PlaceToCopy { place, new, by_itself, can_eject });
    }
    Ok(Json(Places { places, needed_bytes }))
}

/// Which drive, and whether it is to be marked.
#[derive(Deserialize)]
pub(in super::super) struct Mark {
    path: PathBuf,
    by_itself: bool,
}

/// `PATCH /admin/places`: whether a drive gets what is new by itself when it is plugged in.
pub(in super::super) async fn mark(State(hub): State<Hub>, Json(mark): Json<Mark>) -> Result<StatusCode, ApiError> {
    if !mark.path.is_absolute() {
        return Err(ApiError::bad_request("Name the whole path of the drive, beginning with a slash."));
    }
    match by_itself::mark(&hub, mark.path, mark.by_itself).await {
        Ok(()) => Ok(empty()),
        Err(MarkError::Store(error)) => Err(error.into()),
        Err(error @ MarkError::Drive(_)) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "a drive could not be marked");
            let detail = "The drive could not be marked. It may be full, locked or gone.";
            Err(ApiError::new(StatusCode::CONFLICT, "drive_not_marked", detail))
        }
    }
}

/// Which drive.
#[derive(Deserialize)]
pub(in super::super) struct Drive {
    path: PathBuf,
}

/// `POST /admin/places/eject`: asks the system to let a drive go.
pub(in super::super) async fn eject(State(hub): State<Hub>, Json(drive): Json<Drive>) -> Result<StatusCode, ApiError> {
    let refused = |code, detail: String| Err(ApiError::new(StatusCode::CONFLICT, code, detail));
    match eject::eject(&hub, drive.path).await {
        Ok(()) => Ok(empty()),
        Err(EjectError::NoDrive(_)) => Err(ApiError::not_found("drive")),
        Err(EjectError::Busy) => refused("export_running", "An export is running. Wait until it has ended, or cancel it.".into()),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "a drive was not given back");
            refused("drive_not_ejected", format!("The drive is still in use: {error}. Close what is open on it, and try again."))
        }
    }
}
