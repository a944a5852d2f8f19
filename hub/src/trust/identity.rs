//! The hub's key, and whether the data folder is still where it was.
//!
//! [`crate::hub::Hub::open`] calls this. It promises: the key's file is readable by its owner only and is never half
//! written; a data folder that was copied, or carried to another machine, goes on under a key of its own, which the old one
//! vouches for, so that two hubs never speak as one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use maloca_protocol::DeviceKey;
use serde::{Deserialize, Serialize};

/// The file with the hub's secret key, as 64 hex digits.
pub const KEY_FILE: &str = "hub.key";

/// Reads the hub's key, or makes one.
///
/// # Errors
/// Where the file cannot be read or written, or holds no key.
pub fn key(data: &Path) -> io::Result<DeviceKey> {
    let path = data.join(KEY_FILE);
    match fs::read_to_string(&path) {
        Ok(text) => {
            let seed = data_encoding::HEXLOWER.decode(text.trim().as_bytes()).ok().and_then(|seed| seed.try_into().ok());
            let seed: [u8; 32] = seed.ok_or_else(|| {
                let text =
                    format!("{} holds no key; restore it from a copy, or remove it to begin with a new one", path.display());
                io::Error::new(io::ErrorKind::InvalidData, text)
            })?;
            Ok(DeviceKey::from_seed(seed))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = DeviceKey::generate();
            write_secret(&path, data_encoding::HEXLOWER.encode(&key.seed()).as_bytes())?;
            Ok(key)
        }
        Err(error) => Err(error),
    }
}

/// Puts the key aside, under the beginning of its id, and makes a new one.
///
/// # Errors
/// Where the folder cannot be written.
pub fn replace_key(data: &Path, old: &DeviceKey) -> io::Result<DeviceKey> {
    let aside = data.join(format!("hub-{}.key", &old.id().to_string()[..8]));
    write_secret(&aside, data_encoding::HEXLOWER.encode(&old.seed()).as_bytes())?;
    let key = DeviceKey::generate();
    write_secret(&data.join(KEY_FILE), data_encoding::HEXLOWER.encode(&key.seed()).as_bytes())?;
    Ok(key)
}

/// Writes a file that only its owner may read: whole, durable, or not at all.
pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new: PathBuf = path.with_extension("new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

/// Where a data folder is at home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    machine: String,
    folder: u64,
}

impl Home {
    /// This machine and this folder. A folder that was moved on its disk keeps its inode; a copy has another.
    ///
    /// # Errors
    /// Where the folder cannot be looked at.
    pub fn of(data: &Path) -> io::Result<Self> {
        let machine = fs::read_to_string("/etc/machine-id").unwrap_or_default().trim().to_owned();
        Ok(Self { machine, folder: fs::metadata(data)?.ino() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_secret_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let made = key(folder.path()).unwrap();
        assert_eq!(key(folder.path()).unwrap().id(), made.id());
        assert_eq!(fs::metadata(folder.path().join(KEY_FILE)).unwrap().mode() & 0o777, 0o600);
        let next = replace_key(folder.path(), &made).unwrap();
        assert_ne!(next.id(), made.id());
        assert_eq!(key(folder.path()).unwrap().id(), next.id());
    }

    #[test]
    fn a_broken_key_is_said_and_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(KEY_FILE), "half a k").unwrap();
        assert!(key(folder.path()).is_err());
        assert_eq!(fs::read_to_string(folder.path().join(KEY_FILE)).unwrap(), "half a k");
    }
}
