//! What Maloca's devices and hubs say to each other, and what it means.
//!
//! Pure: no disk, no sockets, no clock, but for the feature `client`, which is a device's whole engine.
//! Read in this order:

pub mod ids; // a newtype for each id and each hash
pub mod limits; // every number both sides agree on
pub mod time; // the one form of a time
pub mod problem; // what went wrong, and what to do next
pub mod canonical; // strict JSON in, canonical JSON out
pub mod keys; // signatures, each with its purpose
pub mod revision; // one immutable, signed change
pub mod document; // the merge of a document's revisions
pub mod announce; // the two datagrams by which a device finds a hub
pub mod cursor; // how far a reader has come in a feed
pub mod fingerprint; // count and sum of a set of revisions
pub mod reconcile; // finds what two sets of revisions do not share
pub mod rest; // the bodies of the calls
pub mod signed; // a request that a device's key signs
pub mod tus; // the values of upload headers

#[cfg(feature = "client")]
pub mod client; // a device's engine

pub use document::Document;
pub use ids::{DeviceId, DocId, Epoch, MediaHash, ProjectId, RevisionId};
pub use keys::{DeviceKey, Sig};
pub use problem::{Problem, Refusal};
pub use revision::{Draft, ValidRevision};
