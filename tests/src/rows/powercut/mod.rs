//! Real power cuts: a machine of its own (user-mode-linux, a kernel as a program) with the hub on ext4, killed under load.
//!
//! What the machine had only in its memory is lost with it, its page cache above all; what its kernel had handed to the disk, a
//! file of the test, stays. The next machine boots on the same file, mounts it, starts the hub, and holds it against what the
//! machines before had told over the console, each line only after the hub's answer had come: revisions byte for byte through
//! the feed, files through `GET /media/{hash}`, the offset of an unfinished upload, devices' tokens; `maloca verify` must find
//! nothing. Then it loads the hub in turn. A quarter of the cuts are followed by another one while the machine recovers.
//!
//! The disk keeps what was handed to it, in order: a hub that never asks for durability is caught, a disk that lies is not
//! played. There is no network in the machine but its loopback. `make torture` calls this; planted bugs: see [`lies`].

pub mod guest; // what runs inside the machine
pub mod lies; // planted bugs that it must notice
mod machine; // the machine itself: boot, console, cut
mod told; // what was told over the console, and the model that grows from it

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rand::RngExt as _;
use tempfile::TempDir;

use self::machine::Machine;
use super::{Row, Run};
use crate::hub::{fast_folder, folder};

/// See the module.
pub static ROW: Row = Row {
    name: "powercut",
    what: "power cuts of a machine with the hub on ext4",
    short: 0,
    mark: 1_000,
    chunk: 20,
    lan: Some(TOOLS),
    run: |run| with(run, Lie::None),
};

/// The programs beside user-mode-linux.
pub const TOOLS: &[&str] = &["mkfs.ext4", "mount"];

/// What is planted to see that the row notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// Nothing.
    None,
    /// What was sent counts as acknowledged, as by a hub that answers before its commit.
    AckOnSend,
    /// The hub never makes anything durable.
    NoSync,
    /// The hub makes files durable, and their names not; ext4 loses such a name within a few cuts.
    NoFolderSync,
}

/// Power cuts of one disk, before a new one is made.
const CUTS_PER_DISK: u64 = 10;

/// Bytes of a disk; few of them are ever written. The hub wants some of them to stay free.
const DISK: u64 = 2 << 30;

/// Why there can be no power cut here; `None` where there can.
#[must_use]
pub fn refusal() -> Option<String> {
    let attempt = Command::new("linux.uml").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    (!attempt.is_ok_and(|status| status.success())).then(|| "there is no program linux.uml (Debian's user-mode-linux)".into())
}

/// Runs the row, perhaps with a planted bug. To be called in namespaces of its own.
///
/// # Panics
/// At the first thing that is not as promised.
pub fn with(run: &mut Run, lie: Lie) {
    run.skipped = refusal();
    while run.skipped.is_none() && run.done < run.count {
        let cuts = CUTS_PER_DISK.min(run.count - run.done);
        disk(run, cuts, lie);
    }
}

/// One disk, and so many cuts of the machines that it is put into.
fn disk(run: &mut Run, cuts: u64, lie: Lie) {
    let disk = Disk::new(run.random.random(), lie);
    let mut told: Vec<String> = Vec::new();
    // Each machine has a number of its own, since one that is to be cut while it recovers may be quicker than that.
    let (mut boots, mut recovery) = (0.., None);
    let mut boot = |told: &[String], is_last| Machine::boot(&disk, boots.next().expect("numbers"), told, is_last);
    for cut in 0..=cuts {
        if let Some(longest) = recovery.filter(|_| run.random.random_ratio(1, 4)) {
            let mut machine = boot(&told, false);
            machine.until("disk");
            std::thread::sleep(run.random.random_range(Duration::ZERO..longest));
            told.extend(machine.cut());
            run.count("further cuts while the machine recovered", 1);
        }
        let mut machine = boot(&told, cut == cuts);
        machine.until("disk");
        let begun = Instant::now();
        let holds = machine.until("holds");
        recovery = Some(begun.elapsed());
        let mut numbers = holds.split_whitespace().map(|number| number.parse::<u64>().expect("a number"));
        for what in ["revisions looked up", "files looked up"] {
            run.count(what, numbers.next().expect("a number"));
        }
        // Every cut but that before the first boot has been withstood now.
        run.done += u64::from(cut > 0);
        if cut < cuts {
            machine.until("load");
            // The moment is the fault: anywhere from the first request to a loaded hub.
            std::thread::sleep(Duration::from_millis(run.random.random_range(5..2_000)));
        }
        told.extend(machine.cut());
    }
    run.count("revisions' batches acknowledged", told.iter().filter(|line| line.starts_with("batch ")).count() as u64);
    run.count("files acknowledged", told.iter().filter(|line| line.starts_with("photo ")).count() as u64);
    run.count("pieces of large files acknowledged", told.iter().filter(|line| line.starts_with("piece ")).count() as u64);
}

/// A disk, and what is beside it.
struct Disk {
    /// What is sent to its hub grows from this.
    seed: u64,
    lie: Lie,
    /// Of the disk itself. In memory, since it is not this machine whose power is cut.
    image: TempDir,
    /// What the machine reads, and where it mounts the disk. Not in /dev, where it has files of its own.
    folder: TempDir,
}

impl Disk {
    /// An empty one, and what is planted.
    fn new(seed: u64, lie: Lie) -> Self {
        let disk = Self { seed, lie, image: fast_folder(), folder: folder() };
        std::fs::create_dir(disk.folder.path().join("mounted")).expect("a folder");
        std::fs::File::create(disk.image()).and_then(|file| file.set_len(DISK)).expect("a sparse file");
        // A small journal goes round often, so that a cut finds it in every state.
        done(Command::new("mkfs.ext4").args(["-q", "-F", "-J", "size=8"]).arg(disk.image()));
        let macros: &[&str] = match lie {
            Lie::NoSync => &[],
            Lie::NoFolderSync => &["-DFOLDERS_ONLY"],
            Lie::None | Lie::AckOnSend => return disk,
        };
        let (source, library) = (disk.folder.path().join("no_sync.c"), disk.folder.path().join(guest::PRELOAD));
        std::fs::write(&source, include_str!("no_sync.c")).expect("a file");
        done(Command::new("cc").args(["-shared", "-fPIC", "-O1"]).args(macros).arg("-o").args([library, source]));
        disk
    }

    fn image(&self) -> PathBuf {
        self.image.path().join("disk")
    }
}

fn done(command: &mut Command) {
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
