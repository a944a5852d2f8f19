//! A device's engine: what a phone, another hub and the command line do to bring their data to a hub.

pub mod discover;
pub mod interfaces; // which networks this machine is on // finds hubs near by
