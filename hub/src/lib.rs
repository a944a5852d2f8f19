//! The hub: three doors, one intake, one order of events, three readers.
//!
//! Modules call downwards in this list, never back up:

pub mod cli; // what a person can tell the program
pub mod housekeeping; // what a hub does by itself from time to time
pub mod api; // every route on one page, and what answers
pub mod discovery; // answers devices that announce themselves
pub mod sync; // brings this hub and others of its project to the same
pub mod hub; // the state that every room is handed
pub mod service; // paused or not, and who has asked where the hub is
pub mod devices; // who has joined, and what each told last
pub mod hubs; // other hubs that this one calls, and how that went
pub mod trust; // who is trusted, and why
pub mod intake; // the one way in
pub mod media; // files named by their hash
pub mod demo; // made-up observations with drawn photos
pub mod verify; // re-reads everything and says what is wrong
pub mod basemaps; // maps that lie under observations
pub mod export; // bundles on drives, and the ledger of them
pub mod import; // files that phones saved
pub mod tiles; // observations on a map
pub mod query; // one filter, order and count for all who look
pub mod feed; // the numbered order in which things were accepted
pub mod store; // the database, alone with redb
pub mod disk; // room, and the reserve
pub mod files; // the disk as this program uses it
pub mod journal; // the last lines of the log
pub mod trouble; // what went wrong, in one sentence
pub mod clock; // the time, which tests may set
