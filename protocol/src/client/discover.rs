//! Finds hubs near by: asks on every network this device is on, and collects the signed answers.
//!
//! `maloca send`, hubs that look for each other, and tests call [`discover`]. It promises that each [`Found`] was answered to
//! a question of this search and signed by the hub that it names; that it works without a default route, on networks
//! that come and go, and where an access point drops multicast or broadcast but not both; and that what it sends
//! tells nobody who asks. It does not promise to find anything: there is always the QR code and the typed address.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::interfaces::{self, Choice, Interface, LIST_EVERY};
use crate::announce::{Answer, Nonce, Question};
use crate::ids::{DeviceId, ProjectId};
use crate::limits::{ANNOUNCE_BURST, ANNOUNCE_EVERY, GROUP, PORT, QUESTION_BYTES};

/// How many questions may still be answered: some minutes' worth, since an answer takes milliseconds.
const OPEN_QUESTIONS: usize = 8;

/// Different answers that are handed on between two questions; a room with more hubs than this is an attack.
const ANSWERS_PER_QUESTION: usize = 256;

/// How and how long to search.
#[derive(Debug, Clone)]
pub struct DiscoverOptions {
    /// On which networks. Default: all real ones.
    pub interfaces: Choice,
    /// The hubs' UDP port. Default: [`PORT`].
    pub port: u16,
    /// How long to search. Default: until the [`Search`] is dropped.
    pub deadline: Option<Duration>,
    /// The pause between questions after the burst. Default: [`ANNOUNCE_EVERY`].
    pub every: Duration,
}

impl Default for DiscoverOptions {
    fn default() -> Self {
        Self { interfaces: Choice::Real, port: PORT, deadline: None, every: ANNOUNCE_EVERY }
    }
}

/// A hub that answered. The signature was good, so hub and URLs belong together; that the hub listens there is not yet shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Found {
    /// The hub that signed.
    pub hub: DeviceId,
    /// Whose data it keeps; another project's hub is a stranger.
    pub project: ProjectId,
    /// What its people call it.
    pub name: String,
    /// Where this device reaches it, https and http.
    pub urls: Vec<String>,
    /// From where the answer came.
    pub from: SocketAddrV4,
}

/// A search that goes on until its deadline, or until it is dropped.
#[derive(Debug)]
pub struct Search {
    found: mpsc::Receiver<Found>,
    networks: watch::Receiver<Vec<String>>,
    _task: AbortOnDropHandle<()>,
}

impl Search {
    /// The next answer; `None` after the deadline. A hub that is still there answers each question anew, and so is found anew
    /// about every [`DiscoverOptions::every`]. Safe to cancel.
    pub async fn next(&mut self) -> Option<Found> {
        self.found.recv().await
    }

    /// The names of the interfaces on which it asks just now. None at all is what to tell a person whose search found
    /// nothing: this device is on no network. Empty too in the first moments.
    #[must_use]
    pub fn networks(&self) -> Vec<String> {
        self.networks.borrow().clone()
    }
}

/// Begins to search. Must be called within a tokio runtime.
#[must_use]
pub fn discover(options: DiscoverOptions) -> Search {
    let (found_sender, found) = mpsc::channel(32);
    let (networks_sender, networks) = watch::channel(Vec::new());
    let task = tokio::spawn(async move {
        let deadline = options.deadline;
        let search = ask_everywhere(options, found_sender, networks_sender);
        match deadline {
            Some(deadline) => drop(tokio::time::timeout(deadline, search).await),
            None => search.await,
        }
    });
    Search { found, networks, _task: AbortOnDropHandle::new(task) }
}

