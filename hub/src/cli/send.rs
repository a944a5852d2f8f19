//! `maloca send`: a device for what lies on this machine's disk.
//!
//! It reads a source, finds the hub, joins it if it must, sends what is new, and prints the receipt. It promises: sending the same
//! source again sends nothing; killed at any moment, the next run goes on from there; exit code 0 only where the hub
//! has acknowledged everything, and otherwise one that says what kind of thing went wrong (see [`Code`]).

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use maloca_protocol::client::http::{CallError, Patience};
use maloca_protocol::client::mirror::{Mirrored, Whole};
use maloca_protocol::client::store::KnownHub;
use maloca_protocol::client::{Device, JoinError, SyncError, SyncOptions, SyncReport};
use maloca_protocol::limits;

use super::Outcome;
use crate::import::sources::{self, Item, Read};

mod find; // which hub, and where
mod progress; // what a person sees meanwhile, and the receipt

use progress::Progress;

/// Documents that become one commit.
const BATCH: usize = 1_000;

/// Faults of a source that are printed; more are counted.
const PRINTED: u64 = 20;

/// What `maloca send` takes.
#[derive(clap::Args)]
pub(crate) struct SendArgs {
    /// The device's folder: its key, and what it has sent; made where there is none. One folder is one device
    #[arg(long, value_name = "DIR")]
    device: PathBuf,
    /// Look for the hub on this network interface only; may be given several times [default: all real ones]
    #[arg(long, value_name = "NAME")]
    interface: Vec<String>,
    /// The port on which hubs answer announcements
    #[arg(long, value_name = "PORT", default_value_t = limits::PORT)]
    port: u16,
    /// The hub's address, http or https, where it shall not be looked for
    #[arg(long, value_name = "URL")]
    hub: Option<String>,
    /// The code from the manager's screen; needed once a device and hub
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// What people call this device [default: the folder's name]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Give up when the hub could not be reached for so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u64,
    /// A GeoJSON FeatureCollection, a table with latitude and longitude (.csv), or a Camtrap DP folder
    #[arg(value_name = "SOURCE")]
    source: PathBuf,
}

/// How it ended, for programs. 1 is any other error, 2 a mistake in the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    /// No hub was found, or it was lost on the way.
    NoHub = 3,
    /// The code is wrong or missing, or the hub has forgotten this device.
    NotLetIn = 4,
    /// The hub belongs to another project, or is not the one that was expected.
    Stranger = 5,
    /// The hub's disk is full.
    Full = 6,
    /// Something of the source or the device was refused; the rest has arrived.
    Refused = 7,
    /// Everything was sent, but the hub does not confirm that it holds it all.
    NotInSync = 8,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// Runs the command.
pub(crate) async fn run(args: SendArgs) -> Outcome {
    if !args.source.exists() {
        return Err(format!("there is no {}; name a GeoJSON file or a Camtrap DP folder", args.source.display()).into());
    }
    let device = Device::open(&args.device).await?;
    let (read, faults) = read(&device, &args).await?;
    println!("Read {}: {} new, {} changed, {} as they were.", args.source.display(), read.new, read.changed, read.unchanged);
    let hub = match find::hub(&device, &args).await {
        Ok(hub) => hub,
        Err(error) => return ended(error),
    };
    println!("Hub: {} at {}.", hub.name, hub.urls.first().map_or("-", String::as_str));
    let progress = Progress::new();
    let options = SyncOptions { patience: args.patience(), pull: true, watch: progress.watch(), ..SyncOptions::default() };
    let mut sent = device.sync(&hub.id, &options).await;
    if let (Err(SyncError::Call(CallError::JoinAgain)), Some(code), Some(url)) = (&sent, &args.code, hub.urls.first()) {
        sent = match device.join_again(url, code, &args.name(), args.patience()).await {
            Ok(_) => device.sync(&hub.id, &options).await,
            Err(error) => Err(error),
        };
    }
    progress.end();
    match sent {
        Ok(report) => {
            progress::receipt(&hub, &report);
            let parked = device
                .store()
                .run({
                    let id = hub.id;
                    move |tx, key| progress::parked(tx, key.id(), id)
                })
                .await?;
            progress::refused(&parked, &report);
            Ok(verdict(&report, faults))
        }
        Err(error) => ended(error),
    }
}

