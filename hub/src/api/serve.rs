//! Sockets, TLS and the accept loop.
//!
//! `cli/serve` and tests call [`bind`], then [`run`]. It promises: the sockets are bound before anything is said to be ready;
//! a connection that dawdles over its handshake or headers is dropped; connections are bounded; at shutdown no new ones are
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
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::access::Peer;
use crate::hub::{Hub, Ports};

/// Connections at once; a village has fewer phones, and an old laptop has 1,024 descriptors.
const CONNECTIONS: usize = 600;

/// How long a handshake or a request's headers may take, on the slowest Wi-Fi.
const PATIENCE: Duration = Duration::from_secs(20);

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
pub async fn run(hub: Hub, listeners: Listeners) {
    let server = Server {
        router: super::router(&hub),
        tls: TlsAcceptor::from(Arc::clone(&hub.tls.config)),
        places: Arc::new(Semaphore::new(CONNECTIONS)),
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
    places: Arc<Semaphore>,
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
                Ok((stream, address)) => self.take(stream, Peer { address, is_tls }),
                Err(error) => {
                    // Out of descriptors, mostly: wait for some to be given back rather than spin.
                    tracing::warn!(%error, "could not take a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn take(&self, stream: TcpStream, peer: Peer) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            tracing::warn!(%peer.address, "too many connections; this one was dropped");
            return;
        };
        // Small answers must not wait for more to be said.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
        let (router, hub, tls) = (self.router.clone(), self.hub.clone(), self.tls.clone());
        self.tracker.spawn(async move {
            let _place = place;
            if !peer.is_tls {
                serve(stream, peer, router, &hub).await;
                return;
            }
            match timeout(PATIENCE, tls.accept(stream)).await {
                Ok(Ok(stream)) => serve(stream, peer, router, &hub).await,
                Ok(Err(error)) => tracing::debug!(%error, %peer.address, "a TLS handshake failed"),
                Err(_) => tracing::debug!(%peer.address, "a TLS handshake took too long"),
            }
        });
    }
}

async fn serve<S>(stream: S, peer: Peer, router: Router, hub: &Hub)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let router = router.clone();
        async move {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            Ok::<_, Infallible>(router.oneshot(request).await.unwrap_or_else(|never| match never {}))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
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
