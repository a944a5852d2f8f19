//! Media: files named by the hash of their bytes.
//!
//! `api/media` brings them in and sends them out, export copies them. It promises: a name appears only when the file is
//! whole, verified and durable, its folder too; a name is never written over; every block is checked before it is sent.

pub mod heal; // what the disk has spoilt is asked for again
pub mod ingest; // from a stream to a durable file
pub mod layout; // where which file lies
pub mod read; // checked blocks, for sending and copying
pub mod scrub; // looking at what nobody asks for
pub mod sweep; // what interrupted uploads leave
pub mod thumbnail; // small upright pictures
pub mod uploads; // unfinished uploads, and who is writing to them

pub use layout::MediaRoot;
