//! Drives and the filesystems on them, read from `/proc/self/mountinfo`: no service and no rights are needed.
//!
//! `api/admin/exports` shows the places one could export to; the ledger knows a filesystem by what is said here. It promises
//! nothing of what a drive is called: a label is for people, a UUID (where the system tells it) for the ledger.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Where removable media are mounted.
const REMOVABLE: &[&str] = &["/media", "/run/media", CHROMEBOOK, "/mnt"];

/// Where a Chromebook shares its drives with Linux.
const CHROMEBOOK: &str = "/mnt/chromeos/removable";

/// Filesystems that are gone with the power.
const IN_MEMORY: &[&str] = &["tmpfs", "ramfs", "devtmpfs"];

/// The largest file of FAT32.
const FAT_BYTES: u64 = 4 * 1024 * 1024 * 1024 - 1;

/// A filesystem, as the ledger knows it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filesystem {
    /// The device number, which may be another after the next start.
    pub dev: u64,
    /// Its type, such as `vfat`.
    pub kind: String,
    /// What is mounted, such as `/dev/sdb1`.
    pub source: String,
    /// Its UUID, where the system tells it.
    pub uuid: Option<String>,
}

impl Filesystem {
    /// The filesystem that holds `path`.
    ///
    /// # Errors
    /// Where `path` cannot be looked at.
    pub fn of(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize()?;
        let dev = fs::metadata(&path)?.dev();
        let (kind, source) = mount_of(&path).map(|mount| (mount.kind, mount.source)).unwrap_or_default();
        let uuid = uuid_of(&source);
        Ok(Self { dev, kind, source, uuid })
    }

    /// By what two exports are known to be on the same filesystem.
    #[must_use]
    pub fn identity(&self) -> String {
        match &self.uuid {
            Some(uuid) => format!("uuid {uuid}"),
            // Two sticks one after the other in one socket look the same without a UUID: rather one copy too few.
            None => format!("{} {}", self.kind, self.source),
        }
    }

    /// Whether `other` is the same filesystem.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.dev == other.dev || (self.uuid.is_some() && self.uuid == other.uuid)
    }

    /// Whether it holds a file of so many bytes.
    #[must_use]
    pub fn holds_file(&self, bytes: u64) -> bool {
        bytes <= FAT_BYTES || !matches!(self.kind.as_str(), "vfat" | "msdos" | "fat")
    }

    /// Whether it is gone with the power.
    #[must_use]
    pub fn is_in_memory(&self) -> bool {
        IN_MEMORY.contains(&self.kind.as_str())
    }
}

impl std::fmt::Display for Filesystem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.source)?;
        self.uuid.as_ref().map_or(Ok(()), |uuid| write!(f, " {uuid}"))
    }
}

/// Where the filesystem that holds `path` is mounted.
///
/// # Errors
/// Where `path` cannot be looked at.
pub fn root_of(path: &Path) -> io::Result<PathBuf> {
    let path = path.canonicalize()?;
    Ok(mount_of(&path).map_or_else(|| PathBuf::from("/"), |mount| mount.at))
}

/// The system's number for the mount that holds `path`: another one after a drive was taken out and put in again, however quickly.
#[must_use]
pub fn mount_number(path: &Path) -> Option<u64> {
    mount_of(&path.canonicalize().ok()?).map(|mount| mount.id)
}

/// The mount that holds a path without links: of mounts on one another the last one, and of nested ones the deepest.
fn mount_of(path: &Path) -> Option<Mount> {
    let mount = mounts().into_iter().filter(|mount| path.starts_with(&mount.at)).max_by_key(|mount| mount.at.as_os_str().len());
    mount.map(|mount| one_drive(mount, path))
}

/// A Chromebook shares all its drives in one mount: each folder there stands for a drive, known by what people call it.
fn one_drive(mount: Mount, path: &Path) -> Mount {
    let shared = path.strip_prefix(CHROMEBOOK).ok().and_then(|below| below.components().next());
    match shared {
        Some(drive) if Path::new(CHROMEBOOK).starts_with(&mount.at) => {
            let source = format!("{} {}", mount.source, drive.as_os_str().to_string_lossy());
            Mount { at: Path::new(CHROMEBOOK).join(drive), source, ..mount }
        }
        _ => mount,
    }
}

