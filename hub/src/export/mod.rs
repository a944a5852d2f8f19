//! Export: everything that the hub holds, what is new for the drive, or the part that a filter lets through, copied to a drive as a bundle, read back, and
//! entered into the ledger.
//!
//! `cli/export` and [`jobs`] (for the page) call [`export`]. It promises: a bundle is of one point of the feed; it has its
//! name only when all of it is durable and was read back; an earlier bundle is never touched; what goes wrong is one
//! sentence that says what to do, and leaves neither drive nor hub damaged. A media file that is damaged on the hub's own
//! disk does not stop the rest: it is listed as missing, and said. A part says that it is one, and counts for what is in it.

pub mod bundle; // the layout of a bundle: names and manifests
pub mod columns; // one flattening, one list of columns
pub mod legend; // what each category is called, and its colour
pub mod formats; // the files that people open
pub mod also; // those among them that have to be asked for
pub mod names; // names that every drive can hold
pub mod places; // where each media file lies in the bundle
pub mod scope; // everything, what is new, or a part
pub mod part; // just what a filter lets through
pub mod sealed; // for those alone who have a key
pub mod registry; // who has joined, by name
pub mod signature; // the hub's word for all of it
pub mod readme; // for whoever finds the drive
mod run; // from a snapshot to a bundle that was read back
mod write; // files and folders, fsynced
mod leftovers; // what an interrupted one has left
pub mod check; // reading back
pub(crate) mod lists; // lists that strangers may have written
pub mod ledger; // which export is on which drive
pub mod carried; // what each drive has, entry by entry
pub mod standing; // what of it is still there
pub mod by_itself; // to drives that the manager has marked
pub mod retention; // freeing what two drives hold
pub mod drives; // drives and filesystems
pub mod eject; // giving a drive back
pub mod jobs; // one export at a time, for the page

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use crate::hub::Hub;
use crate::media::heal;
use crate::store::{self, Spans, StoreError, View};
use also::Also;
use bundle::Kind;
use drives::Filesystem;
use part::Part;
use scope::{Scope, What};
use sealed::Keys;

/// What is to be exported, and where to.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// The folder or drive.
    pub to: PathBuf,
    /// What.
    pub what: What,
    /// Who alone can open it.
    pub keys: Keys,
    /// Further files for programs that cannot open those which every bundle has.
    pub also: BTreeSet<Also>,
}

impl From<PathBuf> for Wish {
    /// Everything, for everybody.
    fn from(to: PathBuf) -> Self {
        Self { to, what: What::Everything, also: BTreeSet::new(), keys: Keys::default() }
    }
}

/// What an export is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Writing to the drive.
    #[default]
    Writing,
    /// Reading back what was written.
    Verifying,
}

/// How far an export has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// Bytes of this phase that are done: of media and revisions while writing, of everything while verifying.
    pub bytes: u64,
    /// Bytes of this phase in all.
    pub bytes_total: u64,
    /// Observations written.
    pub observations: u64,
    /// Media files written.
    pub media: u64,
}

/// What an export came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The bundle's id.
    pub bundle: [u8; 16],
    /// When it was made, milliseconds since 1970.
    pub at: i64,
    /// Where it is.
    pub path: PathBuf,
    /// The head of the feed at its snapshot, and the chain hash there.
    pub head: u64,
    /// See `head`.
    pub chain: [u8; 32],
    /// What of the hub it is.
    pub kind: Kind,
    /// The entries of the feed that are in it.
    pub holds: Spans,
    /// Observations that are not deleted.
    pub observations: u64,
    /// Kept revisions.
    pub revisions: u64,
    /// Media files.
    pub media: u64,
    /// Media that are attached and not in it, whatever the reason.
    pub missing: u64,
    /// Media that the hub should have and could not read, or not as they once came.
    pub damaged: u64,
    /// Bytes of the payload.
    pub bytes: u64,
    /// Whether it is on another filesystem than the data folder, and one that outlives the power.
    pub on_drive: bool,
}

