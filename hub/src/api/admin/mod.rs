//! The manager's calls: what there is at one glance, devices, joining, copies on drives.

pub(super) mod overview; // what is here, at one glance; the hub's name; new links
pub(super) mod devices; // cards, names, putting out
pub(super) mod hubs; // other hubs
pub(super) mod pairing; // the code and its QR picture
pub(super) mod exports; // copies on drives
pub(super) mod retention; // freeing what drives hold
pub(super) mod imports; // files that phones saved
pub(super) mod health; // numbers for programs, a log bundle for helpers