/// Keeps one asker per address, as interfaces come and go. A new one begins with the burst: the network has changed.
async fn ask_everywhere(options: DiscoverOptions, found: mpsc::Sender<Found>, networks: watch::Sender<Vec<String>>) {
    let mut askers: HashMap<Interface, AbortHandle> = HashMap::new();
    let mut tasks = JoinSet::new();
    let mut tick = tokio::time::interval(LIST_EVERY);
    loop {
        tokio::select! {
            _ = tick.tick() => match interfaces::list(&options.interfaces) {
                Ok(now) => {
                    askers.retain(|interface, asker| {
                        let stays = now.contains(interface) && !asker.is_finished();
                        if !stays {
                            asker.abort();
                        }
                        stays
                    });
                    networks.send_replace(now.iter().map(|interface| interface.name.clone()).collect());
                    for interface in now {
                        askers.entry(interface).or_insert_with_key(|interface| {
                            tasks.spawn(ask_on(interface.clone(), options.port, options.every, found.clone()))
                        });
                    }
                }
                Err(error) => tracing::warn!(%error, "cannot list the network interfaces; trying again"),
            },
            // An asker ends when its interface fails; the next listing starts it again if the interface is still there.
            Some(ended) = tasks.join_next() => if let Ok((name, Err(error))) = ended {
                tracing::debug!(interface = name, %error, "stopped asking on this interface");
            },
        }
    }
}

async fn ask_on(interface: Interface, port: u16, every: Duration, found: mpsc::Sender<Found>) -> (String, io::Result<()>) {
    let asked = ask(&interface, port, every, found).await;
    (interface.name, asked)
}

/// Asks on one address and hands on what is answered, until the interface fails or nobody listens any more.
async fn ask(interface: &Interface, port: u16, every: Duration, found: mpsc::Sender<Found>) -> io::Result<()> {
    let socket = open(interface.address)?;
    let start = Instant::now();
    let mut due = ANNOUNCE_BURST.iter().map(|after| start + *after);
    let mut next = due.next().unwrap_or(start);
    let mut open_questions = VecDeque::with_capacity(OPEN_QUESTIONS);
    let mut told = HashSet::new();
    let mut datagram = [0; QUESTION_BYTES + 1];
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(next) => {
                next = due.next().unwrap_or_else(|| Instant::now() + every);
                let question = Question::new();
                open_questions.truncate(OPEN_QUESTIONS - 1);
                open_questions.push_front(question.nonce);
                told.clear();
                announce(&socket, interface, port, &question).await?;
            }
            received = socket.recv_from(&mut datagram) => {
                let (len, SocketAddr::V4(from)) = received? else { continue };
                let Some(hub) = read(&datagram[..len], from, &open_questions) else { continue };
                // The same question goes out by multicast and by broadcast, so most answers come twice.
                if told.len() < ANSWERS_PER_QUESTION && told.insert(hub.clone()) && found.send(hub).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
}

fn read(datagram: &[u8], from: SocketAddrV4, open_questions: &VecDeque<Nonce>) -> Option<Found> {
    // An answer is never longer than its question; what is, was cut off by the buffer anyway.
    if datagram.len() > QUESTION_BYTES {
        return None;
    }
    match Answer::parse(datagram, |nonce| open_questions.contains(nonce)) {
        Ok(Answer { hub, project, name, urls }) => Some(Found { hub, project, name, urls, from }),
        Err(refused) => {
            tracing::debug!(%from, %refused, "passed over a datagram");
            None
        }
    }
}

/// One question by both ways: some access points drop one of them. An error only if no way is left.
async fn announce(socket: &UdpSocket, interface: &Interface, port: u16, question: &Question) -> io::Result<()> {
    let datagram = question.encode();
    let by_group = socket.send_to(&datagram, (GROUP, port)).await;
    let Some(broadcast) = interface.broadcast() else { return by_group.map(drop) };
    let by_broadcast = socket.send_to(&datagram, (broadcast, port)).await;
    by_group.or(by_broadcast).map(drop)
}

/// A socket that sends from `address`, and out of the interface to which it belongs.
///
/// Bound to the address rather than to the device: it needs no rights, works without a default route, and a hub on
/// this very machine, whose answer comes by way of loopback, is heard too.
fn open(address: Ipv4Addr) -> io::Result<UdpSocket> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, Some(socket2::Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.set_broadcast(true)?;
    socket.set_multicast_if_v4(&address)?;
    socket.set_multicast_ttl_v4(1)?;
    socket.bind(&SocketAddrV4::new(address, 0).into())?;
    UdpSocket::from_std(socket.into())
}
