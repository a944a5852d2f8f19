//! Who is trusted, and why: the hub's keys, joining, members, sessions.
pub mod members; // what the hubs of the project say of a device
