//! The hub's key, and whether the data folder is still where it was.
//!
//! [`crate::hub::Hub::open`] calls this. It promises: the key's file is readable by its owner only and is never half
//! written; a data folder that was copied, or carried to another machine, goes on under a key of its own, which the old one
//! vouches for, so that two hubs never speak as one.

use std::io;
use std::path::Path;

use maloca_protocol::DeviceKey;
use serde::{Deserialize, Serialize};

use crate::files::Files;

/// The file with the hub's secret key: 64 hex digits, and on a second line the id that belongs to it.
pub const KEY_FILE: &str = "hub.key";

/// Reads the hub's key, or makes one.
///
/// # Errors
/// Where the file cannot be read or written, or holds no key.
pub fn key(files: &Files, data: &Path) -> io::Result<DeviceKey> {
    let path = data.join(KEY_FILE);
    match files.read(&path) {
        Ok(bytes) => parse(&bytes).ok_or_else(|| {
            let path = path.display();
            let text =
                format!("{path} holds no key, or a damaged one; restore it from a copy, or remove it to begin with a new one");
            io::Error::new(io::ErrorKind::InvalidData, text)
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = DeviceKey::generate();
            files.write_secret(&path, written(&key).as_bytes())?;
            Ok(key)
        }
        Err(error) => Err(error),
    }
}

/// The id is written beside the secret so that a flipped bit does not make another hub of this one, in silence.
fn written(key: &DeviceKey) -> String {
    format!("{}\n{}\n", data_encoding::HEXLOWER.encode(&key.seed()), key.id())
}

/// The first versions wrote no id.
fn parse(bytes: &[u8]) -> Option<DeviceKey> {
    let mut lines = std::str::from_utf8(bytes).ok()?.lines();
    let seed = data_encoding::HEXLOWER.decode(lines.next()?.trim().as_bytes()).ok()?;
    let key = DeviceKey::from_seed(seed.try_into().ok()?);
    lines.next().is_none_or(|id| id == key.id().to_string()).then_some(key)
}

/// Puts the key aside, under the beginning of its id, and makes a new one.
///
/// # Errors
/// Where the folder cannot be written.
pub fn replace_key(files: &Files, data: &Path, old: &DeviceKey) -> io::Result<DeviceKey> {
    let aside = data.join(format!("hub-{}.key", &old.id().to_string()[..8]));
    files.write_secret(&aside, written(old).as_bytes())?;
    let key = DeviceKey::generate();
    files.write_secret(&data.join(KEY_FILE), written(&key).as_bytes())?;
    Ok(key)
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
    pub fn of(files: &Files, data: &Path) -> io::Result<Self> {
        let machine = std::fs::read_to_string("/etc/machine-id").unwrap_or_default().trim().to_owned();
        Ok(Self { machine, folder: files.inode(data)? })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn the_key_is_secret_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let made = key(&Files::real(), folder.path()).unwrap();
        assert_eq!(key(&Files::real(), folder.path()).unwrap().id(), made.id());
        assert_eq!(fs::metadata(folder.path().join(KEY_FILE)).unwrap().mode() & 0o777, 0o600);
        let next = replace_key(&Files::real(), folder.path(), &made).unwrap();
        assert_ne!(next.id(), made.id());
        assert_eq!(key(&Files::real(), folder.path()).unwrap().id(), next.id());
    }

    #[test]
    fn a_broken_key_is_said_and_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let made = key(&Files::real(), folder.path()).unwrap();
        let sound = fs::read(folder.path().join(KEY_FILE)).unwrap();
        for bit in 0..sound.len() * 8 {
            let mut rotten = sound.clone();
            rotten[bit / 8] ^= 1 << (bit % 8);
            assert!(parse(&rotten).is_none_or(|read| read.id() == made.id()), "bit {bit}");
        }
        fs::write(folder.path().join(KEY_FILE), "half a k").unwrap();
        assert!(key(&Files::real(), folder.path()).is_err());
        assert_eq!(fs::read_to_string(folder.path().join(KEY_FILE)).unwrap(), "half a k");
    }
}
