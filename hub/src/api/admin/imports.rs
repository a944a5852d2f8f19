//! Imports: files that phones saved, and copies on drives.

use std::path::PathBuf;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use tokio_util::io::StreamReader;

use super::super::body::{Json, Named};
use super::super::{ApiError, empty};
use crate::hub::Hub;
use crate::import::found::{self, Found, Other};
use crate::import::jobs::{self, ImportJob};
use crate::import::strangers::Preview;
use crate::import::{self, ImportError, Imported};
use crate::store::StoreError;
use crate::trouble::sentence;

/// `POST /admin/imports`: the body is the file, taken in as it comes.
pub(in super::super) async fn phone_file(State(hub): State<Hub>, body: Body) -> Result<Json<Imported>, ApiError> {
    let file = StreamReader::new(body.into_data_stream().map_err(std::io::Error::other));
    let imported = Box::pin(import::phone_file::take(&hub, file)).await?;
    tracing::info!(stored = imported.stored, media = imported.media, whole = imported.whole, "a phone's file was read");
    Ok(Json(imported))
}

/// The answer of `GET /admin/imports/bundles`.
#[derive(Serialize)]
pub(in super::super) struct Running {
    /// The import that runs, or the last one.
    job: Option<ImportJob>,
}

/// `GET /admin/imports/bundles`
pub(in super::super) async fn running(State(hub): State<Hub>) -> Json<Running> {
    Json(Running { job: hub.imports.last() })
}

/// The answer of `GET /admin/imports/found`.
#[derive(Serialize)]
pub(in super::super) struct Copies {
    /// Copies that lie on the drives and in the home folder, the newest first.
    found: Vec<Found>,
    /// Files of other programs that lie there.
    others: Vec<Other>,
}

/// `GET /admin/imports/found`: reads a small file of each copy, from drives that may be slow.
pub(in super::super) async fn found(State(hub): State<Hub>) -> Result<Json<Copies>, ApiError> {
    let project = hub.project;
    let found = tokio::task::spawn_blocking(move || (found::on_drives(project), found::others())).await;
    let (found, others) = found.map_err(|error| StoreError::Bug(format!("looking for copies ended early: {error}")))?;
    Ok(Json(Copies { found, others }))
}

/// Which copy.
#[derive(Deserialize)]
pub(in super::super) struct Wish {
    from: PathBuf,
}

/// `POST /admin/imports/bundles`
pub(in super::super) async fn start(State(hub): State<Hub>, Json(wish): Json<Wish>) -> Result<Response, ApiError> {
    if !wish.from.is_absolute() {
        return Err(ApiError::bad_request("Name the whole path of the folder, beginning with a slash."));
    }
    let Some(job) = jobs::start(&hub, wish.from) else {
        let detail = "An import is running already. Wait until it has ended, or stop it.";
        return Err(ApiError::new(StatusCode::CONFLICT, "import_running", detail));
    };
    Ok((StatusCode::ACCEPTED, Json(job)).into_response())
}

/// `POST /admin/imports/look`: what a file of another program holds, before anything of it is taken.
pub(in super::super) async fn look(State(hub): State<Hub>, Json(wish): Json<Wish>) -> Result<Json<Preview>, ApiError> {
    if !wish.from.is_absolute() {
        return Err(ApiError::bad_request("Name the whole path of the file, beginning with a slash."));
    }
    Ok(Json(import::strangers::look(&hub, &wish.from).await?))
}

/// `DELETE /admin/imports/bundles/{id}`
pub(in super::super) async fn cancel(State(hub): State<Hub>, Named(id): Named<String>) -> Result<StatusCode, ApiError> {
    if hub.imports.cancel(&id) { Ok(empty()) } else { Err(ApiError::not_found("running import")) }
}

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::NotPhoneFile => {
                let detail = "This is not a file that the phone app saved. Choose one whose name ends in .tar.";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "not_a_phone_file", detail)
            }
            other @ (ImportError::NotABundle(_) | ImportError::Unreadable(_) | ImportError::Stranger { .. }) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, other.code(), sentence(&other))
            }
            other @ ImportError::Cancelled => Self::new(StatusCode::CONFLICT, other.code(), sentence(&other)),
            ImportError::Full(lacks) => Self::full(lacks),
            ImportError::Store(error) => error.into(),
            ImportError::Media(error) => error.into(),
        }
    }
}
