//! `maloca serve`: the hub.

use std::error::Error;
use std::io::IsTerminal as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use maloca_protocol::limits;

use super::running::{self, Place, Running};
use super::{DataArg, Outcome, open};
use crate::api::serve::Bounds;
use crate::hub::{Hub, Options};
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
    /// The https origin from which phones installed the app, such as https://maloca.example.org; may be given several times
    #[arg(long, value_name = "ORIGIN", env = "MALOCA_ALLOW_ORIGIN", value_delimiter = ',', value_parser = origin)]
    allow_origin: Vec<String>,
    /// Do not answer announcements; devices then need the address or the QR code
    #[arg(long)]
    no_discovery: bool,
    /// Open the manager's page in a browser
    #[arg(long)]
    open: bool,
    /// Print the first line as JSON when ready, for programs that start a hub
    #[arg(long)]
    ready_json: bool,
    /// Connections at once, for tests
    #[arg(long, hide = true, value_name = "NUMBER")]
    connections: Option<usize>,
    /// How long a connection may stand still, for tests that must not wait
    #[arg(long, hide = true, value_name = "SECONDS")]
    patience: Option<f64>,
}

/// Runs the command.
pub(crate) async fn run(args: ServeArgs) -> Outcome {
    if let Some(code) = args.joining_code.as_ref().filter(|code| code.chars().count() < SHORTEST) {
        return Err(
            format!("the joining code {code:?} stays open and is too easy to guess; use at least {SHORTEST} characters").into()
        );
    }
    let mut options = Options::new(args.data.folder());
    options.name.clone_from(&args.name);
    options.devices_read_all = args.devices_read.map(|which| which == DevicesRead::All);
    options.names.clone_from(&args.allow_host);
    options.origins.clone_from(&args.allow_origin);
    let usual = Bounds::default();
    let bounds = Bounds {
        connections: args.connections.unwrap_or(usual.connections),
        patience: args.patience.map_or(usual.patience, Duration::from_secs_f64),
    };
    let place = Place { listen: args.listen, interfaces: args.interface.clone(), answers: !args.no_discovery, bounds };
    let running = Running::open(&place, options).await?;
    if let Some(code) = &args.joining_code {
        running.hub.pairing.stay_open(code);
    }
    if args.join {
        running.hub.pairing.open(running.hub.clock.now());
    }
    ready(&args, &running)?;
    running.work().await?;
    Ok(ExitCode::SUCCESS)
}

/// Says that the hub is ready: for a program in one line of JSON, for a person with the link and the addresses.
fn ready(args: &ServeArgs, running: &Running) -> Result<(), Box<dyn Error + Send + Sync>> {
    let hub = &running.hub;
    if args.ready_json {
        running::tell(&running.ready_json()?)?;
    } else {
        println!("The hub \u{201c}{}\u{201d} is ready. Its data is in {}.\n", hub.settings().name, hub.data.display());
        println!("The manager's page (this link works once; `maloca open` makes another):\n\n  {}\n", running.link());
        println!("Phones on the same Wi-Fi find the hub by themselves, or at");
        for url in crate::api::urls(hub) {
            println!("  {url}");
        }
        invite(args, hub);
        println!("End the hub with Ctrl+C.");
    }
    if args.open {
        open::in_browser(&running.link());
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

/// An origin as browsers write it: scheme, host and port, in lower case and without a slash at the end.
fn origin(text: &str) -> Result<String, String> {
    let wrong = || "an origin looks like https://maloca.example.org, without anything behind the name".to_owned();
    let url = reqwest::Url::parse(text).map_err(|_| wrong())?;
    let is_bare =
        matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    (matches!(url.scheme(), "http" | "https") && is_bare).then(|| url.origin().ascii_serialization()).ok_or_else(wrong)
}
