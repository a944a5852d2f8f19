//! What is handed over: the same records and files to every receiver, each round anew.
//!
//! The sections take it from here. A record's properties are exactly [`RECORD_BYTES`] of JSON and cannot be compressed
//! to much less than two thirds; a file is noise, as a photo is. What a system adds of its own (ids, signatures, indexes) comes on top and is its cost.

use std::path::{Path, PathBuf};

use maloca_protocol::DocId;
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use serde_json::{Map, Value, json};

use super::Error;

/// Bytes of a record's properties, as JSON.
pub const RECORD_BYTES: usize = 1_000;

/// Bytes of a photo.
pub const PHOTO_BYTES: usize = 500_000;

/// One thing seen.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its id where it comes from; no two are the same.
    pub id: DocId,
    /// Its properties.
    pub set: Map<String, Value>,
}

impl Record {
    /// The properties as JSON.
    #[must_use]
    pub fn json(&self) -> String {
        Value::Object(self.set.clone()).to_string()
    }
}

/// What one device hands over at once.
#[derive(Debug, Clone, Default)]
pub struct Content {
    /// Records.
    pub records: Vec<Record>,
    /// Photos, each attached to a record of its own.
    pub photos: Vec<PathBuf>,
}

impl Content {
    /// The bytes that cannot but travel.
    ///
    /// # Errors
    /// Where a photo cannot be read.
    pub fn bytes(&self) -> Result<u64, Error> {
        let photos = self.photos.iter().map(|path| Ok(path.metadata()?.len())).sum::<Result<u64, std::io::Error>>()?;
        Ok(photos + (self.records.len() * RECORD_BYTES) as u64)
    }
}

/// Makes content, none of it twice.
#[derive(Debug)]
pub struct Maker {
    random: StdRng,
    folder: PathBuf,
    made: usize,
}

impl Maker {
    /// Photos are written to `folder`.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { random: StdRng::seed_from_u64(1), folder: folder.to_owned(), made: 0 }
    }

    /// So many records.
    pub fn records(&mut self, count: usize) -> Vec<Record> {
        (0..count).map(|_| self.record(RECORD_BYTES)).collect()
    }

    /// One record, whose properties are so many bytes of JSON.
    pub fn record(&mut self, bytes: usize) -> Record {
        self.made += 1;
        let n = self.made;
        // As a phone makes it: a UUID of version 7, so that what was seen later sorts later.
        let seen = 1_700_000_000_000 + n as u64 * 60_000;
        let id = DocId(uuid::Builder::from_unix_timestamp_millis(seen, &self.random.random()).into_uuid());
        let mut record = Record { id, set: properties(n) };
        let missing = bytes.saturating_sub(record.json().len());
        let mut noise = vec![0; missing];
        self.random.fill_bytes(&mut noise);
        let notes: String = noise.iter().map(|byte| char::from(b'a' + byte % 26)).collect();
        record.set.insert("notes".into(), notes.into());
        record
    }

    /// So many files of so many bytes.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn photos(&mut self, count: usize, bytes: usize) -> Result<Vec<PathBuf>, Error> {
        let mut noise = vec![0; bytes];
        let made = (0..count).map(|_| {
            self.made += 1;
            self.random.fill_bytes(&mut noise);
            let path = self.folder.join(format!("IMG_{:06}.jpg", self.made));
            std::fs::write(&path, &noise)?;
            Ok(path)
        });
        made.collect()
    }
}

fn properties(n: usize) -> Map<String, Value> {
    let set = json!({
        "category": CATEGORIES[n % CATEGORIES.len()],
        "notes": "",
        "observed_at": format!("2026-11-{:02}T{:02}:{:02}:00.000Z", n % 28 + 1, n % 24, n % 60),
        "location": { "lat": -6.48 + (n % 100_000) as f64 * 1e-5, "lon": -76.36, "accuracy_m": 8, "source": "gps" },
    });
    match set {
        Value::Object(set) => set,
        _ => unreachable!("an object was written"),
    }
}

/// What records are about; a filter asks for one of them.
pub const CATEGORIES: [&str; 4] = ["logging", "fishing", "path", "animal"];
