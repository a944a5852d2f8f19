//! Observations that other programs wrote come in: GeoJSON (CoMapeo's with its ZIP of photos), tables with places, camera-trap packages.
//!
//! `cli/import` and [`super::jobs`] call [`take`], the page shows [`look`] before. They pass the plain door: the hub signs each observation
//! and names the file's own id in it. It promises: the same source twice changes nothing; a changed one makes edits upon what it said
//! before, so that what people edited meanwhile stays, or shows as a conflict; an observation that is here by another way stays as it is;
//! what cannot be read is named, and harms no other; nothing outside the source's folder is read, and a ZIP fills no disk.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use maloca_protocol::rest::{Outcome, PlainObservation};
use maloca_protocol::revision::Attachment;
use maloca_protocol::{DocId, MediaHash, limits};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::bundle::{NAMED_FAULTS, Progress, Taken};
use super::sources::{self, Item, Read};
use super::{ImportError, MediaIn, check_room, media_in};
use crate::export::check::Fault;
use crate::hub::Hub;
use crate::intake::plain;
use crate::store::{StoreError, T, View as _};

/// What the plain door calls all that comes by this way; ids are those of documents, which name their source already.
const SOURCE: &str = "import";

/// Observations that become one commit.
const BATCH: usize = 200;

/// The beginning of the folder's name in which a ZIP is unpacked, in the data folder.
const UNPACKED: &str = "unpacked-";

/// Files in a ZIP, at most.
const ENTRIES: usize = 200_000;

/// Categories and observations that a preview shows.
const SHOWN: usize = 5;

/// What a source holds, before anything of it is taken.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Preview {
    /// Observations in it.
    pub observations: u64,
    /// Those that are here already.
    pub known: u64,
    /// Those with a place.
    pub with_place: u64,
    /// Photos and other files, as often as they are named.
    pub media: u64,
    /// The most frequent categories, and how often each stands there.
    pub categories: Vec<(String, u64)>,
    /// The first ones as they would be here.
    pub first: Vec<Map<String, Value>>,
    /// The first things that cannot be taken, as sentences.
    pub faults: Vec<String>,
    /// How many there are in all.
    pub fault_count: u64,
}

/// A source, unpacked where it was packed.
struct Source {
    path: PathBuf,
    /// Removes what was unpacked when all is done.
    _unpacked: Option<tempfile::TempDir>,
}

/// Says what a source holds.
///
/// # Errors
/// See [`ImportError`].
pub async fn look(hub: &Hub, from: &Path) -> Result<Preview, ImportError> {
    let (hub, from) = (hub.clone(), from.to_owned());
    let work = tokio::task::spawn_blocking(move || {
        let source = open(&hub, &from)?;
        let view = hub.store.snapshot()?;
        let (mut preview, mut categories) = (Preview::default(), BTreeMap::<String, u64>::new());
        let done = sources::each(&source.path, &mut |read| {
            match read {
                Read::Fault(fault) => {
                    preview.fault_count += 1;
                    if preview.faults.len() < NAMED_FAULTS {
                        preview.faults.push(fault);
                    }
                }
                Read::Item(item) => {
                    preview.observations += 1;
                    preview.known += u64::from(view.get(T::Docs, item.doc.as_bytes())?.is_some());
                    preview.with_place += u64::from(item.set.contains_key("location"));
                    preview.media += item.media.len() as u64;
                    let category = item.set.get("category").and_then(Value::as_str).unwrap_or_default();
                    if categories.len() < 1_000 || categories.contains_key(category) {
                        *categories.entry(category.to_owned()).or_default() += 1;
                    }
                    if preview.first.len() < SHOWN {
                        preview.first.push(item.set);
                    }
                }
            }
            Ok(())
        });
        done.map_err(|error| ImportError::Unreadable(error.to_string()))?;
        let mut categories: Vec<(String, u64)> = categories.into_iter().collect();
        categories.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
        categories.truncate(SHOWN);
        preview.categories = categories;
        Ok(preview)
    });
    work.await.map_err(|error| StoreError::Bug(format!("a look at a source ended early: {error}")))?
}

