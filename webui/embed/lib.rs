//! The built pages, inside the binary.
//!
//! `hub`'s `api/webui` serves them. `make` builds them into `webui/dist` first; without that build the crate still
//! compiles and holds no files, so that `cargo test` of other rooms needs no Node.
//!
//! For those who work on the pages: with `MALOCA_PAGES=webui/dist` in its environment, a hub serves the files of that
//! folder as they are now, and a page that was built anew needs no new binary.
#![allow(missing_docs, reason = "the derive writes functions without documentation")]

use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

/// A file of the pages, with the hash of its bytes.
pub use rust_embed::EmbeddedFile;

/// The files of `webui/dist` as they were when the binary was built.
#[derive(rust_embed::RustEmbed)]
#[folder = "dist"]
#[allow_missing = true]
struct Pages;

static FOLDER: LazyLock<Option<PathBuf>> = LazyLock::new(|| std::env::var_os("MALOCA_PAGES").map(PathBuf::from));

/// The names of all files under `folder`, such as `phone/`.
pub fn names(folder: &str) -> Vec<String> {
    let mut names: Vec<String> =
        Pages::iter().filter(|name| name.starts_with(folder)).map(std::borrow::Cow::into_owned).collect();
    names.sort_unstable();
    names
}

/// The file of that name, such as `assets/index-1a2b3c.js`.
#[must_use]
pub fn file(name: &str) -> Option<EmbeddedFile> {
    let Some(folder) = FOLDER.as_deref() else {
        return Pages::get(name);
    };
    let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    inside.then(|| rust_embed::utils::read_file_from_fs(&folder.join(name)).ok()).flatten()
}
