//! The hub.

pub mod discovery; // answers devices that announce themselves
