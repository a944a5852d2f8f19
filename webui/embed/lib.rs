//! The built pages, inside the binary.
//!
//! `hub`'s `api/webui` serves them. `make` builds them into `webui/dist` first; without that build the crate still
//! compiles and holds no files, so that `cargo test` of other rooms needs no Node.
#![allow(missing_docs, reason = "the derive writes functions without documentation")]

/// The files of `webui/dist` as they were when the binary was built.
#[derive(rust_embed::RustEmbed)]
#[folder = "dist"]
#[allow_missing = true]
pub struct Pages;