/// Why there is no new bundle. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The folder to export to is not there.
    #[error("there is no folder {}; plug the drive in, or choose another folder", .0.display())]
    TargetMissing(PathBuf),
    /// What is there is no folder.
    #[error("{} is no folder; choose a folder or a drive", .0.display())]
    NotAFolder(PathBuf),
    /// A copy inside the data folder is no copy.
    #[error("{} is inside the hub's own data folder; choose a folder outside it, best on a drive", .0.display())]
    InsideData(PathBuf),
    /// Nothing can be written there.
    #[error("{} can only be read; move the drive's lock switch, or use another drive", .0.display())]
    ReadOnly(PathBuf),
    /// This user may not write there.
    #[error("you have no right to write to {}; choose another folder, or give yourself the right", .0.display())]
    Denied(PathBuf),
    /// There is no room.
    #[error("{} is full{}; free some space there or use a larger drive. Nothing was changed", .path.display(), needs(*.needed, *.free))]
    Full {
        /// Where.
        path: PathBuf,
        /// Bytes that are needed, where they were known beforehand.
        needed: Option<u64>,
        /// Bytes that are free.
        free: Option<u64>,
    },
    /// The filesystem holds no file that is so large.
    #[error("the filesystem of {} holds no file of this size; format the drive as exFAT, or use another", .0.display())]
    TooLarge(PathBuf),
    /// The drive went away or failed.
    #[error("the drive at {} does not answer any more; plug it in again and repeat the export, or use another drive", .path.display())]
    Gone {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// What was read back is not what was written.
    #[error("the drive did not keep what was written to it ({first}); do not trust it, and use another one")]
    NotVerified {
        /// The first thing that was wrong.
        first: String,
    },
    /// The drive has all of it.
    #[error("everything is on this drive already; nothing was copied")]
    NothingNew,
    /// It was cancelled.
    #[error("the export was cancelled; nothing of it is left on the drive")]
    Cancelled,
    /// The bundle is whole and verified, but the hub could not note that.
    #[error("the copy at {} is whole and verified, but the hub could not write that down; repeat the export later", .path.display())]
    NotNoted {
        /// Where it is.
        path: PathBuf,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// The hub's store failed.
    #[error("the hub's own data could not be read; run `maloca verify` on its data folder")]
    Store(#[from] StoreError),
    /// Anything else that the system refused.
    #[error("could not write to {}", .path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

fn needs(needed: Option<u64>, free: Option<u64>) -> String {
    let mebi = |bytes: u64| bytes.div_ceil(1024 * 1024);
    match (needed, free) {
        (Some(needed), Some(free)) => format!(" (about {} MiB are needed, {} MiB are free)", mebi(needed), mebi(free)),
        _ => String::new(),
    }
}

impl ExportError {
    /// The stable name of the problem.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TargetMissing(_) => "export_target_missing",
            Self::NotAFolder(_) => "export_not_a_folder",
            Self::InsideData(_) => "export_inside_data",
            Self::ReadOnly(_) => "export_read_only",
            Self::Denied(_) => "export_denied",
            Self::Full { .. } => "export_full",
            Self::TooLarge(_) => "export_file_too_large",
            Self::Gone { .. } => "export_drive_gone",
            Self::NotVerified { .. } => "export_not_verified",
            Self::NothingNew => "export_nothing_new",
            Self::Cancelled => "export_cancelled",
            Self::NotNoted { .. } => "export_not_noted",
            Self::Store(_) => "export_store",
            Self::Io { .. } => "export_failed",
        }
    }
}

/// What an error of the system on the drive means to a person.
fn drive_error(path: &Path, source: io::Error) -> ExportError {
    use io::ErrorKind as Kind;
    let path = path.to_owned();
    match source.kind() {
        Kind::StorageFull | Kind::QuotaExceeded => ExportError::Full { free: drives::free(&path), path, needed: None },
        Kind::ReadOnlyFilesystem => ExportError::ReadOnly(path),
        Kind::PermissionDenied => ExportError::Denied(path),
        Kind::FileTooLarge => ExportError::TooLarge(path),
        // What this program has just made cannot be missing, unless the drive is.
        Kind::NotFound | Kind::StaleNetworkFileHandle | Kind::NotConnected => ExportError::Gone { path, source },
        _ if is_gone(&source) || is_nowhere(&path) => ExportError::Gone { path, source },
        _ => ExportError::Io { path, source },
    }
}

/// Whether the folder is gone in which something lies that this program has just made: some libraries do not say why they failed.
fn is_nowhere(path: &Path) -> bool {
    path.parent().is_some_and(|folder| folder.symlink_metadata().is_err())
}

fn is_gone(error: &io::Error) -> bool {
    use nix::errno::Errno;
    let code = error.raw_os_error().map(Errno::from_raw);
    matches!(code, Some(Errno::EIO | Errno::ENODEV | Errno::ENXIO | Errno::ENOMEDIUM | Errno::ESHUTDOWN))
}

/// Bytes that a revision takes in all files of a bundle together: 3,036 with 5,000 observations of the demo, rounded up.
const REVISION_BYTES: u64 = 3_200;

/// About how many bytes a copy of everything takes, for a person who chooses a drive. An export itself reckons closely before it begins.
///
/// # Errors
/// Where the store fails.
pub fn estimate(view: &impl View) -> Result<u64, StoreError> {
    let totals = store::totals(view)?;
    Ok(totals.media_bytes + totals.fingerprint.count * REVISION_BYTES + run::AIR_BYTES)
}

/// Exports to a new bundle, reads it back, and enters it into the ledger. A folder alone as a `wish` means everything.
///
/// `report` is told of progress from a blocking thread, some times a second at least and never in a hurry; `cancel` ends the
/// export at the next block.
///
/// # Errors
/// See [`ExportError`].
pub async fn export(
    hub: &Hub,
    wish: impl Into<Wish>,
    cancel: CancellationToken,
    report: impl Fn(Progress) + Send + Sync + 'static,
) -> Result<Done, ExportError> {
    let Wish { to, what, also, keys } = wish.into();
    let is_sealed = !keys.is_empty();
    let scope = match what {
        What::Everything => Scope::Everything,
        What::Part(part) => Scope::Part(part),
        // To a drive without a copy everything is new.
        What::New => {
            let there = standing::look(hub, &to).await?.base(is_sealed);
            Some(there).filter(|there| !there.is_empty()).map_or(Scope::Everything, Scope::New)
        }
    };
    let (shared, place) = (hub.clone(), to.clone());
    let part = scope.part().map(Part::brief);
    // All of it waits for disks.
    let work = tokio::task::spawn_blocking(move || {
        let source = run::Source::of(&shared, scope, also, keys)?;
        let watch = run::Watch::new(&report, &cancel);
        let (done, damaged) = run::run(&source, &to, &watch)?;
        let lies = Lies::at(&done.path).map_err(|error| drive_error(&done.path, error))?;
        Ok::<_, ExportError>((done, damaged, lies))
    });
    let outcome = work.await.map_err(|error| StoreError::Bug(format!("an export ended early: {error}")))?;
    if let Err(ExportError::NotVerified { first }) = &outcome {
        note_a_liar(hub, &place, first).await;
    }
    let (done, damaged, lies) = outcome?;
    for (hash, error) in &damaged {
        heal::spoilt(&hub.store, *hash, error).await;
    }
    let row = ledger::Export {
        kind: done.kind,
        sealed: is_sealed,
        on_drive: done.on_drive,
        head: done.head,
        chain: data_encoding::HEXLOWER.encode(&done.chain),
        holds: Some(done.holds.to_text()),
        part,
        observations: done.observations,
        revisions: done.revisions,
        media: done.media,
        bytes: done.bytes,
        ..lies.holding_nothing(hub, &done.path, done.bundle)
    };
    match ledger::enter(&hub.store, row).await {
        Ok(()) => Ok(done),
        Err(source) => Err(ExportError::NotNoted { path: done.path, source }),
    }
}

/// Where something lies: on which filesystem, and where on it.
struct Lies {
    filesystem: Filesystem,
    within: Option<PathBuf>,
}

impl Lies {
    fn at(path: &Path) -> io::Result<Self> {
        let (path, root) = (path.canonicalize()?, drives::root_of(path)?);
        let within = path.strip_prefix(&root).ok().map(Path::to_owned);
        Ok(Self { filesystem: Filesystem::of(&path)?, within })
    }

    /// A row of the ledger for what lies here, of which nothing is known yet.
    fn holding_nothing(self, hub: &Hub, path: &Path, bundle: [u8; 16]) -> ledger::Export {
        ledger::Export {
            bundle: data_encoding::HEXLOWER.encode(&bundle),
            path: path.to_string_lossy().into_owned(),
            within: self.within,
            kind: Kind::Full,
            sealed: false,
            filesystem: self.filesystem,
            on_drive: false,
            epoch: hub.epoch,
            head: 0,
            chain: String::new(),
            holds: Some(String::new()),
            through: None,
            part: None,
            observations: 0,
            revisions: 0,
            media: 0,
            bytes: 0,
            verified_at: hub.clock.now(),
            fault: None,
            gone_at: None,
        }
    }
}

/// Writes into the history that a drive did not keep what was written to it, so that nobody trusts it for having forgotten that.
async fn note_a_liar(hub: &Hub, place: &Path, first: &str) {
    let Ok(lies) = Lies::at(place) else { return };
    let row = ledger::Export { fault: Some(first.to_owned()), ..lies.holding_nothing(hub, place, rand::random()) };
    if let Err(error) = ledger::enter(&hub.store, row).await {
        tracing::warn!(%error, "a drive that did not keep what was written to it could not be noted");
    }
}
