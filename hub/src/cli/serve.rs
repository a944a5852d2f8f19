//! `maloca serve`: the hub.

use std::error::Error;
use std::io::IsTerminal as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use clap::ValueEnum;
use maloca_protocol::client::interfaces::Choice;
use maloca_protocol::limits;
use tokio::signal::unix::{SignalKind, signal};

use super::{DataArg, Outcome, control, open};
use crate::api::serve::{self, Listeners};
use crate::discovery::{self, Bound, DiscoveryOptions, Identity};
use crate::housekeeping;
use crate::hub::{Hub, Options, Ports};
use crate::trust::pairing::SHORTEST;

/// Who may read what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DevicesRead {
    /// A device reads its own observations
    Own,
    /// Every device reads everybody's
    All,
}

/// What `maloca serve` takes.
#[derive(clap::Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    data: DataArg,
    /// Where to listen: HTTP and discovery on this port, HTTPS on the next; port 0 takes any
    #[arg(long, value_name = "ADDR:PORT", default_value_t = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), limits::PORT))]
    listen: SocketAddr,
    /// Answer devices on this network interface only; may be given several times [default: all real ones]
    #[arg(long, value_name = "NAME")]
    interface: Vec<String>,
    /// The hub's name, as people will see it
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Leave joining open with this code, for unattended set-up: everyone who knows it can join at any time
    #[arg(long, value_name = "CODE")]
    joining_code: Option<String>,
    /// Let devices join for ten minutes from now, and show the code and the QR picture
    #[arg(long, conflicts_with = "joining_code")]
    join: bool,
    /// Which observations devices may read
    #[arg(long, value_enum, value_name = "WHICH")]
    devices_read: Option<DevicesRead>,
    /// Another name under which this hub may be asked, such as one of your own DNS; may be given several times
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// Do not answer announcements; devices then need the address or the QR code
    #[arg(long)]
    no_discovery: bool,
    /// Open the manager's page in a browser
    #[arg(long)]
    open: bool,
    /// Print the first line as JSON when ready, for programs that start a hub
    #[arg(long)]
    ready_json: bool,
}

/// Runs the command.
pub(crate) async fn run(args: ServeArgs) -> Outcome {
    if let Some(code) = args.joining_code.as_ref().filter(|code| code.chars().count() < SHORTEST) {
        return Err(
            format!("the joining code {code:?} stays open and is too easy to guess; use at least {SHORTEST} characters").into()
        );
    }
    let listeners = serve::bind(args.listen).await?;
    let ports = listeners.ports()?;
    let discovery = if args.no_discovery { None } else { Some(bind_discovery(&args, ports)?) };
    let mut options = Options::new(args.data.folder());
    options.name.clone_from(&args.name);
    options.devices_read_all = args.devices_read.map(|which| which == DevicesRead::All);
    options.names.clone_from(&args.allow_host);
    let (hub, writer) = Hub::open(options).await?;
    hub.set_ports(ports);
    if let Some(code) = &args.joining_code {
        hub.pairing.stay_open(code);
    }
    if args.join {
        hub.pairing.open(hub.clock.now());
    }
    let announced = control::announce(&hub.data, ports.http, &hub.control)?;
    // Before anybody is told that it runs, since who is told may end it at once.
    until_told_to_end(&hub)?;
    ready(&args, &hub, &listeners)?;
    work(&hub, listeners, discovery).await;
    hub.store.close().await;
    // The thread ends when what was asked is done; its last commit is worth waiting for.
    tokio::task::spawn_blocking(move || writer.join()).await?;
    drop(announced);
    Ok(ExitCode::SUCCESS)
}

async fn work(hub: &Hub, listeners: Listeners, discovery: Option<Bound>) {
    let answering = async {
        if let Some(bound) = discovery {
            let identity = Identity { key: Arc::new(hub.key.clone()), project: hub.project, name: hub.follow_name() };
            discovery::run(bound, identity, hub.shutdown.clone()).await;
        }
    };
    tokio::join!(serve::run(hub.clone(), listeners), answering, housekeeping::run(hub.clone()));
}

fn bind_discovery(args: &ServeArgs, ports: Ports) -> Result<Bound, discovery::BindError> {
    let loopback = args.listen.ip().is_loopback();
    let names = match args.interface.as_slice() {
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

/// Says that the hub is ready: for a program in one line of JSON, for a person with the link and the addresses.
fn ready(args: &ServeArgs, hub: &Hub, listeners: &Listeners) -> Result<(), Box<dyn Error + Send + Sync>> {
    let ports = hub.ports();
    let token = hub.sessions.link(hub.clock.now());
    let link = open::page(ports.http, &token);
    if args.ready_json {
        let host = match listeners.address()?.ip() {
            any if any.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            ip => ip,
        };
        let line = serde_json::json!({
            "event": "ready",
            "http": format!("http://{}", SocketAddr::new(host, ports.http)),
            "https": format!("https://{}", SocketAddr::new(host, ports.https)),
            "open": format!("http://{}/#open={token}", SocketAddr::new(host, ports.http)),
            "hub": hub.id(),
            "project": hub.project,
            "port": ports.http,
            "data": hub.data,
        });
        println!("{line}");
    } else {
        println!("The hub \u{201c}{}\u{201d} is ready. Its data is in {}.\n", hub.settings().name, hub.data.display());
        println!("The manager's page (this link works once; `maloca open` makes another):\n\n  {link}\n");
        println!("Phones on the same Wi-Fi find the hub by themselves, or at");
        for url in crate::api::urls(hub) {
            println!("  {url}");
        }
        invite(args, hub);
        println!("End the hub with Ctrl+C.");
    }
    use std::io::Write as _;
    std::io::stdout().flush()?;
    if args.open {
        open::in_browser(&link);
    }
    Ok(())
}

/// Says how a phone joins.
fn invite(args: &ServeArgs, hub: &Hub) {
    let Some((code, link)) = crate::api::invitation(hub) else {
        println!("\nTo let a phone join, open the page and choose \u{201c}Let a phone join\u{201d}.");
        return;
    };
    if std::io::stdout().is_terminal()
        && let Ok(picture) = qrcode::QrCode::new(&link)
    {
        println!("\n{}", picture.render::<qrcode::render::unicode::Dense1x2>().quiet_zone(true).build());
    }
    if args.joining_code.is_some() {
        println!("\nJoining STAYS OPEN with the code {code}: everyone who knows it can join at any time.");
    } else {
        println!("\nFor ten minutes a phone can join with the code {code} or the picture of {link}");
    }
}
