//! The fuzz targets on their committed seeds, on each seed cut short and spliced, and on what was once found.

use std::path::Path;

use maloca_tests::targets::TARGETS;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Changed copies of each seed.
const CHANGED: usize = 60;

#[test]
fn every_parser_of_strangers_bytes_withstands_its_corpus() {
    let seed: u64 = std::env::var("MALOCA_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random);
    eprintln!("MALOCA_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    for (name, target) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut seeds: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        seeds.sort();
        assert!(seeds.len() >= 3, "{name} has {} seeds", seeds.len());
        let seeds: Vec<Vec<u8>> = seeds.iter().map(|path| std::fs::read(path).expect("a seed")).collect();
        for seed in &seeds {
            target(seed);
            for _ in 0..CHANGED {
                target(&changed(seed, &seeds, &mut random));
            }
        }
        eprintln!("{name}: {} seeds, {} changed copies", seeds.len(), seeds.len() * CHANGED);
    }
}

/// A seed with some bytes changed, cut off, doubled, or with a piece of another in it.
fn changed(seed: &[u8], others: &[Vec<u8>], random: &mut StdRng) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..random.random_range(1..6) {
        let at = random.random_range(0..=bytes.len());
        match random.random_range(0..6) {
            0 => bytes.truncate(at),
            1 | 2 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
            3 if at < bytes.len() => {
                let interesting = [0, 0x7f, 0xff, b'"', b'\\', b'\n', b'/', b'9', b'-', b'['];
                bytes[at] = interesting[random.random_range(0..interesting.len())];
            }
            4 => {
                let end = (at + random.random_range(0..40)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                let other = &others[random.random_range(0..others.len())];
                let from = random.random_range(0..=other.len());
                let to = (from + random.random_range(0..200)).min(other.len());
                bytes.splice(at..at, other[from..to].iter().copied());
            }
        }
    }
    bytes
}