/// A folder that one could export to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The folder.
    pub path: String,
    /// What people call it.
    pub label: String,
    /// Bytes that this user may still write.
    pub free_bytes: Option<u64>,
    /// Bytes that its filesystem has in all.
    pub size_bytes: Option<u64>,
    /// Whether nothing can be written there.
    pub read_only: bool,
    /// The type of its filesystem.
    pub filesystem: String,
    /// Whether it looks like a drive that one takes along.
    pub removable: bool,
}

/// What is to be done with a drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Something is copied to it.
    Write,
    /// Something is read from it: a locked card, a disc, a stick that another system left unclean.
    Read,
}

/// Mounted drives that are good for it, then the home folder.
#[must_use]
pub fn places(purpose: Use) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for mount in mounts().into_iter().filter(|mount| purpose == Use::Read || !mount.is_read_only) {
        let path = mount.at.to_string_lossy().into_owned();
        let is_new = places.iter().all(|place| place.path != path);
        if is_new && is_removable(&mount) && fs::metadata(&mount.at).is_ok_and(|at| at.is_dir()) {
            places.push(Place { read_only: mount.is_read_only, ..place(&mount.at, label(&mount), mount.kind.clone(), true) });
        }
    }
    // A Chromebook shows its drives as folders of one mount.
    if let Ok(shared) = fs::read_dir(CHROMEBOOK) {
        for drive in shared.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_dir()) {
            let path = drive.to_string_lossy().into_owned();
            if places.iter().all(|place| place.path != path) {
                let label = drive.file_name().unwrap_or_default().to_string_lossy().into_owned();
                places.push(place(&drive, label, "9p".into(), true));
            }
        }
    }
    if let Some(home) = std::env::home_dir().filter(|home| home.is_dir()) {
        let kind = Filesystem::of(&home).map(|filesystem| filesystem.kind).unwrap_or_default();
        let label = home.file_name().unwrap_or(home.as_os_str()).to_string_lossy().into_owned();
        places.push(place(&home, label, kind, false));
    }
    places
}

fn place(path: &Path, label: String, filesystem: String, removable: bool) -> Place {
    let path_text = path.to_string_lossy().into_owned();
    Place { path: path_text, label, free_bytes: free(path), size_bytes: size(path), read_only: false, filesystem, removable }
}

/// Bytes that this user may still write under `path`; `None` where the system does not say.
#[must_use]
pub fn free(path: &Path) -> Option<u64> {
    let stat = nix::sys::statvfs::statvfs(path).ok()?;
    Some(stat.blocks_available() * stat.fragment_size())
}

/// Bytes that the filesystem under `path` has in all; `None` where the system does not say.
fn size(path: &Path) -> Option<u64> {
    let stat = nix::sys::statvfs::statvfs(path).ok()?;
    Some(stat.blocks() * stat.fragment_size())
}

fn is_removable(mount: &Mount) -> bool {
    let below = |folder: &&&str| mount.at.starts_with(**folder) && mount.at != Path::new(**folder);
    let is_drive =
        !IN_MEMORY.contains(&mount.kind.as_str()) && !matches!(mount.kind.as_str(), "autofs" | "proc" | "sysfs" | "fuse.portal");
    is_drive && REMOVABLE.iter().any(|folder| below(&folder))
}

fn label(mount: &Mount) -> String {
    let by_label = linked("/dev/disk/by-label", &mount.source).map(|label| unescape(&label, "\\x", 16));
    by_label.unwrap_or_else(|| mount.at.file_name().unwrap_or_default().to_string_lossy().into_owned())
}

fn uuid_of(source: &str) -> Option<String> {
    linked("/dev/disk/by-uuid", source)
}

