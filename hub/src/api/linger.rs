//! Early answers that arrive: the rest of a body that nobody wanted is read before the answer is sent.
//!
//! [`super::router`] puts [`linger`] around everything. Without it, a refusal that comes before the body was read closes the
//! connection under a sender that is still writing, and the sender sees a broken pipe instead of the reason. It promises
//! that the rest is thrown away as it comes, and that whoever sends too much or too slowly is cut off all the same.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// What is thrown away at most: a few pieces of an upload.
const BYTES: usize = 16 * 1024 * 1024;

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(4);

/// A body that is lent to a handler; what the handler leaves can be read afterwards.
#[derive(Clone)]
struct Lent(Arc<Mutex<Body>>);

impl Lent {
    /// The lock is held while the body is asked once, and never across an await.
    fn with<R>(&self, ask: impl FnOnce(&mut Body) -> R) -> R {
        ask(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.with(|body| Pin::new(body).poll_frame(context))
    }

    fn is_end_stream(&self) -> bool {
        self.with(|body| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|body| body.size_hint())
    }
}

/// Lets the request through, then reads what is left of its body.
pub(super) async fn linger(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let mut lent = Lent(Arc::new(Mutex::new(body)));
    let response = next.run(Request::from_parts(parts, Body::new(lent.clone()))).await;
    if !lent.is_end_stream() {
        // Too much, too slow or broken off: the connection ends, which is what it has come to.
        let _ = tokio::time::timeout(PATIENCE, discard(&mut lent)).await;
    }
    response
}

async fn discard(lent: &mut Lent) {
    let mut left = BYTES;
    while let Some(Ok(frame)) = std::future::poll_fn(|context| Pin::new(&mut *lent).poll_frame(context)).await {
        let Some(rest) = left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) else { return };
        left = rest;
    }
}
