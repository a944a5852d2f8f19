//! Files that phones saved.

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use futures_util::TryStreamExt as _;
use tokio_util::io::StreamReader;

use super::super::ApiError;
use super::super::body::Json;
use crate::hub::Hub;
use crate::import::{self, ImportError, Imported};

/// `POST /admin/imports`: the body is the file, taken in as it comes.
pub(in super::super) async fn phone_file(State(hub): State<Hub>, body: Body) -> Result<Json<Imported>, ApiError> {
    let file = StreamReader::new(body.into_data_stream().map_err(std::io::Error::other));
    let imported = Box::pin(import::phone_file(&hub, file)).await?;
    tracing::info!(stored = imported.stored, media = imported.media, whole = imported.whole, "a phone's file was read");
    Ok(Json(imported))
}

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::NotOne => {
                let detail = "This is not a file that the phone app saved. Choose one whose name ends in .tar.";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "not_a_phone_file", detail)
            }
            ImportError::Full(lacks) => Self::full(lacks),
            ImportError::Store(error) => error.into(),
            ImportError::Media(error) => error.into(),
        }
    }
}