/// The name of the link in `folder` that leads to the device `source`.
fn linked(folder: &str, source: &str) -> Option<String> {
    let device = Path::new(source).canonicalize().ok().filter(|_| source.starts_with("/dev/"))?;
    let links = fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let link = links.into_iter().find(|link| link.path().canonicalize().is_ok_and(|to| to == device))?;
    link.file_name().into_string().ok()
}

/// A line of mountinfo.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mount {
    /// The system's number for it, another one each time that a drive is mounted.
    id: u64,
    at: PathBuf,
    kind: String,
    source: String,
    is_read_only: bool,
}

fn mounts() -> Vec<Mount> {
    let text = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    text.lines().filter_map(read_mount).collect()
}

/// `36 35 98:0 / /media/usb rw,noatime shared:1 - vfat /dev/sdb1 rw`
fn read_mount(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let id = before.split(' ').next()?.parse().ok()?;
    let mut before = before.split(' ').skip(4);
    let (at, options) = (before.next()?, before.next()?);
    let mut after = after.split(' ');
    let (kind, source) = (after.next()?, after.next()?);
    let is_read_only = options.split(',').any(|option| option == "ro");
    Some(Mount { id, at: unescape(at, "\\", 8).into(), kind: kind.to_owned(), source: unescape(source, "\\", 8), is_read_only })
}

/// Undoes the escapes of mountinfo (`\040`) and of udev's links (`\x20`): `mark`, then digits of `radix`.
fn unescape(text: &str, mark: &str, radix: u32) -> String {
    let digits = if radix == 8 { 3 } else { 2 };
    let (mut bytes, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find(mark) {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let code = rest.get(at + mark.len()..at + mark.len() + digits);
        match code.and_then(|code| u8::from_str_radix(code, radix).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[at + mark.len() + digits..];
            }
            None => {
                bytes.extend_from_slice(mark.as_bytes());
                rest = &rest[at + mark.len()..];
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_read_with_spaces_in_their_names() {
        let mount = read_mount("36 35 98:0 / /media/rosa/USB\\040DISK rw,noatime shared:1 - vfat /dev/sdb1 rw,utf8").unwrap();
        assert_eq!(mount.at, Path::new("/media/rosa/USB DISK"));
        assert_eq!((mount.kind.as_str(), mount.source.as_str()), ("vfat", "/dev/sdb1"));
        assert!(is_removable(&mount));
        let root = read_mount("1 0 98:0 / / rw - ext4 /dev/sda1 rw").unwrap();
        assert!(!is_removable(&root));
        let read_only = read_mount("36 35 98:0 / /media/cd ro - iso9660 /dev/sr0 ro").unwrap();
        assert!(read_only.is_read_only && is_removable(&read_only));
        assert_eq!(unescape("Mi\\x20Disco", "\\x", 16), "Mi Disco");
        assert_eq!(unescape("a\\b", "\\", 8), "a\\b");
    }

    #[test]
    fn the_drives_of_a_chromebook_are_told_apart() {
        let shared = read_mount("40 35 0:30 / /mnt/chromeos rw - 9p 9p rw").unwrap();
        let of = |path: &str| one_drive(shared.clone(), Path::new(path));
        let one = of("/mnt/chromeos/removable/USB Drive/Maloca/20261121_0528_a_full_1");
        assert_eq!(one.at, Path::new("/mnt/chromeos/removable/USB Drive"));
        assert_ne!(one.source, of("/mnt/chromeos/removable/SD Card/Maloca").source);
        assert_eq!(of("/mnt/chromeos/MyFiles"), shared);
        let own = read_mount("36 35 98:0 / /mnt/chromeos/removable/x rw - vfat /dev/sdb1 rw").unwrap();
        assert_eq!(one_drive(own.clone(), Path::new("/mnt/chromeos/removable/x/Maloca")), own);
    }

    #[test]
    fn this_folder_is_on_a_filesystem() {
        let here = Filesystem::of(Path::new(".")).unwrap();
        assert!(!here.kind.is_empty());
        assert!(here.is_same(&here));
    }
}
