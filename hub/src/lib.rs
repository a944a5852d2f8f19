//! The hub.
#![allow(dead_code, missing_docs)]
pub mod clock;
pub mod devices;
pub mod disk;
pub mod feed;
pub mod hub;
pub mod intake;
pub mod media;
pub mod query;
pub mod store;
pub mod trust;