/// Takes a source in. `report` is told of progress; `cancel` ends it after the next batch.
///
/// # Errors
/// See [`ImportError`]; what is wrong with single observations is a fault.
pub async fn take(
    hub: &Hub,
    from: &Path,
    cancel: CancellationToken,
    report: impl Fn(Progress) + Send + Sync + 'static,
) -> Result<Taken, ImportError> {
    let (shared, path) = (hub.clone(), from.to_owned());
    let opened = tokio::task::spawn_blocking(move || open(&shared, &path)).await;
    let source = opened.map_err(|error| StoreError::Bug(format!("unpacking ended early: {error}")))??;
    let mut import = Import { hub, taken: Taken::default(), progress: Progress::default() };
    let mut reading = sources::read(&source.path);
    let mut batch = Vec::with_capacity(BATCH);
    let mut is_whole = true;
    while let Some(next) = reading.recv().await {
        match next {
            Ok(Read::Item(item)) => batch.push(*item),
            Ok(Read::Fault(fault)) => import.fault(from, fault),
            // What came before the place where it breaks off is taken.
            Err(error) if import.progress.imported.stored + import.progress.imported.duplicates + batch.len() as u64 == 0 => {
                return Err(ImportError::Unreadable(error.to_string()));
            }
            Err(error) => {
                is_whole = false;
                import.fault(from, error.to_string());
            }
        }
        if batch.len() >= BATCH {
            import.keep(std::mem::take(&mut batch)).await?;
            report(import.progress);
            if cancel.is_cancelled() {
                return Err(ImportError::Cancelled);
            }
        }
    }
    import.keep(batch).await?;
    let Import { mut taken, mut progress, .. } = import;
    progress.imported.whole = is_whole && taken.fault_count == 0;
    report(progress);
    taken.imported = progress.imported;
    Ok(taken)
}

struct Import<'a> {
    hub: &'a Hub,
    taken: Taken,
    progress: Progress,
}

/// An observation as the plain door takes it, and where its files lie.
struct Given {
    doc: DocId,
    item: PlainObservation,
    files: Vec<(MediaHash, PathBuf)>,
}

impl Import<'_> {
    fn fault(&mut self, file: &Path, what: String) {
        self.taken.fault_count += 1;
        if self.taken.faults.len() < NAMED_FAULTS {
            let file = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            self.taken.faults.push(Fault { file, what });
        }
    }

    /// Keeps observations, then the files of theirs that are wanted.
    async fn keep(&mut self, items: Vec<Item>) -> Result<(), ImportError> {
        if items.is_empty() {
            return Ok(());
        }
        let hashed = tokio::task::spawn_blocking(move || {
            let mut unreadable = Vec::new();
            let given: Vec<Given> = items.into_iter().map(|item| given(item, &mut unreadable)).collect();
            (given, unreadable)
        });
        let (given, unreadable) = hashed.await.map_err(|error| StoreError::Bug(format!("hashing ended early: {error}")))?;
        for (path, error) in unreadable {
            self.progress.imported.media_refused += 1;
            self.fault(&path, format!("cannot be read ({error})"));
        }
        let hub = self.hub;
        let files: Vec<(MediaHash, PathBuf)> = given.iter().flat_map(|given| given.files.clone()).collect();
        let items: Vec<(Option<DocId>, plain::Item)> = given.into_iter().map(|given| (Some(given.doc), Ok(given.item))).collect();
        let weight: usize = items.len() * 2_000;
        check_room(hub, weight as u64)?;
        let arrival = hub.arrival(hub.id(), None);
        let kept = plain::take_in_named(&hub.store, &hub.rules, &hub.key, arrival, SOURCE.to_owned(), items, weight).await?;
        let (answer, _) = kept;
        for result in answer.results {
            let imported = &mut self.progress.imported;
            match result.status {
                Outcome::Stored => imported.stored += 1,
                Outcome::Duplicate => imported.duplicates += 1,
                Outcome::Quarantined => imported.quarantined += 1,
                Outcome::Refused => {
                    imported.refused += 1;
                    let why = result.detail.unwrap_or_else(|| "was refused".to_owned());
                    self.fault(Path::new(&result.id), why);
                }
            }
        }
        for (hash, path) in files {
            if answer.wanted.binary_search(&hash).is_err() {
                self.progress.imported.media_known += 1;
                continue;
            }
            let opened = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
            match opened {
                Ok((size, file)) => match media_in(hub, file, hash, size).await? {
                    MediaIn::New => {
                        self.progress.bytes += size;
                        self.progress.imported.media += 1;
                    }
                    MediaIn::Known => self.progress.imported.media_known += 1,
                    MediaIn::Damaged(why) => {
                        self.progress.imported.media_refused += 1;
                        self.fault(&path, why.to_owned());
                    }
                },
                Err(error) => {
                    self.progress.imported.media_refused += 1;
                    self.fault(&path, format!("cannot be read ({error})"));
                }
            }
        }
        Ok(())
    }
}

