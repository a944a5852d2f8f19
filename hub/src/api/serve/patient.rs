//! Patience that ends: bodies that do not come, and answers that nobody reads.
//!
//! The accept loop wraps every connection and every request's body. It promises: what moves, however slowly, goes on; what has
//! stood still for the hub's patience ends as an error, so that nobody holds a seat and memory by doing nothing.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A body stood still for longer than the hub waits.
#[derive(Debug, thiserror::Error)]
#[error("nothing more of the body came for {} s", .0.as_secs())]
pub(crate) struct Stalled(Duration);

impl Stalled {
    /// Whether this is why reading a body failed.
    pub(crate) fn is_cause_of(error: &(dyn std::error::Error + 'static)) -> bool {
        let mut next = Some(error);
        while let Some(error) = next {
            // An `io::Error` does not give what it wraps as its source, but that one's source.
            let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            if error.is::<Self>() || wrapped.is_some_and(|inner| Self::is_cause_of(inner)) {
                return true;
            }
            next = error.source();
        }
        false
    }
}

/// Time that runs only while nothing moves.
struct Standstill {
    patience: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Standstill {
    const fn new(patience: Duration) -> Self {
        Self { patience, timer: None }
    }

    fn moved(&mut self) {
        self.timer = None;
    }

    /// Ready when nothing has moved for too long.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let patience = self.patience;
        self.timer.get_or_insert_with(|| Box::pin(sleep(patience))).as_mut().poll(context)
    }
}

/// A request's body.
pub(super) struct PatientBody<B> {
    body: B,
    standstill: Standstill,
}

impl<B> PatientBody<B> {
    pub(super) const fn new(body: B, patience: Duration) -> Self {
        Self { body, standstill: Standstill::new(patience) }
    }
}

impl<B> Body for PatientBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            this.standstill.moved();
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        ready!(this.standstill.poll(context));
        Poll::Ready(Some(Err(Box::new(Stalled(this.standstill.patience)))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection whose writing ends when the other side has stopped reading. Reading has time-outs of its own above: of the
/// handshake, the headers and the body.
pub(super) struct PatientStream<S> {
    stream: S,
    standstill: Standstill,
}

impl<S> PatientStream<S> {
    pub(super) const fn new(stream: S, patience: Duration) -> Self {
        Self { stream, standstill: Standstill::new(patience) }
    }

    fn bounded<R>(&mut self, polled: Poll<io::Result<R>>, context: &mut Context<'_>) -> Poll<io::Result<R>> {
        if polled.is_ready() {
            self.standstill.moved();
            return polled;
        }
        ready!(self.standstill.poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the other side has stopped reading")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PatientStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PatientStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.bounded(polled, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.bounded(polled, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A body that keeps something until it was sent or given up.
pub(super) struct Keeping<B, K> {
    body: B,
    _kept: K,
}

impl<B, K> Keeping<B, K> {
    pub(super) const fn new(body: B, kept: K) -> Self {
        Self { body, _kept: kept }
    }
}

impl<B: Body + Unpin, K: Unpin> Body for Keeping<B, K> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn writing_ends_when_nobody_reads() {
        let (ours, mut theirs) = tokio::io::duplex(4);
        let mut stream = PatientStream::new(ours, Duration::from_millis(50));
        let mut read = [0; 20];
        let (written, came) = tokio::join!(stream.write_all(&[7; 20]), theirs.read_exact(&mut read));
        assert!(written.is_ok() && came.is_ok() && read == [7; 20]);
        let error = stream.write_all(&[7; 20]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn a_stall_is_found_below_others() {
        let deep = io::Error::other(axum::Error::new(Stalled(Duration::from_secs(20))));
        assert!(Stalled::is_cause_of(&deep));
        assert!(!Stalled::is_cause_of(&io::Error::other("something else")));
    }
}
