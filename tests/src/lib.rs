//! The harness.

pub mod lan; // small networks of namespaces, made by the test itself
