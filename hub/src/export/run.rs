//! From a snapshot to a bundle that was read back.
//!
//! [`super::export`] runs this on a blocking thread. Order: media (so that it is known which are damaged), then the documents
//! in all formats side by side, then revisions, then the tag files; fsync; read back; name.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use maloca_protocol::{DeviceId, DeviceKey};
use tokio_util::sync::CancellationToken;

use super::also::Also;
use super::bundle::{self, Origin};
use super::drives::{self, Filesystem};
use super::formats::custody;
use super::leftovers::Leftovers;
use super::legend::Legend;
use super::registry::{self, Listed};
use super::scope::{Chosen, Scope};
use super::sealed::{self, Keys, Seal, Sealed};
use super::write::Bag;
use super::{Done, ExportError, Phase, Progress, check, drive_error, readme};
use crate::hub::Hub;
use crate::media::MediaRoot;
use crate::query::{Filter, presets};
use crate::store::{self, Snapshot, Spans, StoreError};

mod plan; // what is looked at before anything is written
mod media; // the media themselves
mod documents; // the observations in all formats
mod also; // the formats that were asked for besides
mod lists; // which file belongs to which observation

pub(super) use media::Damaged;
use plan::Plan;

/// The folder in the data folder in which the files of a sealed copy lie until each is sealed.
const STAGING: &str = "sealing";

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// Room that an export leaves free on a drive, and needs for what is not counted beforehand.
pub(super) const AIR_BYTES: u64 = 1024 * 1024;

/// What people call a device.
type Names = Box<dyn Fn(&DeviceId) -> Option<String> + Send>;

/// What an export is made of.
pub(super) struct Source {
    view: Snapshot,
    media: MediaRoot,
    data: PathBuf,
    key: DeviceKey,
    devices: Vec<Listed>,
    origin: Origin,
    scope: Scope,
    /// Who alone can open it; nobody, where everybody can.
    keys: Keys,
    /// Which observations stand in the files that people open.
    filter: Filter,
    also: BTreeSet<Also>,
    /// The hub's categories.
    legend: Legend,
    now: i64,
    names: Names,
    /// The hub ends.
    shutdown: CancellationToken,
}

impl Source {
    /// The hub as it is now, or what of it is wanted.
    pub(super) fn of(hub: &Hub, scope: Scope, also: BTreeSet<Also>, keys: Keys) -> Result<Self, StoreError> {
        let shared = hub.clone();
        let view = hub.store.snapshot()?;
        Ok(Self {
            devices: registry::of(hub, &view)?,
            filter: scope.filter(&view)?,
            also,
            legend: Legend::of(&presets::presets(&view, &hub.rules)?),
            view,
            media: hub.media.clone(),
            data: hub.data.clone(),
            key: hub.key.clone(),
            origin: Origin {
                hub_name: hub.settings().name,
                hub: hub.id().to_string(),
                project: hub.project.to_string(),
                epoch: hub.epoch.to_string(),
            },
            scope,
            keys,
            now: hub.clock.now(),
            names: Box::new(move |id| shared.devices.name(id)),
            shutdown: hub.shutdown.clone(),
        })
    }
}

/// Whom to tell, and whether to go on.
pub(super) struct Watch<'a> {
    report: &'a dyn Fn(Progress),
    cancel: &'a CancellationToken,
    state: RefCell<(Progress, Option<Instant>)>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(report: &'a dyn Fn(Progress), cancel: &'a CancellationToken) -> Self {
        Self { report, cancel, state: RefCell::default() }
    }

    /// Changes the progress and tells it, unless it was told just now; ends an export that was cancelled.
    fn step(&self, change: impl FnOnce(&mut Progress)) -> Result<(), ExportError> {
        let mut state = self.state.borrow_mut();
        let phase = state.0.phase;
        change(&mut state.0);
        if phase != state.0.phase || state.1.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            state.1 = Some(Instant::now());
            (self.report)(state.0);
        }
        if self.cancel.is_cancelled() { Err(ExportError::Cancelled) } else { Ok(()) }
    }

    fn tell(&self) {
        (self.report)(self.state.borrow().0);
    }
}

