//! `maloca demo`: a hub with simulated devices, to look at.
//!
//! A person starts it to see the page alive; browser stories and pictures are made with it. It promises: devices do what real ones
//! do, over real sockets (announce, join, send, in several contacts); nobody else's hub or data is touched; the same seed makes
//! the same observations; without `--data` nothing is left behind.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use maloca_protocol::DocId;
use maloca_protocol::client::discover::{self, DiscoverOptions};
use maloca_protocol::client::interfaces::Choice;
use maloca_protocol::client::mirror::Whole;
use maloca_protocol::client::{Device, KnownHub, Patience, SyncOptions};
use tokio::task::JoinSet;

use super::running::{self, Failure, Place, Running};
use super::{Outcome, open};
use crate::api::serve::Bounds;
use crate::demo::{self, Made, Plan};
use crate::hub::{Hub, Options};

/// How many contacts a device makes at most: enough to watch, and each with more than nothing.
const CONTACTS: usize = 24;

/// How long a device rests after a contact that brought not everything over.
const REST: Duration = Duration::from_secs(2);

/// How long one connection is tried.
const PATIENCE: Patience = Patience::For(Duration::from_secs(10));

/// What `maloca demo` takes.
#[derive(clap::Args)]
pub(crate) struct DemoArgs {
    /// Keep the hub's data and the devices in this folder [default: a temporary one, removed at the end]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where to listen: HTTP and discovery on this port, HTTPS on the next; port 0 takes any
    #[arg(long, value_name = "ADDR:PORT", default_value_t = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0))]
    listen: SocketAddr,
    /// The network interface on which devices announce themselves and the hub answers
    #[arg(long, value_name = "NAME", default_value = "lo")]
    interface: Vec<String>,
    /// Another seed makes other observations up
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// How many devices
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=200))]
    devices: u16,
    /// How many observations
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    observations: usize,
    /// How many photos
    #[arg(long, value_name = "NUMBER", default_value_t = 80)]
    photos: usize,
    /// Spread everything over about so many seconds; 0 is as fast as can be
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pace: u64,
    /// Open the manager's page in a browser
    #[arg(long)]
    open: bool,
    /// Print a line of JSON when ready and another when everything was sent, for programs
    #[arg(long)]
    ready_json: bool,
}

/// Runs the command.
pub(crate) async fn run(args: DemoArgs) -> Outcome {
    let temporary = tempfile::Builder::new().prefix("maloca-demo-").tempdir()?;
    let (data, devices) = match &args.data {
        Some(folder) => (folder.clone(), folder.join("demo-devices")),
        None => (temporary.path().join("hub"), temporary.path().join("devices")),
    };
    let mut options = Options::new(data);
    options.name = Some("Maloca (demo)".to_owned());
    let place = Place { listen: args.listen, interfaces: args.interface.clone(), answers: true, bounds: Bounds::default() };
    let running = Running::open(&place, options).await?;
    if args.ready_json {
        running::tell(&running.ready_json()?)?;
    } else {
        println!("A hub with {} simulated devices is ready. The manager's page (this link works once):\n", args.devices);
        println!("  {}\n", running.link());
        println!("Watch how they join and send. End it with Ctrl+C.");
    }
    if args.open {
        open::in_browser(&running.link());
    }
    let (hub, work) = (running.hub.clone(), running.work());
    tokio::pin!(work);
    let ended = tokio::select! {
        ended = &mut work => Some(ended),
        sent = simulate(&args, &hub, &devices) => {
            sent?;
            None
        }
    };
    // Sent, and it goes on; or it was told to end while devices were still at it.
    match ended {
        Some(ended) => ended?,
        None => work.await?,
    }
    temporary.close()?;
    Ok(ExitCode::SUCCESS)
}

/// Lets all devices join and send, and says when all are in sync.
async fn simulate(args: &DemoArgs, hub: &Hub, folder: &Path) -> Result<(), Failure> {
    let plan = Plan { seed: args.seed, devices: usize::from(args.devices), observations: args.observations, photos: args.photos };
    // Open for the demo's devices only, and closed again when the last has joined.
    let code = format!("{:08}", rand::random_range(0..100_000_000));
    hub.pairing.stay_open(&code);
    hub.nudge.pairing();
    let mut devices = JoinSet::new();
    for (number, name) in demo::devices(plan).enumerate() {
        let device = Simulated {
            plan,
            number,
            folder: folder.join(number.to_string()),
            name,
            search: DiscoverOptions {
                interfaces: Choice::from_names(args.interface.clone()),
                port: hub.ports().http,
                ..DiscoverOptions::default()
            },
            pace: Duration::from_secs(args.pace),
        };
        let code = code.clone();
        devices.spawn(async move { device.live(&code).await });
    }
    let (mut observations, mut photos) = (0, 0);
    while let Some(done) = devices.join_next().await {
        let (some, media) = done??;
        observations += some;
        photos += media;
    }
    hub.pairing.close();
    hub.nudge.pairing();
    if args.ready_json {
        running::tell(&serde_json::json!({ "event": "sent", "observations": observations, "photos": photos }))?;
    } else {
        println!("Everything was sent: {observations} observations and {photos} photos. The hub goes on until Ctrl+C.");
    }
    Ok(())
}

