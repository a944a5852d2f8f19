//! Tells cargo that the built pages are part of this crate, so that a new build of them is embedded anew. Builds nothing.

fn main() {
    println!("cargo:rerun-if-changed=dist");
}