/// Writes and verifies a bundle in `to`.
pub(super) fn run(source: &Source, to: &Path, watch: &Watch<'_>) -> Result<(Done, Damaged), ExportError> {
    let to = target(to, &source.data)?;
    let on_drive = is_on_drive(&to, &source.data)?;
    let there = Filesystem::of(&to).map_err(|error| drive_error(&to, error))?;
    let view = &source.view;
    let totals = store::totals(view)?;
    let chosen = Chosen::of(view, &source.scope, &source.filter)?;
    if !chosen.is_news {
        return Err(ExportError::NothingNew);
    }
    let Chosen { order, places, .. } = &chosen;
    let plan = Plan::of(source, places)?;
    let bytes_total = places.bytes() + order.bytes();
    // Each file has a line of custody, and one in each of the two lists of files.
    let custody_bytes = (order.count() + 3 * places.count()) * custody::LINE_BYTES;
    // The files that people open take 3.7 times as much as the revisions: measured with 5,000 observations of the demo.
    // While they are written, the workbook's sheet lies beside them once more, unpacked: some twice as much.
    let opened = 6 * order.bytes() + plan.bytes(order.bytes()) + custody_bytes;
    let needed = bytes_total + opened + AIR_BYTES;
    let is_sealed = !source.keys.is_empty();
    if is_sealed {
        // Each file lies on the hub's own disk until it is sealed; those that people open, all at once.
        let (data, needed) = (source.data.clone(), opened + places.largest() + AIR_BYTES);
        if let Some(free) = drives::free(&data).filter(|free| *free < needed) {
            return Err(ExportError::Full { path: data, needed: Some(needed), free: Some(free) });
        }
    } else if !there.holds_file(largest(order.bytes()).max(plan.largest())) {
        return Err(ExportError::TooLarge(to));
    }
    let hub = source.key.id();
    let leftovers = Leftovers::find(&to.join(bundle::FOLDER), &hub, &|digits| places.has_like(digits));
    // What was left there takes no more room than it has already.
    let free = drives::free(&to).map(|free| free + leftovers.bytes);
    if let Some(free) = free.filter(|free| *free < needed) {
        return Err(ExportError::Full { path: to, needed: Some(needed), free: Some(free) });
    }
    watch.step(|progress| progress.bytes_total = bytes_total)?;
    let mut done = Done {
        bundle: rand::random(),
        at: source.now,
        path: PathBuf::new(),
        head: totals.head,
        chain: totals.chain,
        kind: source.scope.kind(),
        holds: Spans::default(),
        observations: 0,
        revisions: order.count(),
        media: 0,
        missing: 0,
        damaged: 0,
        bytes: 0,
        on_drive,
    };
    let seal = is_sealed.then(|| Seal {
        keys: &source.keys,
        staging: source.data.join(STAGING),
        inner: bundle::folder_name(done.at, &source.origin.hub_name, done.kind, 1),
        at: done.at,
    });
    let mut bag = Bag::begin(&to, &hub, leftovers, seal)?;
    let filled = fill(source, &chosen, plan, &mut bag, &mut done, watch);
    if matches!(filled, Err(ExportError::Cancelled)) && source.shutdown.is_cancelled() {
        // Nobody has given it up: the hub only ends.
        bag.leave();
    }
    let damaged = filled?;
    done.path = bag.name(|n| match is_sealed {
        true => sealed::folder_name(done.at, done.kind, n),
        false => bundle::folder_name(done.at, &source.origin.hub_name, done.kind, n),
    })?;
    // Another drive may have come in its place.
    if !Filesystem::of(&done.path).is_ok_and(|filesystem| filesystem.dev == there.dev) {
        let source = io::Error::other("it lies on another filesystem than it was begun on");
        return Err(ExportError::Gone { path: to, source });
    }
    watch.tell();
    Ok((done, damaged))
}

/// Writes everything into the bag and reads it back.
fn fill(
    source: &Source,
    chosen: &Chosen,
    plan: Plan,
    bag: &mut Bag,
    done: &mut Done,
    watch: &Watch<'_>,
) -> Result<Damaged, ExportError> {
    let (view, Chosen { order, places, .. }) = (&source.view, chosen);
    let failed = drive_failed(bag);
    let mut came = bag.create(bundle::CUSTODY)?;
    let damaged = media::write(source, places, bag, &mut came, done, watch)?;
    // What could not be read is not in it.
    done.holds = chosen.holds(view, damaged.keys())?;
    documents::write(source, chosen, &damaged, plan, bag, done, watch)?;
    let mut out = bag.create(bundle::REVISIONS)?;
    order.write(view, &mut out, &mut came, &failed, &mut |bytes| watch.step(|progress| progress.bytes += bytes))?;
    bag.add(out)?;
    bag.add(came)?;
    if source.scope.part().is_none() {
        let mut out = bag.create(registry::FILE)?;
        serde_json::to_writer_pretty(&mut out, &source.devices).map_err(|error| failed(error.into()))?;
        bag.add(out)?;
    }
    let (bytes, files) = bag.payload;
    done.bytes = bytes;
    bag.tag(bundle::BAGIT, bundle::BAGIT_TEXT)?;
    bag.tag(bundle::INFO, &bundle::info(&source.origin, &source.scope, done, bytes, files))?;
    let readme = readme::text(&source.origin.hub_name, &source.scope, &source.also, done);
    bag.tag(bundle::README, &readme)?;
    bag.tag(bundle::README_PAGE, &readme::page(&readme))?;
    match bag.close(&source.key, &done.bundle)? {
        Some(sealed) => verify_sealed(&sealed, bag.on_drive(), watch)?,
        None => verify(bag.root(), bytes, watch)?,
    }
    Ok(damaged)
}

