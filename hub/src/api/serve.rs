//! Sockets, TLS and the accept loop.
//!
//! `cli/serve` and tests call [`bind`], then [`run`]. It promises: the sockets are bound before anything is said to be ready;
//! a connection that dawdles over its handshake or headers is dropped, and so is one whose body or whose reading of the answer
//! stands still; connections are bounded, and a crowd of idle ones keeps no healthy device out; at shutdown no new ones are
//! taken, and those that are busy get time to finish.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::access::Peer;
use crate::hub::{Hub, Ports};

mod patient; // what stands still ends
mod seats; // who makes room when all seats are taken

pub(super) use patient::Stalled;
use patient::{Keeping, PatientBody, PatientStream};
use seats::{Given, Seat, Seats};

/// What connections may take of the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Connections at once; a village has fewer phones, and an old laptop has 1,024 descriptors. Default: 600.
    pub connections: usize,
    /// How long a handshake or a request's headers may take, and how long a body or the reading of an answer may stand still, on
    /// the slowest Wi-Fi. Default: 20 s.
    pub patience: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { connections: 600, patience: Duration::from_secs(20) }
    }
}

/// How long a connection may take to make room; it takes microseconds.
const RISING: Duration = Duration::from_secs(1);

/// How long busy connections get to finish at shutdown.
const FAREWELL: Duration = Duration::from_secs(5);

/// The two listening sockets.
pub struct Listeners {
    http: TcpListener,
    https: TcpListener,
}

/// Why a port cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program has it.
    #[error("port {port} is taken, perhaps by another hub; end it, or choose another port with --listen {}:PORT", .address.ip())]
    Taken {
        /// The address that was asked for.
        address: SocketAddr,
        /// The port.
        port: u16,
    },
    /// The system refuses.
    #[error("cannot listen on {address}; choose an address of this machine with --listen")]
    Refused {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Binds HTTP at `address` and HTTPS at the next port, or at any where `address` says port 0.
///
/// # Errors
/// See [`BindError`].
pub async fn bind(address: SocketAddr) -> Result<Listeners, BindError> {
    let http = listen(address).await?;
    let port = if address.port() == 0 { 0 } else { address.port().saturating_add(1) };
    let https = listen(SocketAddr::new(address.ip(), port)).await?;
    Ok(Listeners { http, https })
}

async fn listen(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::Taken { address, port: address.port() },
        _ => BindError::Refused { address, source },
    })
}

impl Listeners {
    /// The ports that were given.
    ///
    /// # Errors
    /// Where the system does not tell.
    pub fn ports(&self) -> io::Result<Ports> {
        let http = self.http.local_addr()?;
        Ok(Ports { address: http.ip(), http: http.port(), https: self.https.local_addr()?.port() })
    }

    /// The address of HTTP.
    ///
    /// # Errors
    /// Where the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.http.local_addr()
    }
}

/// Serves until the hub's shutdown, then waits for busy connections, but not for ever.
pub async fn run(hub: Hub, listeners: Listeners, bounds: Bounds) {
    let server = Server {
        router: super::router(&hub),
        tls: TlsAcceptor::from(Arc::clone(&hub.tls.config)),
        seats: Seats::new(bounds.connections),
        patience: bounds.patience,
        tracker: TaskTracker::new(),
        hub,
    };
    tokio::join!(server.accept(&listeners.http, false), server.accept(&listeners.https, true));
    server.tracker.close();
    if timeout(FAREWELL, server.tracker.wait()).await.is_err() {
        tracing::warn!("some connections did not end in time and were cut");
    }
}

struct Server {
    hub: Hub,
    router: Router,
    tls: TlsAcceptor,
    seats: Arc<Seats>,
    patience: Duration,
    tracker: TaskTracker,
}

impl Server {
    async fn accept(&self, listener: &TcpListener, is_tls: bool) {
        loop {
            let accepted = tokio::select! {
                () = self.hub.shutdown.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, address)) => self.take(stream, Peer { address, is_tls }).await,
                Err(error) => {
                    // Out of descriptors, mostly: wait for some to be given back rather than spin.
                    tracing::warn!(%error, "could not take a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn take(&self, stream: TcpStream, peer: Peer) {
        let Some(Given { seat, freed }) = self.seats.take(peer.address.ip()) else {
            tracing::warn!(%peer.address, "too many connections; this one was dropped");
            return;
        };
        // The next is not taken before this one's seat is really free, so that descriptors are bounded as seats are.
        if let Some(freed) = freed
            && timeout(RISING, freed.cancelled()).await.is_err()
        {
            tracing::warn!("a connection that must make room does not go");
        }
        // Small answers must not wait for more to be said.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
        if let (true, Ok(here)) = (peer.is_tls, stream.local_addr()) {
            self.hub.tls.cover(here.ip().to_canonical(), self.hub.clock.now() / 1000);
        }
        let (router, hub, tls, patience) = (self.router.clone(), self.hub.clone(), self.tls.clone(), self.patience);
        let (seat, stream) = (Arc::new(seat), PatientStream::new(stream, patience));
        self.tracker.spawn(async move {
            let sitting = Arc::clone(&seat);
            let work = async move {
                if !peer.is_tls {
                    serve(stream, peer, router, &hub, &sitting, patience).await;
                    return;
                }
                match timeout(patience, tls.accept(stream)).await {
                    Ok(Ok(stream)) => serve(stream, peer, router, &hub, &sitting, patience).await,
                    Ok(Err(error)) => tracing::debug!(%error, %peer.address, "a TLS handshake failed"),
                    Err(_) => tracing::debug!(%peer.address, "a TLS handshake took too long"),
                }
            };
            tokio::select! {
                () = work => {}
                () = seat.must_leave() => {}
            }
        });
    }
}

async fn serve<S>(stream: S, peer: Peer, router: Router, hub: &Hub, seat: &Arc<Seat>, patience: Duration)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let seat = Arc::clone(seat);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (router, work) = (router.clone(), seat.work());
        async move {
            let mut request = request.map(|body| Body::new(PatientBody::new(body, patience)));
            request.extensions_mut().insert(peer);
            let response = router.oneshot(request).await.unwrap_or_else(|never| match never {});
            Ok::<_, Infallible>(response.map(|body| Keeping::new(body, work)))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(512 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = hub.shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer.address, "a connection ended early");
    }
}
