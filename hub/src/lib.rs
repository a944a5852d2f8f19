//! The hub.
#![expect(dead_code, reason = "under construction")]
pub mod discovery; // answers devices that announce themselves
pub mod store;
