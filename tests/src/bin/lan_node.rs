//! One machine of a [`maloca_tests::lan`]: runs the hub's responder, or asks as a device, and prints a line for each event.
//!
//! Only tests start it. It ends when its input is closed, so that no test leaves one behind.
//!
//! ```text
//! lan_node hub [interface…]                  ready <port> · asked <address> <interface>
//! lan_node ask [interface…]                  found <hub> <from> <name> <url,url>
//! lan_node raw <from>,… <to> <times>         sent <n> · got <from> <to> <bytes>
//! lan_node browse                            seen <full name> <address,…> <port> <project> · gone <full name>
//! ```

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use maloca_hub::discovery::{self, DiscoveryOptions, Identity};
use maloca_hub::service::Service;
use maloca_protocol::announce::Question;
use maloca_protocol::client::discover::{DiscoverOptions, discover};
use maloca_protocol::client::interfaces::Choice;
use maloca_protocol::limits::PORT;
use maloca_protocol::{DeviceKey, ProjectId};
use mdns_sd::{ServiceDaemon, ServiceEvent};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let role = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let work = async {
        match role.as_str() {
            "hub" => hub(rest).await,
            "ask" => ask(rest).await,
            "raw" => {
                tokio::task::spawn_blocking(move || raw(&rest).map_err(|error| error.to_string())).await?.map_err(Into::into)
            }
            "browse" => tokio::task::spawn_blocking(|| browse().map_err(|error| error.to_string())).await?.map_err(Into::into),
            _ => Err("hub, ask, raw or browse?".into()),
        }
    };
    if role == "hub" {
        return work.await; // which stops by itself, and says goodbye
    }
    tokio::select! {
        () = input_closed() => std::process::exit(0), // a blocking reader would hold up the runtime
        outcome = work => outcome,
    }
}

/// On a thread of its own, which nobody waits for: reading from a terminal or pipe cannot be cancelled.
async fn input_closed() {
    let (sender, closed) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        drop(sender);
    });
    let _ = closed.await;
}

async fn hub(interfaces: Vec<String>) -> Outcome {
    let bound = discovery::bind(DiscoveryOptions { interfaces: Choice::from_names(interfaces), ..Default::default() })?;
    let peers = bound.peers();
    println!("ready {}", bound.port());
    let (_name, name) = watch::channel("Casa comunal".to_owned());
    let identity = Identity {
        key: Arc::new(DeviceKey::from_seed([7; 32])),
        project: ProjectId([9; 16]),
        name,
        service: Service::default().follow(),
    };
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(discovery::run(bound, identity, shutdown.clone()));
    input_closed().await;
    for asked in peers.recent() {
        println!("asked {} {}", asked.address, asked.interface);
    }
    shutdown.cancel();
    Ok(running.await?)
}

async fn ask(interfaces: Vec<String>) -> Outcome {
    let every = Duration::from_millis(1100); // often, yet within what a hub answers to one source
    let mut search = discover(DiscoverOptions { interfaces: Choice::from_names(interfaces), every, ..Default::default() });
    while let Some(found) = search.next().await {
        println!("found {} {} {} {}", found.hub, found.from.ip(), found.name.replace(' ', "_"), found.urls.join(","));
    }
    Ok(())
}

/// Sends `times` questions from each source in turn, then prints what comes back, for ever.
fn raw(arguments: &[String]) -> Outcome {
    let [from, to, times] = arguments else { return Err("raw <from>,… <to> <times>".into()) };
    let to = SocketAddrV4::new(to.parse()?, PORT);
    let sockets = from.split(',').map(|from| Ok((from.parse::<Ipv4Addr>()?, UdpSocket::bind((from, 0))?)));
    let sockets: Vec<(Ipv4Addr, UdpSocket)> = sockets.collect::<Result<_, Box<dyn std::error::Error>>>()?;
    let mut sent = 0;
    for _ in 0..times.parse::<u32>()? {
        for (_, socket) in &sockets {
            socket.set_broadcast(true)?;
            sent += u32::from(socket.send_to(&Question::new().encode(), to).is_ok());
        }
    }
    println!("sent {sent}");
    std::thread::scope(|scope| {
        for (source, socket) in &sockets {
            scope.spawn(move || {
                let mut datagram = [0; 2048];
                while let Ok((len, from)) = socket.recv_from(&mut datagram) {
                    println!("got {} {source} {len}", from.ip());
                }
            });
        }
    });
    Ok(())
}

fn browse() -> Outcome {
    let daemon = ServiceDaemon::new()?;
    for event in daemon.browse(discovery::mdns::SERVICE)?.iter() {
        match event {
            ServiceEvent::ServiceResolved(service) => {
                let mut addresses: Vec<String> = service.get_addresses_v4().iter().map(ToString::to_string).collect();
                addresses.sort();
                let project = service.get_property_val_str("project").unwrap_or("?");
                println!("seen {} {} {} {project}", service.get_hostname(), addresses.join(","), service.get_port());
            }
            ServiceEvent::ServiceRemoved(_, name) => println!("gone {name}"),
            _ => {}
        }
    }
    Ok(())
}
