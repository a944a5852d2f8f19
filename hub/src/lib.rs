//! The hub.
#![expect(dead_code, reason = "under construction")]
pub mod store;