/// The largest file of a bundle, by the bytes of its revisions. Media fit everywhere by their limit; of the tables GeoJSON is the longest:
/// 1.23 times the revisions with 3,000 observations of the demo.
const fn largest(revisions: u64) -> u64 {
    revisions * 5 / 4
}

/// The folder to export to, if it is one that a copy may be in.
fn target(to: &Path, data: &Path) -> Result<PathBuf, ExportError> {
    let real = to.canonicalize().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ExportError::TargetMissing(to.to_owned()),
        _ => drive_error(to, error),
    })?;
    if !real.is_dir() {
        return Err(ExportError::NotAFolder(real));
    }
    let data = data.canonicalize().unwrap_or_else(|_| data.to_owned());
    if real.starts_with(&data) { Err(ExportError::InsideData(real)) } else { Ok(real) }
}

fn is_on_drive(to: &Path, data: &Path) -> Result<bool, ExportError> {
    let there = Filesystem::of(to).map_err(|error| drive_error(to, error))?;
    let here = Filesystem::of(data).map_err(|error| drive_error(data, error))?;
    Ok(!there.is_same(&here) && !there.is_in_memory())
}

fn drive_failed(bag: &Bag) -> impl Fn(io::Error) -> ExportError + use<> {
    let root = bag.root().to_owned();
    move |error| drive_error(&root, error)
}

/// Reads everything back, as from another program.
fn verify(root: &Path, bytes_total: u64, watch: &Watch<'_>) -> Result<(), ExportError> {
    watch.step(|progress| {
        *progress = Progress { phase: Phase::Verifying, bytes: 0, bytes_total, ..*progress };
    })?;
    let mut first = None;
    let mut tell = |read: &check::Read| {
        let told = watch.step(|progress| progress.bytes = read.bytes);
        told.map_err(|_| io::Error::from(io::ErrorKind::Interrupted))
    };
    let mut keep_first = |fault| {
        first.get_or_insert(fault);
    };
    let read = check::bundle(root, false, &mut keep_first, &mut tell);
    verdict(root, read.map(|_| first.map(|fault| fault.to_string())))
}

/// The same with what nobody here can open: that it is what was written.
fn verify_sealed(sealed: &Sealed, folder: &Path, watch: &Watch<'_>) -> Result<(), ExportError> {
    watch.step(|progress| {
        *progress = Progress { phase: Phase::Verifying, bytes: 0, bytes_total: sealed.bytes(), ..*progress };
    })?;
    let mut tell = |bytes| watch.step(|progress| progress.bytes = bytes).map_err(|_| io::Error::from(io::ErrorKind::Interrupted));
    verdict(folder, sealed.fault(&mut tell))
}

/// What a reading back came to; its success is the first fault.
fn verdict(folder: &Path, read: io::Result<Option<String>>) -> Result<(), ExportError> {
    match read {
        Ok(None) => Ok(()),
        // A drive that was pulled has not lied.
        Ok(Some(_)) if let Err(source) = std::fs::read_dir(folder) => Err(ExportError::Gone { path: folder.to_owned(), source }),
        Ok(Some(first)) => Err(ExportError::NotVerified { first }),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(ExportError::Cancelled),
        Err(error) => Err(drive_error(folder, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_fat_cannot_hold_is_foreseen() {
        let on = |kind: &str| Filesystem { dev: 1, kind: kind.into(), source: "/dev/sdb1".into(), uuid: None };
        let (little, much) = (largest(3_400_000_000), largest(3_500_000_000));
        assert!(on("vfat").holds_file(little) && !on("vfat").holds_file(much));
        assert!(on("exfat").holds_file(much) && on("ext4").holds_file(much));
    }
}
