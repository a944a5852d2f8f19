//! The hub.
#![allow(dead_code, missing_docs)]
pub mod feed;
pub mod intake;
pub mod media;
pub mod query;
pub mod store;
pub mod trust;
