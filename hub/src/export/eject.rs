//! Giving a drive back to who plugged it in: unmounted and, where that can be, without power, by UDisks, which desktops ask for the same.
//!
//! `api/admin/exports` calls it when somebody presses the button, which stands there only where [`is_offered`] says so: not in a
//! Chromebook's Linux, whose drives are the Chromebook's own. It promises: nothing but a drive that one takes along is given back, and never
//! while something is copied; what UDisks refuses is said, and then nothing has changed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, io};

use super::drives::{self, Filesystem, Use};
use super::jobs;
use crate::hub::Hub;

const PROGRAM: &str = "udisksctl";

/// Why a drive was not given back.
#[derive(Debug, thiserror::Error)]
pub enum EjectError {
    /// There is none, or it is none of those that one takes along.
    #[error("there is no drive at {}", .0.display())]
    NoDrive(PathBuf),
    /// Something is copied.
    #[error("something is being copied")]
    Busy,
    /// UDisks would not.
    #[error("the system did not let the drive go: {0}")]
    Refused(String),
    /// It could not be asked.
    #[error("the system could not be asked")]
    Io(#[from] io::Error),
}

/// Whether the system would give back the drive that is mounted at `path`.
#[must_use]
pub fn is_offered(path: &Path) -> bool {
    device(path).is_some() && program().is_some()
}

/// Gives back the drive that is mounted at `path`.
///
/// # Errors
/// See [`EjectError`].
pub async fn eject(hub: &Hub, path: PathBuf) -> Result<(), EjectError> {
    let _nothing_begins = jobs::hold(hub).ok_or(EjectError::Busy)?;
    let asked = path;
    // What waits in memory has to reach the drive first, so it may take its time.
    let letting_go = tokio::task::spawn_blocking(move || {
        let is_drive = drives::places(Use::Read).iter().any(|place| place.removable && Path::new(&place.path) == asked);
        let (device, program) = device(&asked).filter(|_| is_drive).zip(program()).ok_or(EjectError::NoDrive(asked))?;
        let_go(&program, &device)
    });
    letting_go.await.map_err(io::Error::other)?
}

fn let_go(program: &Path, device: &str) -> Result<(), EjectError> {
    let ask = |what: &str| Command::new(program).args([what, "--no-user-interaction", "--block-device", device]).output();
    let unmounted = ask("unmount")?;
    if !unmounted.status.success() {
        let said = String::from_utf8_lossy(&unmounted.stderr);
        return Err(EjectError::Refused(said.lines().next().unwrap_or_default().to_owned()));
    }
    // A reader of cards stays where it is, and so does a drive of which another part is in use: it may be taken out all the same.
    match ask("power-off") {
        Ok(output) if output.status.success() => {}
        other => tracing::debug!(?other, device, "a drive that was unmounted keeps its power"),
    }
    Ok(())
}

/// The device under what is mounted there.
fn device(path: &Path) -> Option<String> {
    Filesystem::of(path).ok().map(|filesystem| filesystem.source).filter(|source| source.starts_with("/dev/"))
}

fn program() -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(PROGRAM)).find(|program| program.is_file())
}