/// A device that is none, but does what one does.
struct Simulated {
    plan: Plan,
    number: usize,
    folder: PathBuf,
    name: String,
    search: DiscoverOptions,
    pace: Duration,
}

impl Simulated {
    /// Joins, records and sends, until the hub holds everything. How many observations and photos that was.
    async fn live(self, code: &str) -> Result<(usize, usize), Failure> {
        let device = Device::open(&self.folder).await?;
        let mine: Vec<usize> = (0..self.plan.observations).filter(|n| demo::device_of(self.plan, *n) == self.number).collect();
        // One after the other comes home, in the first third of the time.
        tokio::time::sleep(self.pace / 3 * self.number as u32 / self.plan.devices as u32).await;
        let hub = self.join(&device, code).await;
        let contacts = if self.pace.is_zero() { 1 } else { mine.len().clamp(1, CONTACTS) };
        let (mut photos, mut pause) = (0, Duration::ZERO);
        for (turn, some) in mine.chunks(mine.len().div_ceil(contacts).max(1)).enumerate() {
            tokio::time::sleep(pause).await;
            pause = self.pace * 2 / 3 / contacts as u32;
            photos += self.record(&device, some).await?;
            let battery = 0.9 - 0.07 * self.number as f64 - 0.005 * turn as f64;
            self.contact(&device, &hub, battery.max(0.05)).await;
        }
        if mine.is_empty() {
            self.contact(&device, &hub, 0.8).await;
        }
        Ok((mine.len(), photos))
    }

    /// Announces itself until a hub answers and lets it in.
    async fn join(&self, device: &Device, code: &str) -> KnownHub {
        let mut search = discover::discover(self.search.clone());
        loop {
            let Some(found) = search.next().await else {
                search = discover::discover(self.search.clone());
                continue;
            };
            for url in &found.urls {
                match device.join(url, Some(code), &self.name, Some(&found.hub), PATIENCE).await {
                    Ok(hub) => return hub,
                    Err(error) => tracing::warn!(device = self.name, %error, "not joined yet"),
                }
            }
        }
    }

    /// Puts down what was seen. How many photos that was.
    async fn record(&self, device: &Device, numbers: &[usize]) -> Result<usize, Failure> {
        let (plan, folder, numbers) = (self.plan, self.folder.join("photos"), numbers.to_vec());
        // Drawing a photo is work for the processor, and writing it is work for the disk.
        let drawn = tokio::task::spawn_blocking(move || -> std::io::Result<Vec<(Made, Vec<PathBuf>)>> {
            std::fs::create_dir_all(&folder)?;
            let draw = |number: usize| {
                let made = demo::one(plan, number);
                let write = |photo: &demo::Photo| {
                    let path = folder.join(&photo.name);
                    std::fs::write(&path, &photo.bytes).map(|()| path)
                };
                let paths = made.photos.iter().map(write).collect::<std::io::Result<_>>()?;
                Ok((made, paths))
            };
            numbers.into_iter().map(draw).collect()
        });
        let (mut batch, mut photos) = (Vec::new(), 0);
        for (made, paths) in drawn.await?? {
            let mut media = Vec::with_capacity(paths.len());
            for (path, photo) in paths.iter().zip(&made.photos) {
                let mut hashed = device.hash(path).await?;
                hashed.attachment.taken_at = Some(photo.taken_at.clone());
                media.push(hashed);
            }
            photos += media.len();
            let doc = DocId::from_source("demo", &made.own_id);
            batch.push(Whole { doc, kind: "observation".into(), set: made.set, media });
        }
        device.mirror(batch).await?;
        Ok(photos)
    }

    /// Sends until the hub holds everything that was recorded so far.
    async fn contact(&self, device: &Device, hub: &KnownHub, battery: f64) {
        let options = SyncOptions { patience: PATIENCE, battery: Some(battery), ..SyncOptions::default() };
        loop {
            match device.sync(&hub.id, &options).await {
                Ok(report) if report.in_sync => return,
                Ok(_) => {}
                Err(error) => tracing::warn!(device = self.name, %error, "not sent yet"),
            }
            tokio::time::sleep(REST).await;
        }
    }
}
