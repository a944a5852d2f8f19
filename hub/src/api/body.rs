//! Bodies, bounded and decoded: extractors whose refusals are problems like all others.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ApiError;
use super::serve::Stalled;

/// A whole body, at most [`super::BODY_BYTES`] after unpacking.
pub(super) struct Whole(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Whole {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match Bytes::from_request(request, state).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                let detail = "A request is at most 4 MiB after unpacking. Send it in smaller pieces.";
                Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_big", detail))
            }
            // Nothing is wrong with what was being sent, so the sender must not set it aside.
            Err(rejection) if Stalled::is_cause_of(&rejection) => {
                let detail = "Nothing more of the request came for a while. Stay near the hub and send it again.";
                Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "broken_off", detail))
            }
            Err(_) => Err(ApiError::bad_request("The request's body broke off or could not be unpacked. Send it again.")),
        }
    }
}

/// JSON in and out.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let Whole(bytes) = Whole::from_request(request, state).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            ApiError::new(
                StatusCode::BAD_REQUEST,
                "bad_json",
                format!("The body is not the JSON that this call expects: {error}."),
            )
        })
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => ([(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
            Err(error) => ApiError::bug(error).into_response(),
        }
    }
}

/// The query string.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(rejection) => {
                Err(ApiError::bad_request(format!("The address asks for something unknown: {}.", rejection.body_text())))
            }
        }
    }
}

/// One part of the path, as its own type.
pub(super) struct Named<T>(pub(super) T);

impl<T: std::str::FromStr, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let unknown = || ApiError::not_found("thing");
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| unknown())?;
        text.parse().map(Self).map_err(|_| unknown())
    }
}
