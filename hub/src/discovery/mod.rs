//! Answers devices that announce themselves, so that nobody has to type an address.
//!
//! `serve` calls [`bind`], which fails loudly if another hub has the port, and then spawns [`run`]. It promises to answer the
//! subnets of the chosen interfaces and nobody else, never with more bytes than it was asked with, within the rates of
//! [`peers`]; to follow interfaces that go and come; and to start again after any failure, until shutdown.

pub mod mdns; // maloca.local, for browsers and Chromebooks
pub mod peers; // who is answered
mod socket; // alone knows sockets

use std::collections::HashSet;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use maloca_protocol::announce::{self, Answer};
use maloca_protocol::client::interfaces::{self, Choice, Interface, LIST_EVERY};
use maloca_protocol::limits::PORT;
use maloca_protocol::{DeviceKey, ProjectId};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::peers::{Heard, IN_TOTAL, Limits, PER_SOURCE, Verdict};
use self::socket::Socket;
use crate::service::{Followed, Peers};

/// Room for a question and what later devices may add to it; the rest of a longer datagram is not looked at.
const READ_BYTES: usize = 2048;

/// The pause before a failed task starts again; doubled each time up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Where to answer, and what.
#[derive(Debug, Clone)]
pub struct DiscoveryOptions {
    /// On which networks. Default: all real ones.
    pub interfaces: Choice,
    /// The UDP port; 0 lets the system choose, see [`Bound::port`]. Default: [`PORT`].
    pub port: u16,
    /// Where this hub really listens for http. Default: [`PORT`].
    pub http_port: u16,
    /// Where it listens for https, if it does. Default: the port after [`PORT`].
    pub https_port: Option<u16>,
    /// Whether to announce by mDNS too; never done where only loopback is chosen. Default: yes.
    pub mdns: bool,
}

impl Default for DiscoveryOptions {
    fn default() -> Self {
        Self { interfaces: Choice::Real, port: PORT, http_port: PORT, https_port: Some(PORT + 1), mdns: true }
    }
}

/// What the hub says of itself.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Signs the answers.
    pub key: Arc<DeviceKey>,
    /// Whose data this hub keeps.
    pub project: ProjectId,
    /// What its people call it; may change while it runs. What does not fit into an answer is cut off.
    pub name: watch::Receiver<String>,
    /// Whether to be silent, and when to look again.
    pub service: Followed,
}

/// Why discovery cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody has the port.
    #[error(
        "UDP port {port} is taken, most likely by another hub on this computer: stop that one, or start this one on another port with --listen"
    )]
    PortTaken {
        /// The port.
        port: u16,
    },
    /// The system does not give the port for another reason.
    #[error("cannot listen on UDP port {port}: choose another one with --listen, or start without discovery")]
    Refused {
        /// The port.
        port: u16,
        /// What the system says.
        source: io::Error,
    },
}

/// A responder that hears already, but does not answer before [`run`].
#[derive(Debug)]
pub struct Bound {
    options: DiscoveryOptions,
    ears: Ears,
    peers: Peers,
}

impl Bound {
    /// The UDP port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.ears.socket.port()
    }

    /// Who was answered lately; the handle stays good while [`run`] goes on.
    #[must_use]
    pub fn peers(&self) -> Peers {
        self.peers.clone()
    }

    /// The addresses on which devices can find this hub now, for the ready line and the page.
    #[must_use]
    pub fn networks(&self) -> &[Interface] {
        &self.ears.networks
    }
}

/// Takes the port and joins the group. Must be called within a tokio runtime.
///
/// # Errors
/// [`BindError`], whose sentence says what to do.
pub fn bind(options: DiscoveryOptions) -> Result<Bound, BindError> {
    let port = options.port;
    let mut ears = Ears::open(port).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::PortTaken { port },
        _ => BindError::Refused { port, source },
    })?;
    // A network that cannot be listed or joined yet is tried again by `run`.
    ears.follow(&options.interfaces);
    Ok(Bound { options, ears, peers: Peers::default() })
}

/// Answers until `shutdown`. Never fails: a task that does is reported once and starts again after a growing pause.
pub async fn run(bound: Bound, identity: Identity, shutdown: CancellationToken) {
    let Bound { options, ears, peers } = bound;
    let port = ears.socket.port();
    let speak = options.mdns && !options.interfaces.is_loopback_only();
    let (options, identity) = (Arc::new(options), Arc::new(identity));

    let mut first = Some(ears);
    let answering = keep_going("discovery", &shutdown, || {
        let (ears, options, identity, peers) = (first.take(), Arc::clone(&options), Arc::clone(&identity), peers.clone());
        let shutdown = shutdown.clone();
        async move {
            let mut ears = ears.map_or_else(|| Ears::open(port), Ok)?;
            let answering = respond(&mut ears, &options, &identity, &peers);
            shutdown.run_until_cancelled(answering).await.unwrap_or(Ok(()))
        }
    });
    let naming = keep_going("mdns", &shutdown, || {
        let (options, identity, shutdown) = (Arc::clone(&options), Arc::clone(&identity), shutdown.clone());
        async move {
            if !speak {
                return Ok(());
            }
            mdns::announce(&options.interfaces, options.http_port, &identity, &shutdown).await
        }
    });
    tokio::join!(answering, naming);
}

