//! A hub that runs within this command: what `serve` and `demo` share, from free ports to the last commit.
//!
//! They open a [`Running`], say that it is ready and let it work. It promises: nothing is written before its ports and its
//! data folder are its own; whoever was told that it is ready can end it at once; it ends only after its last commit.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use maloca_protocol::client::interfaces::Choice;
use tokio::signal::unix::{SignalKind, signal};

use super::{control, open};
use crate::api::serve::{self, Bounds, Listeners};
use crate::discovery::{self, Bound, DiscoveryOptions, Identity};
use crate::housekeeping;
use crate::hub::{Hub, Options, Ports};
use crate::store::WriterThread;
use crate::sync;

pub(super) type Failure = Box<dyn Error + Send + Sync>;

/// Where a hub listens and whom it answers.
pub(super) struct Place {
    /// HTTP and discovery on this port, HTTPS on the next; port 0 takes any.
    pub(super) listen: SocketAddr,
    /// Interfaces on which announcements are answered; none means all real ones.
    pub(super) interfaces: Vec<String>,
    /// Whether announcements are answered at all.
    pub(super) answers: bool,
    /// What connections may take.
    pub(super) bounds: Bounds,
}

/// A hub with its ports and its data folder open.
pub(super) struct Running {
    pub(super) hub: Hub,
    listeners: Listeners,
    discovery: Option<Bound>,
    writer: WriterThread,
    announced: control::Announced,
    bounds: Bounds,
}

impl Running {
    /// Takes the ports and opens the data folder. From here on Ctrl+C and SIGTERM end the hub in good order.
    pub(super) async fn open(place: &Place, options: Options) -> Result<Self, Failure> {
        let listeners = serve::bind(place.listen).await?;
        let ports = listeners.ports()?;
        let discovery = if place.answers { Some(bind_discovery(place, ports)?) } else { None };
        let (hub, writer) = Hub::open(options).await?;
        hub.set_ports(ports);
        let announced = control::announce(&hub.data, ports.http, &hub.control)?;
        // Before anybody is told that it runs, since who is told may end it at once.
        until_told_to_end(&hub)?;
        Ok(Self { hub, listeners, discovery, writer, announced, bounds: place.bounds })
    }

    /// A new one-time link to the manager's page, as a person's browser on this machine opens it.
    pub(super) fn link(&self) -> String {
        open::page(self.hub.ports().http, &self.hub.sessions.link(self.hub.clock.now()))
    }

    /// Says in one line of JSON that the hub is ready, for programs that start one.
    pub(super) fn ready_json(&self) -> Result<serde_json::Value, Failure> {
        let (hub, ports) = (&self.hub, self.hub.ports());
        let host = match self.listeners.address()?.ip() {
            any if any.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            ip => ip,
        };
        let token = hub.sessions.link(hub.clock.now());
        Ok(serde_json::json!({
            "event": "ready",
            "http": format!("http://{}", SocketAddr::new(host, ports.http)),
            "https": format!("https://{}", SocketAddr::new(host, ports.https)),
            "open": format!("http://{}/#open={token}", SocketAddr::new(host, ports.http)),
            "hub": hub.id(),
            "project": hub.project,
            "port": ports.http,
            "data": hub.data,
        }))
    }

    /// Works until it is told to end, and ends when everything that it took in is durable.
    pub(super) async fn work(self) -> Result<(), Failure> {
        let Self { hub, listeners, discovery, writer, announced, bounds } = self;
        let answering = async {
            if let Some(bound) = discovery {
                hub.service.set_asked(bound.peers());
                let (key, service) = (Arc::new(hub.key.clone()), hub.service.follow());
                let identity = Identity { key, project: hub.project, name: hub.follow_name(), service };
                discovery::run(bound, identity, hub.shutdown.clone()).await;
            }
        };
        tokio::join!(
            serve::run(hub.clone(), listeners, bounds),
            answering,
            housekeeping::run(hub.clone()),
            sync::run(hub.clone())
        );
        hub.store.close().await;
        // The thread ends when what was asked is done; its last commit is worth waiting for.
        tokio::task::spawn_blocking(move || writer.join()).await?;
        drop(announced);
        Ok(())
    }
}

/// Prints a line for the program that started this one, at once.
pub(super) fn tell(line: &serde_json::Value) -> std::io::Result<()> {
    use std::io::Write as _;
    println!("{line}");
    std::io::stdout().flush()
}

fn bind_discovery(place: &Place, ports: Ports) -> Result<Bound, discovery::BindError> {
    let loopback = place.listen.ip().is_loopback();
    let names = match place.interfaces.as_slice() {
        // Who listens on this machine alone must not call out on its networks.
        [] if loopback => vec!["lo".to_owned()],
        names => names.to_vec(),
    };
    discovery::bind(DiscoveryOptions {
        interfaces: Choice::from_names(names),
        port: ports.http,
        http_port: ports.http,
        https_port: Some(ports.https),
        mdns: !loopback,
    })
}

fn until_told_to_end(hub: &Hub) -> std::io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let shutdown = hub.shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("ending: no new connections are taken, busy ones get a moment");
        shutdown.cancel();
    });
    Ok(())
}
