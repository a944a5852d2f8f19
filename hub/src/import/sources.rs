//! What other programs write and this one reads: a GeoJSON FeatureCollection (Mapeo's and CoMapeo's among them), a table with places, a Camtrap
//! DP folder.
//!
//! `cli/send` and [`super::strangers`] call [`read`] and [`each`]. It promises: items come one by one, so that a source of any size fits into memory; the same source
//! gives the same document ids each time; what an item lacks or says wrongly is told with the item, and harms no other; no
//! file outside the source's folder is ever named.

use std::error::Error;
use std::path::{Path, PathBuf};

use maloca_protocol::DocId;
use serde_json::{Map, Value};
use tokio::sync::mpsc;

mod camtrap; // camera-trap packages
mod geojson; // feature collections
mod table; // rows with latitude and longitude

/// Folders beside a source that are looked into for its photos.
const FOLDERS: usize = 100;

/// One observation of a source, as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its document, the same at each reading.
    pub doc: DocId,
    /// All its properties.
    pub set: Map<String, Value>,
    /// Its media, absolute, in the order in which the source names them.
    pub media: Vec<PathBuf>,
}

/// What a source brings.
#[derive(Debug)]
pub enum Read {
    /// An observation.
    Item(Box<Item>),
    /// Something that could not be taken, as a sentence that says where and why.
    Fault(String),
}

/// Reads a source in a thread of its own. The stream ends with an error where the source cannot be read on.
pub(crate) fn read(source: &Path) -> mpsc::Receiver<Result<Read, Failure>> {
    let (sender, receiver) = mpsc::channel(256);
    let source = source.to_owned();
    // Reading and parsing block; the bounded channel holds the reader back while the store is busy.
    tokio::task::spawn_blocking(move || {
        let done =
            each(&source, &mut |read| sender.blocking_send(Ok(read)).map_err(|_| "nobody reads this source any more".into()));
        if let Err(error) = done {
            let _ = sender.blocking_send(Err(error));
        }
    });
    receiver
}

/// Reads a source in this thread.
///
/// # Errors
/// Where the source cannot be read on, or `to` fails.
pub fn each(source: &Path, to: &mut dyn FnMut(Read) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut out = Out { to };
    match form(source) {
        Form::Camtrap => camtrap::read(source, &mut out),
        Form::Table => table::read(source, &mut out),
        Form::GeoJson => geojson::read(source, &mut out),
    }
}

/// What a source is written in, by what it looks like from outside.
enum Form {
    Camtrap,
    Table,
    GeoJson,
}

fn form(source: &Path) -> Form {
    let ending = source.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match ending.to_ascii_lowercase().as_str() {
        _ if source.is_dir() => Form::Camtrap,
        "csv" | "tsv" | "txt" => Form::Table,
        _ => Form::GeoJson,
    }
}

/// Why a source cannot be read on, as a sentence.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Where readers put what they read.
struct Out<'a> {
    to: &'a mut dyn FnMut(Read) -> Result<(), Failure>,
}

impl Out<'_> {
    fn item(&mut self, doc: DocId, set: Map<String, Value>, media: Vec<PathBuf>) -> Result<(), Failure> {
        (self.to)(Read::Item(Box::new(Item { doc, set, media })))
    }

    fn fault(&mut self, sentence: String) -> Result<(), Failure> {
        (self.to)(Read::Fault(sentence))
    }
}

/// A source's own name, by which its documents are told from another's.
fn name_of(source: &Path) -> String {
    let absolute = std::fs::canonicalize(source).unwrap_or_else(|_| source.to_owned());
    absolute.file_stem().map_or_else(|| "source".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// The file that a source names: by a relative path, or by its name alone where it lies in one of the folders beside the source.
fn named(folder: &Path, beside: &[PathBuf], relative: &str) -> Result<PathBuf, String> {
    let found = inside(folder, relative);
    let is_name = !relative.contains(['/', '\\']);
    match found {
        Err(_) if is_name => {
            let other = beside.iter().find_map(|folder| inside(folder, relative).ok());
            other.map_or(found, Ok)
        }
        _ => found,
    }
}

/// The folders that lie in a folder, but for links.
fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut folders: Vec<PathBuf> = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .take(FOLDERS)
        .collect();
    folders.sort();
    folders
}

/// The file that a source names by a relative path; never one outside `folder`, not by a link either.
fn inside(folder: &Path, relative: &str) -> Result<PathBuf, String> {
    let path = Path::new(relative);
    if path.is_absolute() {
        return Err(format!("{relative} is no relative path"));
    }
    let root = std::fs::canonicalize(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let file = std::fs::canonicalize(root.join(path)).map_err(|error| format!("{relative}: {error}"))?;
    if !file.starts_with(&root) {
        return Err(format!("{relative} leads out of the source's folder"));
    }
    if file.is_file() { Ok(file) } else { Err(format!("{relative} is no file")) }
}

#[cfg(test)]
mod tests {
    use super::{Item, Read, each};

    /// What is read of a source beside which a photo `a.jpg` lies: its items, its faults, and how it ended.
    pub(super) fn all(name: &str, content: &[u8]) -> (Vec<Item>, Vec<String>, Result<(), String>) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.jpg"), b"a").unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let (mut items, mut faults) = (Vec::new(), Vec::new());
        let done = each(&path, &mut |read| {
            match read {
                Read::Item(item) => items.push(*item),
                Read::Fault(fault) => faults.push(fault),
            }
            Ok(())
        });
        (items, faults, done.map_err(|error| error.to_string()))
    }
}