/// The task around a task body: says once why it failed, waits, starts it again.
async fn keep_going<E, Body>(what: &'static str, shutdown: &CancellationToken, mut body: impl FnMut() -> Body)
where
    E: std::error::Error,
    Body: Future<Output = Result<(), E>>,
{
    let mut pause = FIRST_PAUSE;
    loop {
        let began = Instant::now();
        let Err(error) = body().await else { return };
        if began.elapsed() > LONGEST_PAUSE {
            pause = FIRST_PAUSE;
        }
        tracing::warn!(task = what, %error, seconds = pause.as_secs(), "failed; it starts again after a pause");
        if shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// The socket, and the networks on which it hears.
#[derive(Debug)]
struct Ears {
    socket: Socket,
    networks: Vec<Interface>,
    joined: HashSet<u32>,
}

impl Ears {
    fn open(port: u16) -> io::Result<Self> {
        Ok(Self { socket: Socket::bind(port)?, networks: Vec::new(), joined: HashSet::new() })
    }

    /// Looks at all networks as if for the first time: a membership that the kernel has lost without a word is made again.
    fn listen_anew(&mut self, choice: &Choice) {
        for index in self.joined.drain() {
            let _ = self.socket.leave(index);
        }
        self.follow(choice);
    }

    /// Joins the group where networks have come and leaves it where they have gone. An interface that was recreated under
    /// its old name has a new number, and the old membership is dead.
    fn follow(&mut self, choice: &Choice) {
        match interfaces::list(choice) {
            Ok(networks) => self.networks = networks,
            Err(error) => {
                tracing::warn!(%error, "cannot list the network interfaces; trying again");
                return;
            }
        }
        let now: HashSet<u32> = self.networks.iter().map(|network| network.index).collect();
        for gone in self.joined.extract_if(|index| !now.contains(index)) {
            // It fails where the kernel has dropped the membership with the interface, which is as good.
            let _ = self.socket.leave(gone);
            tracing::debug!(interface = gone, "network gone");
        }
        for network in &self.networks {
            if self.joined.contains(&network.index) {
                continue;
            }
            match self.socket.join(network.index) {
                Ok(()) => {
                    self.joined.insert(network.index);
                    tracing::debug!(interface = network.name, address = %network.address, "listening for devices");
                }
                // Broadcast is still heard, and the next listing tries again.
                Err(error) => tracing::debug!(interface = network.name, %error, "cannot join the group yet"),
            }
        }
    }
}

/// Hears and answers; returns only when the socket fails.
async fn respond(ears: &mut Ears, options: &DiscoveryOptions, identity: &Identity, peers: &Peers) -> io::Result<()> {
    let mut limits = Limits::new(PER_SOURCE, IN_TOTAL, Instant::now());
    let mut datagram = [0; READ_BYTES];
    let mut tick = tokio::time::interval(LIST_EVERY);
    let mut service = identity.service.clone();
    loop {
        let envelope = tokio::select! {
            _ = tick.tick() => {
                ears.follow(&options.interfaces);
                continue;
            }
            Ok(()) = service.searches.changed() => {
                ears.listen_anew(&options.interfaces);
                limits = Limits::new(PER_SOURCE, IN_TOTAL, Instant::now());
                continue;
            }
            envelope = ears.socket.receive(&mut datagram) => envelope?,
        };
        if *service.paused.borrow() {
            // Who hears nothing asks again; an answer would only lead to a refusal.
            continue;
        }
        let socket::Envelope { len, source, interface, local } = envelope;
        let heard = Heard { datagram: &datagram[..len], source, interface, local };
        match peers::decide(&heard, &ears.networks, &mut limits, Instant::now()) {
            Verdict::Answer { nonce, from, on } => {
                let sent = answer(identity, options, from)
                    .encode(nonce, &identity.key, len)
                    .map_err(io::Error::other)
                    .and_then(|answer| ears.socket.send(&answer, source, from, interface));
                match sent {
                    Ok(()) => peers.note(*source.ip(), &on.name, SystemTime::now()),
                    Err(error) => tracing::debug!(%source, %error, "could not answer"),
                }
            }
            Verdict::Silence(why) => tracing::trace!(%source, ?why, "not answered"),
        }
    }
}

/// What an asker who reaches us at `address` is told.
fn answer(identity: &Identity, options: &DiscoveryOptions, address: Ipv4Addr) -> Answer {
    let https = options.https_port.map(|port| format!("https://{address}:{port}"));
    Answer {
        hub: identity.key.id(),
        project: identity.project,
        name: announce::fitting_name(&identity.name.borrow()),
        urls: https.into_iter().chain([format!("http://{address}:{}", options.http_port)]).collect(),
    }
}