/// Hashes the files of an item.
fn given(item: Item, unreadable: &mut Vec<(PathBuf, io::Error)>) -> Given {
    let Item { doc, set, media } = item;
    let (mut attach, mut files): (Vec<Attachment>, Vec<(MediaHash, PathBuf)>) = (Vec::new(), Vec::new());
    for path in media {
        let mut hasher = blake3::Hasher::new();
        let hashed = File::open(&path).and_then(|file| {
            let size = file.metadata()?.len();
            if size > limits::MEDIA_BYTES {
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than any media file may be"));
            }
            hasher.update_reader(file)?;
            Ok(size)
        });
        match hashed {
            Err(error) => unreadable.push((path, error)),
            Ok(size) => {
                let hash = MediaHash(*hasher.finalize().as_bytes());
                // Two names for the same bytes are one media.
                if attach.iter().all(|other| other.hash != hash) {
                    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    let media_type = mime_guess::from_path(&path).first_or_octet_stream().to_string();
                    attach.push(Attachment { hash, name, media_type, size, taken_at: None });
                    files.push((hash, path));
                }
            }
        }
    }
    let item = PlainObservation { id: doc.to_string(), version: None, kind: "observation".into(), set, attach, deleted: false };
    Given { doc, item, files }
}

/// A source as it can be read: what is packed is unpacked, in a folder that goes with it.
fn open(hub: &Hub, from: &Path) -> Result<Source, ImportError> {
    let is_zip = from.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip"));
    if !is_zip {
        return Ok(Source { path: from.to_owned(), _unpacked: None });
    }
    let folder = tempfile::Builder::new().prefix(UNPACKED).tempdir_in(&hub.data).map_err(|error| packed(from, &error))?;
    let path = unpack(from, folder.path(), &|bytes| check_room(hub, bytes))?;
    Ok(Source { path, _unpacked: Some(folder) })
}

fn packed(from: &Path, why: &dyn std::fmt::Display) -> ImportError {
    ImportError::Unreadable(format!("{} cannot be unpacked: {why}", from.display()))
}

/// Unpacks a ZIP into a folder, as far as `room` allows; gives the list of observations in it. Nothing is written outside the folder, and
/// no more of a file than the ZIP says that it has.
///
/// # Errors
/// Where it is none, holds no such list, or there is no room.
pub fn unpack(from: &Path, to: &Path, room: &dyn Fn(u64) -> Result<(), ImportError>) -> Result<PathBuf, ImportError> {
    let unreadable = |why: &dyn std::fmt::Display| packed(from, why);
    let opened = File::open(from).map_err(zip::result::ZipError::Io).and_then(zip::ZipArchive::new);
    let mut archive = opened.map_err(|error| unreadable(&error))?;
    if archive.len() > ENTRIES {
        return Err(unreadable(&"it holds too many files"));
    }
    let mut list = None;
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).map_err(|error| unreadable(&error))?;
        let Some(name) = entry.enclosed_name().filter(|_| entry.is_file()) else { continue };
        // What it says of a length is a claim: so much is written, and no byte more.
        let said = entry.size();
        room(said)?;
        let path = to.join(&name);
        let written = std::fs::create_dir_all(path.parent().unwrap_or(to)).and_then(|()| {
            let mut out = File::create_new(&path)?;
            io::copy(&mut io::Read::take(&mut entry, said), &mut out)
        });
        written.map_err(|error| unreadable(&error))?;
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        if matches!(ending.as_str(), "geojson" | "csv") && list.is_none() {
            list = Some(path);
        }
    }
    list.ok_or_else(|| unreadable(&"there is no .geojson or .csv file in it"))
}

/// Removes what a hub that was killed had unpacked; called before anything else is.
pub(crate) fn remove_leftovers(data: &Path) {
    for entry in std::fs::read_dir(data).into_iter().flatten().filter_map(Result::ok) {
        let is_ours = entry.file_name().to_string_lossy().starts_with(UNPACKED);
        if is_ours
            && entry.file_type().is_ok_and(|kind| kind.is_dir())
            && let Err(error) = std::fs::remove_dir_all(entry.path())
        {
            tracing::warn!(%error, "what an import had unpacked could not be removed; it takes room and does no harm");
        }
    }
}

/// Whether a path looks like a source of another program, from outside.
#[must_use]
pub fn is_source(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    if path.is_dir() {
        return ["deployments.csv", "media.csv", "observations.csv"].iter().all(|name| path.join(name).is_file());
    }
    matches!(ending.as_str(), "geojson" | "csv" | "tsv" | "zip")
}
