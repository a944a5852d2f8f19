//! The one place where errors become responses.
//!
//! Handlers return [`ApiError`]. It promises: the caller gets a sentence that says what to do, never the inside of the
//! program; the cause goes to the log once, with the whole chain.

use std::any::Any;
use std::error::Error;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use maloca_protocol::problem::{self, Problem};

use crate::media::uploads::UploadError;
use crate::query::PageError;
use crate::store::StoreError;

/// A problem for the caller, and the cause for the log.
#[derive(Debug)]
pub struct ApiError {
    problem: Box<Problem>,
    cause: Option<Box<dyn Error + Send + Sync>>,
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

impl ApiError {
    /// A problem of the caller's own making, or one that it can wait out.
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        let retry = matches!(status.as_u16(), 408 | 423 | 429 | 503 | 507);
        Self { problem: Box::new(Problem::new(status.as_u16(), code, retry, detail)), cause: None, header: None }
    }

    /// The problem, for those who note it.
    #[must_use]
    pub const fn problem(&self) -> &Problem {
        &self.problem
    }

    pub(super) fn because(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Box::new(cause));
        self
    }

    /// A header beside the problem; left out where the value cannot be one.
    pub(super) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.header = HeaderValue::from_str(value).ok().map(|value| Box::new((HeaderName::from_static(name), value)));
        self
    }

    /// Something that this program did wrong.
    pub fn bug(cause: impl Error + Send + Sync + 'static) -> Self {
        let detail = "The hub made a mistake inside. What was acknowledged is safe; try again, and tell those who look after it.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).because(cause)
    }

    /// The disk has no room for what was sent; `lacks` bytes must be freed first, where that is known.
    #[must_use]
    pub fn full(lacks: u64) -> Self {
        let free = match lacks.div_ceil(1_000_000) {
            0 => "some space".to_owned(),
            megabytes => format!("at least {megabytes} MB"),
        };
        let detail = format!("The hub's disk is full. Keep your records; the manager must free {free} or use a larger disk.");
        Self::new(StatusCode::INSUFFICIENT_STORAGE, "disk_full", detail)
    }

    /// There is no such thing here.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("There is no {what} here by this name."))
    }

    /// There is no such unfinished upload of this device.
    #[must_use]
    pub fn upload_gone() -> Self {
        let detail = "There is no unfinished upload of yours by this name: it has ended, its time is over, or the hub's disk lost \
                      it. Begin again.";
        Self::new(StatusCode::NOT_FOUND, "upload_gone", detail)
    }

    /// The request is malformed.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        if error.is_full() {
            return Self::full(0).because(error);
        }
        match &error {
            StoreError::Reopening | StoreError::Closed => {
                let detail = "The hub is busy with its disk. Keep your records and try again in a moment.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "store_busy", detail)
            }
            StoreError::Damaged(_) => {
                let detail = "Something on the hub's disk is damaged, and is not shown. The manager should run `maloca verify`.";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "damaged", detail)
            }
            _ => {
                let detail = "The hub's disk failed. Keep your records and try again later; the manager should look at the hub.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "disk_failed", detail)
            }
        }
        .because(error)
    }
}

impl From<PageError> for ApiError {
    fn from(error: PageError) -> Self {
        match error {
            PageError::Store(error) => error.into(),
            PageError::BadAfter => {
                Self::bad_request("The member `after` was not given by this hub; begin again at the first page.")
            }
        }
    }
}

impl From<UploadError> for ApiError {
    fn from(error: UploadError) -> Self {
        let detail = error.to_string();
        match error {
            UploadError::WrongHash { .. } => {
                let detail =
                    format!("The photo's bytes are not those that were declared: {detail}. It was not kept; send it again.");
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "wrong_hash", detail)
            }
            UploadError::TooLong => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "upload_too_long", "More bytes came than the upload's length allows.")
            }
            UploadError::WrongOffset { .. } => Self::new(
                StatusCode::CONFLICT,
                "wrong_offset",
                format!("{detail}. Ask for the offset with HEAD and go on from there."),
            ),
            UploadError::Gone => Self::upload_gone(),
            UploadError::TakenOver => Self::new(StatusCode::CONFLICT, "taken_over", format!("{detail}.")),
            UploadError::BrokenOff { .. } => Self::new(StatusCode::BAD_REQUEST, "broken_off", format!("{detail}.")),
            UploadError::Disk(source) if crate::store::is_full(&source) => Self::full(0).because(source),
            UploadError::Disk(source) => {
                let detail = "The hub could not write to its disk. Keep the photo and try again later.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "disk_failed", detail).because(source)
            }
            UploadError::Store(error) => error.into(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> axum::response::Response {
        if let Some(cause) = &self.cause {
            tracing::error!(error = &**cause as &dyn Error, code = self.problem.code, "a request failed");
        }
        let mut response = respond(&self.problem);
        if let Some((name, value)) = self.header.map(|header| *header) {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

fn respond(problem: &Problem) -> Response<Body> {
    let body = serde_json::to_vec(problem).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(problem::MEDIA_TYPE));
    if problem.retry {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}

/// For paths that are no route.
pub(super) async fn no_such_route() -> ApiError {
    ApiError::not_found("route")
}

/// For methods that a route does not have: nothing was changed.
pub(super) async fn method_not_allowed() -> ApiError {
    let detail = "This cannot be done here; nothing was changed. Records are changed by sending a new revision.";
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

/// For a handler that panicked: its own request fails, and nobody else's.
pub(super) fn panicked(panic: Box<dyn Any + Send>) -> Response<Body> {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    ApiError::bug(std::io::Error::other(text)).into_response()
}
