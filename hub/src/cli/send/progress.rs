//! What a person sees while it sends, and the receipt in plain words.

use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use maloca_protocol::DeviceId;
use maloca_protocol::client::outbox::{Parked, Rows as _};
use maloca_protocol::client::store::{KnownHub, StoreError, Tx};
use maloca_protocol::client::{SyncReport, Watch};

/// How often a plain line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Refused things that are printed; more are counted.
const PRINTED: usize = 20;

/// A bar on a terminal, plain lines elsewhere.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new() -> Self {
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len}  {msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    pub(super) fn watch(&self) -> Watch {
        let bar = self.0.clone();
        let last = Mutex::new(Instant::now());
        Watch::new(move |report| {
            let done = report.stored + report.duplicate + report.quarantined + report.refused_count + report.later;
            let media = report.media_sent + report.media_had + report.media_refused.len() as u64;
            let all = (report.began_with.revisions + report.began_with.media).max(done + media);
            let say = format!("{done} records, {media} photos");
            if bar.is_hidden() {
                let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                if last.elapsed() >= LINE_EVERY {
                    *last = Instant::now();
                    println!("Sent so far: {say}.");
                }
            } else {
                bar.set_length(all);
                bar.set_position(done + media);
                bar.set_message(say);
            }
        })
    }

    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}

/// Prints what the hub now holds.
pub(super) fn receipt(hub: &KnownHub, report: &SyncReport) {
    let SyncReport { stored, began, duplicate, quarantined, media_sent, media_had, media_bytes, .. } = report;
    if stored + duplicate + quarantined + media_sent == 0 {
        println!("Nothing new to send.");
    } else {
        let mut sent = Vec::new();
        let mut say = |number: u64, one: &str, many: &str| {
            if number > 0 {
                sent.push(counted(number, one, many));
            }
        };
        say(*began, "new observation", "new observations");
        say(stored - began, "change", "changes");
        say(*duplicate, "record that was there already", "records that were there already");
        say(*media_sent, &format!("photo ({media_bytes} bytes)"), &format!("photos ({media_bytes} bytes)"));
        say(*media_had, "photo that was there already", "photos that were there already");
        if !sent.is_empty() {
            println!("Sent: {}.", sent.join(", "));
        }
    }
    if *quarantined > 0 {
        let kept = counted(*quarantined, "record is kept aside", "records are kept aside");
        println!("{kept} until the manager admits this device's key.");
    }
    if report.pulled > 0 {
        println!("Received: {} by others.", counted(report.pulled, "change", "changes"));
    }
    if report.began_again {
        println!("The hub was restored or replaced, so everything was offered to it again.");
    }
    if let Some(receipt) = &report.receipt {
        println!(
            "Receipt of {}: it holds {} of this device and wants {}.",
            hub.name,
            counted(receipt.author.count, "record", "records"),
            counted(receipt.wanted, "photo more", "photos more"),
        );
    }
    let unsent = &report.unsent;
    if report.in_sync {
        println!("Everything has arrived.");
    } else if unsent.revisions + unsent.media > 0 {
        println!(
            "Not there yet: {}, {} ({} bytes).",
            counted(unsent.revisions, "record", "records"),
            counted(unsent.media, "photo", "photos"),
            unsent.media_bytes
        );
    } else if unsent.parked == 0 {
        println!("Everything was sent, but the hub does not confirm that it holds it all. Run the same command again.");
    }
}

fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// What is parked, by the hub and by this device itself.
pub(super) fn parked(tx: &mut Tx<'_>, me: DeviceId, hub: DeviceId) -> Result<Vec<Parked>, StoreError> {
    Ok([tx.parked(&hub)?, tx.parked(&me)?].concat())
}

/// Lists what was refused.
pub(super) fn refused(parked: &[Parked], report: &SyncReport) {
    for parked in parked.iter().take(PRINTED) {
        eprintln!("refused: observation {}: {} ({})", parked.doc, parked.detail, parked.code);
    }
    for media in report.media_refused.iter().take(PRINTED) {
        eprintln!("refused: photo {}: {} ({})", media.name, media.detail, media.code);
    }
    let more = parked.len().saturating_sub(PRINTED) + report.media_refused.len().saturating_sub(PRINTED);
    if more > 0 {
        eprintln!("refused: and {more} more");
    }
    if report.later > 0 {
        eprintln!("The hub will take {} more another day; they go on waiting.", report.later);
    }
}
