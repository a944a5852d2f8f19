//! Reading a bundle back: every file against the manifests, every media file against its BLAKE3 hash, every revision
//! against its id and signature.
//!
//! An export does this to what it has just written, `maloca verify` to any bundle. It promises: every listed byte is read,
//! and from the medium as far as the system allows: before a file is read, the system is asked to forget what it has cached of
//! it (`posix_fadvise`; filesystems in memory, FUSE and some network filesystems do not). Memory: a batch of lines,
//! a block, and some 20 bytes for each file.

use std::collections::HashSet;
use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use maloca_protocol::limits;
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::bundle::{self, BAGIT, INFO, MANIFEST, MEDIA_LIST, REVISIONS, TAG_MANIFEST};
use super::{lists, signature};
use crate::intake::validate;

/// Lines of revisions whose signatures are verified together.
const BATCH: usize = 500;

/// Something that is wrong with a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The file, relative to the bundle.
    pub file: String,
    /// What is wrong with it, in words that follow its name.
    pub what: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.file, self.what)
    }
}

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Read {
    /// Files of the payload.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Media files whose BLAKE3 hash was compared.
    pub media: u64,
    /// Revisions whose id and signature were checked.
    pub revisions: u64,
}

/// Tells how far the check has come, in bytes and media, and may end it.
pub type Tell<'a> = &'a mut dyn FnMut(&Read) -> io::Result<()>;

struct Check<'a> {
    root: &'a Path,
    fault: &'a mut dyn FnMut(Fault),
    tell: Tell<'a>,
    read: Read,
    /// Hashes of the paths that the manifest names: eight bytes each instead of a path, under a key that nobody knows.
    listed: HashSet<u64>,
    hasher: RandomState,
}

/// Checks a bundle; tells of each fault as it is found. `signatures` says whether each revision's id and signature are checked
/// too, which an export need not do again with bytes that it has just written.
///
/// # Errors
/// Where the folder itself cannot be read, or `tell` ends it (with [`io::ErrorKind::Interrupted`]); what is wrong inside is a
/// fault.
pub fn bundle(root: &Path, signatures: bool, fault: &mut dyn FnMut(Fault), tell: Tell<'_>) -> io::Result<Read> {
    std::fs::read_dir(root)?;
    let mut check = Check { root, fault, tell, read: Read::default(), listed: HashSet::new(), hasher: RandomState::new() };
    check.declaration();
    check.tags()?;
    check.payload()?;
    if signatures {
        check.revisions()?;
    }
    check.unlisted();
    check.oxum();
    Ok(check.read)
}

