//! A device's engine: what a phone, another hub and the command line do to bring their data to a hub.

pub mod outbox; // how edits become revisions and wait; pure
pub mod store; // where the device keeps it all
pub mod discover; // finds hubs near by
pub mod interfaces; // which networks this machine is on
