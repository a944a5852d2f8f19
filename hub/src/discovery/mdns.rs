//! The hub's name for browsers and Chromebooks: `_maloca._tcp` and `maloca.local` by multicast DNS.
//!
//! [`super::run`] starts it. It promises to speak on the chosen interfaces only, to tell each network the address on
//! that network, and to say goodbye at shutdown. Nothing depends on it: it may fail, and is then tried again.

use std::time::Duration;

use maloca_protocol::client::interfaces::{Choice, LIST_EVERY};
use mdns_sd::{DaemonEvent, IfKind, IfPredicate, Receiver, ServiceDaemon, ServiceInfo};
use tokio_util::sync::CancellationToken;

use super::Identity;

/// The service by which hubs are browsed for.
pub const SERVICE: &str = "_maloca._tcp.local.";

/// The host name that a person can type.
pub const HOST: &str = "maloca.local.";

/// The longest name of a service, in bytes: a DNS label.
const LABEL_BYTES: usize = 63;

/// How long goodbyes may take at shutdown.
const GOODBYE: Duration = Duration::from_secs(1);

/// Announces `http_port` until shutdown, anew whenever the hub's name changes or the manager wants it.
///
/// # Errors
/// When the daemon cannot start or reports that it cannot work.
pub(super) async fn announce(
    choice: &Choice,
    http_port: u16,
    identity: &Identity,
    shutdown: &CancellationToken,
) -> Result<(), mdns_sd::Error> {
    let daemon = Daemon::start(choice)?;
    let mut names = identity.name.clone();
    let mut searches = identity.service.searches.clone();
    let mut look = tokio::time::interval(LIST_EVERY);
    loop {
        let name = names.borrow_and_update().clone();
        let service = service(choice, http_port, identity, &name)?;
        let full_name = service.get_fullname().to_owned();
        daemon.mdns.register(service)?;
        tracing::debug!(name = full_name, "announced by mDNS");
        loop {
            tokio::select! {
                () = shutdown.cancelled() => {
                    daemon.stop(&full_name).await;
                    return Ok(());
                }
                Ok(()) = names.changed() => break,
                Ok(()) = searches.changed() => break,
                _ = look.tick() => daemon.look()?,
            }
        }
        daemon.mdns.unregister(&full_name)?;
    }
}

fn service(choice: &Choice, http_port: u16, identity: &Identity, name: &str) -> Result<ServiceInfo, mdns_sd::Error> {
    let label = name[..name.floor_char_boundary(LABEL_BYTES)].trim();
    let label = if label.is_empty() { "Maloca" } else { label };
    let text = [("hub", identity.key.id().to_string()), ("project", identity.project.to_string())];
    let mut service = ServiceInfo::new(SERVICE, label, HOST, "", http_port, &text[..])?.enable_addr_auto();
    service.set_interfaces(vec![chosen(choice)]);
    Ok(service)
}

/// The choice as the crate wants it; IPv4 only, since that is what the hub listens on.
fn chosen(choice: &Choice) -> IfKind {
    let choice = choice.clone();
    IfKind::Predicate(IfPredicate::new(move |interface| {
        interface.ip().is_ipv4() && choice.takes(&interface.name, interface.is_loopback(), interface.is_p2p())
    }))
}

/// The crate's thread; it goes on until it is told to stop, so it is told when this is dropped.
struct Daemon {
    mdns: ServiceDaemon,
    events: Receiver<DaemonEvent>,
}

impl Daemon {
    fn start(choice: &Choice) -> Result<Self, mdns_sd::Error> {
        let mdns = ServiceDaemon::new()?;
        let events = mdns.monitor()?;
        let daemon = Self { mdns, events };
        daemon.mdns.disable_interface(IfKind::All)?;
        daemon.mdns.enable_interface(chosen(choice))?;
        Ok(daemon)
    }

    /// What the thread has reported since: another hub's name is a matter for the log, an error for the caller.
    fn look(&self) -> Result<(), mdns_sd::Error> {
        while let Ok(event) = self.events.try_recv() {
            match event {
                DaemonEvent::Error(error) => return Err(error),
                DaemonEvent::NameChange(change) => {
                    tracing::info!(from = change.original, to = change.new_name, "another machine here has this mDNS name");
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Says goodbye for the service, so that nobody keeps a dead address. The crate answers by blocking channels.
    async fn stop(&self, full_name: &str) {
        let Ok(gone) = self.mdns.unregister(full_name) else { return };
        let said = tokio::task::spawn_blocking(move || gone.recv_timeout(GOODBYE).is_ok()).await;
        if !said.unwrap_or(false) {
            tracing::debug!("mDNS said no goodbye in time");
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It fails only if the thread has ended already.
        drop(self.mdns.shutdown());
    }
}
