//! A hub on a disk made of memory, which fails, fills, rots and forgets on command.
//!
//! The rows `power`, `eio`, `space` and `rot` run on it: the whole of the hub's own code, from the router to the last flush, some
//! hundred times faster than a disk, and with every fault at a known place.

pub mod disk; // the disk
pub mod hub; // the hub on it, asked without a socket
pub mod model; // what was acknowledged, and how it is held against the hub
pub mod life; // what devices do, at random
