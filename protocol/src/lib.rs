//! What Maloca's devices and hubs say to each other, and what it means.
//!
//! Pure: no disk, no sockets, no clock, but for the feature `client`, which is a device's whole engine.
//! Read in this order:

pub mod announce;
pub mod ids; // a newtype for each id and each hash
pub mod keys; // signatures, each with its purpose
pub mod limits; // every number both sides agree on
pub mod problem; // what went wrong, and what to do next // the two datagrams by which a device finds a hub

#[cfg(feature = "client")]
pub mod client; // a device's engine

pub use ids::{DeviceId, DocId, Epoch, MediaHash, ProjectId, RevisionId};
pub use keys::{DeviceKey, Sig};