impl Check<'_> {
    fn wrong(&mut self, file: &str, what: impl Into<String>) {
        (self.fault)(Fault { file: file.to_owned(), what: what.into() });
    }

    fn declaration(&mut self) {
        match std::fs::read_to_string(self.root.join(BAGIT)) {
            Ok(text) if text.lines().next().is_some_and(|line| line.starts_with("BagIt-Version:")) => {}
            Ok(_) => self.wrong(BAGIT, "is no declaration of a bundle"),
            Err(error) => self.wrong(BAGIT, unreadable(&error)),
        }
    }

    fn lines(&mut self, name: &str) -> io::Result<Option<impl Iterator<Item = io::Result<String>> + use<>>> {
        match open(&self.root.join(name)) {
            Ok(file) => Ok(Some(lists::lines(BufReader::new(file)))),
            Err(error) => {
                self.wrong(name, unreadable(&error));
                Ok(None)
            }
        }
    }

    fn tags(&mut self) -> io::Result<()> {
        for line in self.lines(TAG_MANIFEST)?.into_iter().flatten() {
            self.listed_file(TAG_MANIFEST, line, false)?;
        }
        self.signature()
    }

    /// The hub's signature over the tag manifest, and whether that is the hub which made the bundle.
    fn signature(&mut self) -> io::Result<()> {
        let tag_manifest = match self.hash(TAG_MANIFEST, false) {
            Ok(hashes) => hashes.sha256,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            // It has been said already that it cannot be read.
            Err(_) => return Ok(()),
        };
        let mut text = Vec::new();
        let read = open(&self.root.join(signature::FILE)).and_then(|file| file.take(signature::BYTES).read_to_end(&mut text));
        let verdict = match read {
            Ok(_) => signature::signer(&text, &tag_manifest).map_err(str::to_owned),
            Err(error) => Err(unreadable(&error)),
        };
        match verdict {
            Err(what) => self.wrong(signature::FILE, what),
            Ok(hub) if self.said("Maloca-Hub").is_some_and(|said| said != hub.to_string()) => {
                self.wrong(signature::FILE, "was made by another hub than the one that bag-info.txt names");
            }
            Ok(_) => {}
        }
        Ok(())
    }

    /// What `bag-info.txt` says behind a label.
    fn said(&self, label: &str) -> Option<String> {
        let info = open(&self.root.join(INFO)).and_then(lists::Info::read).ok()?;
        info.said(label).map(str::to_owned)
    }

    /// Media come in the manifest in the order of `media.csv`, so that both are read once, side by side.
    fn payload(&mut self) -> io::Result<()> {
        let Some(lines) = self.lines(MANIFEST)? else { return Ok(()) };
        let mut media = self.media_list();
        let mut waiting = media.as_mut().and_then(Iterator::next);
        for line in lines {
            let Some((path, hashes)) = self.listed_file(MANIFEST, line, true)? else { continue };
            if let Some((expected, _)) = waiting.as_ref().filter(|(_, file)| *file == path) {
                if let Some(hashes) = hashes {
                    self.compare(&path, expected, &hashes);
                }
                waiting = media.as_mut().and_then(Iterator::next);
            }
        }
        // Another program may have written the manifest anew in another order; then the rest is read once more.
        while let Some((expected, file)) = waiting {
            match bundle::is_inside(&file).then(|| self.hash(&file, false)) {
                Some(Ok(hashes)) => self.compare(&file, &expected, &hashes),
                Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                Some(Err(error)) => self.wrong(&file, unreadable(&error)),
                None => self.wrong(MEDIA_LIST, "names a file outside the bundle"),
            }
            waiting = media.as_mut().and_then(Iterator::next);
        }
        Ok(())
    }

    fn compare(&mut self, path: &str, expected: &str, hashes: &Hashes) {
        self.read.media += 1;
        if hashes.blake3 != expected {
            self.wrong(path, "is not the media file that was received: its BLAKE3 hash is another");
        }
    }

    /// Hash and file of each row of the list of media.
    fn media_list(&mut self) -> Option<impl Iterator<Item = (String, String)> + use<>> {
        let file = match File::open(self.root.join(MEDIA_LIST)) {
            Ok(file) => file,
            Err(error) => {
                self.wrong(MEDIA_LIST, unreadable(&error));
                return None;
            }
        };
        Some(lists::media(file).flatten().map(|(file, hash)| (hash, file)))
    }

    /// Checks the file that a line of a manifest names; gives its path, and its hashes where it could be read.
    fn listed_file(
        &mut self,
        manifest: &str,
        line: io::Result<String>,
        is_payload: bool,
    ) -> io::Result<Option<(String, Option<Hashes>)>> {
        let line = match line {
            Ok(line) if line.trim().is_empty() => return Ok(None),
            Ok(line) => line,
            Err(error) => {
                self.wrong(manifest, unreadable(&error));
                return Ok(None);
            }
        };
        let Some((digest, path)) = bundle::read_manifest_line(&line) else {
            self.wrong(manifest, "has a line that names no file of the bundle");
            return Ok(None);
        };
        if is_payload && !self.listed.insert(self.hasher.hash_one(&path)) {
            self.wrong(manifest, format!("names {path} twice"));
            return Ok(None);
        }
        let hashes = match self.hash(&path, is_payload) {
            Ok(hashes) => hashes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                self.wrong(&path, unreadable(&error));
                return Ok(Some((path, None)));
            }
        };
        if hashes.sha256 != digest {
            self.wrong(&path, "is not what was written: its SHA-256 hash is another");
        }
        self.read.files += u64::from(is_payload);
        (self.tell)(&self.read)?;
        Ok(Some((path, Some(hashes))))
    }

    fn hash(&mut self, path: &str, is_payload: bool) -> io::Result<Hashes> {
        let whole = self.root.join(path);
        // A link would lead out of the bundle, to a file that nobody copied.
        if !whole.symlink_metadata()?.is_file() {
            return Err(io::Error::other("is no file"));
        }
        let mut file = open(&whole)?;
        let is_media = path.starts_with(bundle::MEDIA) && path.as_bytes().get(bundle::MEDIA.len()) == Some(&b'/');
        let (mut sha, mut blake) = (Sha256::new(), blake3::Hasher::new());
        let mut block = vec![0; limits::BLOCK_BYTES];
        loop {
            let read = match file.read(&mut block) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            sha.update(&block[..read]);
            if is_media {
                blake.update(&block[..read]);
            }
            if is_payload {
                self.read.bytes += read as u64;
                (self.tell)(&self.read)?;
            }
        }
        Ok(Hashes { sha256: sha.finalize().into(), blake3: blake.finalize().to_hex().to_string() })
    }

    fn revisions(&mut self) -> io::Result<()> {
        let mut file = match open(&self.root.join(REVISIONS)) {
            Ok(file) => BufReader::with_capacity(limits::BLOCK_BYTES, file),
            Err(error) => {
                self.wrong(REVISIONS, unreadable(&error));
                return Ok(());
            }
        };
        let (mut batch, mut before, mut in_batch) = (Vec::new(), 0_u64, 0);
        loop {
            let read = match file.by_ref().take(limits::LINE_BYTES as u64 + 1).read_until(b'\n', &mut batch) {
                Ok(read) => read,
                Err(error) => {
                    self.wrong(REVISIONS, unreadable(&error));
                    return Ok(());
                }
            };
            in_batch += 1;
            if read == 0 || in_batch == BATCH {
                for (number, verdict) in validate::lines(&batch) {
                    match verdict {
                        Ok(_) => self.read.revisions += 1,
                        Err(refusal) => self.wrong(REVISIONS, format!("line {}: {}", before + number, refusal.sentence())),
                    }
                }
                before += in_batch as u64;
                in_batch = 0;
                batch.clear();
                (self.tell)(&self.read)?;
            }
            if read == 0 {
                return Ok(());
            }
        }
    }

    /// Files of the payload that no manifest names.
    fn unlisted(&mut self) {
        let mut strangers = Vec::new();
        walk(&self.root.join("data"), &mut |path| {
            let relative = path.strip_prefix(self.root).unwrap_or(path).to_string_lossy();
            if !self.listed.contains(&self.hasher.hash_one(&*relative)) {
                strangers.push(relative.into_owned());
            }
        });
        for stranger in strangers {
            self.wrong(&stranger, "was added afterwards: no manifest names it");
        }
    }

    fn oxum(&mut self) {
        let said = self.said("Payload-Oxum");
        let here = format!("{}.{}", self.read.bytes, self.read.files);
        if let Some(said) = said.filter(|said| *said != here) {
            self.wrong(INFO, format!("says that the payload is {said} (bytes.files), but it is {here}"));
        }
    }
}

struct Hashes {
    sha256: [u8; 32],
    blake3: String,
}

/// What is wrong with a file that cannot be read, in words that follow its name.
pub(crate) fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "is missing".to_owned(),
        _ => format!("cannot be read ({error})"),
    }
}

/// Opens a file and asks the system to forget what it has cached of it.
/// Opens a file to be read from the medium.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    // Advice only: where it is not taken, the bytes may come from memory, and nothing can be done about it.
    let _ = posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED);
    Ok(file)
}

/// Every file below a folder, junk of systems left out. Links are not followed: they count as files, and are found wrong.
pub(crate) fn walk(folder: &Path, each: &mut dyn FnMut(&Path)) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        if name.to_str().is_some_and(bundle::is_junk) {
            continue;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&entry.path(), each),
            _ => each(&entry.path()),
        }
    }
}
