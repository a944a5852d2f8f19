//! The harness of stories and faults: the real binary, real devices, real networks.

pub mod hub; // the real binary on a data folder of its own
pub mod device; // a device by hand, for what the client's engine would never say
pub mod wire; // bytes on a connection, for what no HTTP client would do
pub mod proxy; // answers in a hub's place, now and then
pub mod manager; // what the manager may read, to hold a hub against a model
pub mod lan; // small networks of namespaces, made by the test itself
pub mod judges; // what strangers' programs say of a bundle
pub mod maps; // small maps, as people bring them
pub mod sim; // a hub on a disk of memory, which fails on command
pub mod targets; // every parser of strangers' bytes, for fuzzing
pub mod bench; // measurements, beside peers
pub mod rows; // the fault rig: what can go wrong, and how often it was tried

pub use lan::skip;

/// Bytes packed with zstd.
///
/// # Panics
/// Never: memory is written to.
#[must_use]
pub fn zstd_of(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).expect("memory")
}

/// So many zeros packed with zstd: small on the wire, large after unpacking.
///
/// # Panics
/// Never: memory is written to.
#[must_use]
pub fn zstd_of_zeros(bytes: u64) -> Vec<u8> {
    let mut packer = zstd::Encoder::new(Vec::new(), 3).expect("memory");
    std::io::copy(&mut std::io::Read::take(std::io::repeat(0), bytes), &mut packer).expect("memory");
    packer.finish().expect("memory")
}