impl SendArgs {
    fn name(&self) -> String {
        let folder = || std::path::absolute(&self.device).ok()?.file_name().map(|name| name.to_string_lossy().into_owned());
        self.name.clone().or_else(folder).unwrap_or_else(|| "maloca send".to_owned())
    }

    const fn patience(&self) -> Patience {
        Patience::For(Duration::from_secs(self.patience))
    }
}

/// Takes the source in, batch by batch. What has changed in it, and how many of its things could not be taken.
async fn read(device: &Device, args: &SendArgs) -> Result<(Mirrored, u64), sources::Failure> {
    let (mut sum, mut faults) = (Mirrored::default(), 0);
    let mut fault = |sentence: &str| {
        faults += 1;
        if faults <= PRINTED {
            eprintln!("maloca: {sentence}");
        }
    };
    let mut reading = sources::read(&args.source);
    let mut batch = Vec::with_capacity(BATCH);
    while let Some(next) = reading.recv().await {
        match next? {
            Read::Fault(sentence) => fault(&sentence),
            Read::Item(item) => batch.push(whole(device, *item, &mut fault).await?),
        }
        if batch.len() >= BATCH {
            sum += device.mirror(std::mem::take(&mut batch)).await?;
        }
    }
    sum += device.mirror(batch).await?;
    if faults > PRINTED {
        eprintln!("maloca: and {} more of the kind", faults - PRINTED);
    }
    Ok((sum, faults))
}

async fn whole(device: &Device, item: Item, fault: &mut impl FnMut(&str)) -> Result<Whole, sources::Failure> {
    let mut media = Vec::with_capacity(item.media.len());
    for path in &item.media {
        match device.hash(path).await {
            // Two names for the same bytes are one media.
            Ok(hashed)
                if media
                    .iter()
                    .any(|other: &maloca_protocol::client::Hashed| other.attachment.hash == hashed.attachment.hash) => {}
            Ok(hashed) => media.push(hashed),
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                fault(&format!("a photo was not taken: {error}: {cause}"));
            }
        }
    }
    Ok(Whole { doc: item.doc, kind: "observation".into(), set: item.set, media })
}

fn verdict(report: &SyncReport, faults: u64) -> ExitCode {
    if faults > 0 || report.unsent.parked > 0 || !report.media_refused.is_empty() || report.later > 0 {
        return Code::Refused.into();
    }
    if report.in_sync { ExitCode::SUCCESS } else { Code::NotInSync.into() }
}

/// Says what went wrong and what to do, and chooses the exit code.
fn ended(error: SyncError) -> Outcome {
    let code = match &error {
        SyncError::Join(JoinError::Stranger { .. } | JoinError::AnotherHub { .. } | JoinError::Unproven { .. }) => Code::Stranger,
        SyncError::Join(JoinError::WrongCode(_) | JoinError::CodeNeeded(_)) | SyncError::Call(CallError::JoinAgain) => {
            Code::NotLetIn
        }
        SyncError::Call(CallError::Full(_)) | SyncError::Join(JoinError::Call(CallError::Full(_))) => Code::Full,
        SyncError::Call(CallError::Unreachable { .. } | CallError::Busy(..) | CallError::Garbled { .. })
        | SyncError::Join(JoinError::Call(_) | JoinError::BadUrl(_)) => Code::NoHub,
        _ => return Err(error.into()),
    };
    eprintln!("maloca: {error}");
    eprintln!("What was read is kept in the device's folder; run the same command again to go on.");
    Ok(code.into())
}

/// Ends without a hub: says where was looked and what to try.
fn nobody(sentence: &str) -> SyncError {
    let why = sentence.to_owned();
    SyncError::Call(CallError::Unreachable { url: "any address that was tried".into(), why })
}

/// The hub that this device has joined, by its address.
type Found = Result<KnownHub, SyncError>;
