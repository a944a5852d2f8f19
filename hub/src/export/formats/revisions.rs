//! `revisions.ndjson`: every kept revision with its signature, those in quarantine too, one canonical envelope a line; of a part, the
//! revisions of its documents.
//!
//! It is what a lost laptop is rebuilt from. Sorted by author, `created_at` and id, so that two hubs which hold the same
//! write the same bytes. Memory: [`Key`], 40 bytes a revision, and 32 bytes an author; a million revisions take 40 MB.

use std::collections::HashMap;
use std::io::Write;
use std::ops::{Bound, ControlFlow};

use maloca_protocol::revision::envelope;
use maloca_protocol::{DeviceId, RevisionId, time};
use serde::Deserialize;

use crate::export::ExportError;
use crate::export::formats::custody;
use crate::feed;
use crate::store::rows::{Entry, Row as _, Subject};
use crate::store::view::ViewExt as _;
use crate::store::{Damage, StoreError, T, View};

/// Where a revision goes in the file, and where it is in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// Rank of its author among all.
    author: u32,
    created_at: i64,
    /// The beginning of its id: sixteen bytes of a hash tell any two apart.
    id: [u8; 16],
    /// Its place in the log; 0 for quarantine.
    seq: u64,
}

/// The order of all revisions of a snapshot.
pub struct Order {
    keys: Vec<Key>,
    /// By rank.
    authors: Vec<DeviceId>,
    bytes: u64,
}

/// What the order needs to know of a revision; the rest of it is passed over unread.
#[derive(Deserialize)]
struct Head<'a> {
    author: &'a str,
    created_at: &'a str,
}

impl Order {
    /// Reads the log and the quarantine once.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn of(view: &impl View) -> Result<Self, StoreError> {
        let mut order = Self { keys: Vec::new(), authors: Vec::new(), bytes: 0 };
        let mut known: HashMap<DeviceId, u32> = HashMap::new();
        let all = (Bound::Unbounded, Bound::Unbounded);
        view.scan(T::Log, all, false, &mut |key, payload| {
            let seq = u64::from_be_bytes(key.try_into().map_err(|_| damage(T::Log, key))?);
            let entry = Entry::decode(payload).ok_or_else(|| damage(T::Log, key))?;
            order.add(&mut known, T::Log, key, entry, seq)
        })?;
        order.add_quarantine(&mut known, view)?;
        order.sort();
        Ok(order)
    }

    /// Only the revisions at these places in the feed, and those in quarantine, which have no place, if they are wanted.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn of_these(view: &impl View, seqs: &[u64], with_quarantine: bool) -> Result<Self, StoreError> {
        let mut order = Self { keys: Vec::new(), authors: Vec::new(), bytes: 0 };
        let mut known: HashMap<DeviceId, u32> = HashMap::new();
        for seq in seqs {
            // What breaks a walk off is not said here.
            let _ = order.add(&mut known, T::Log, &seq.to_be_bytes(), feed::entry(view, *seq)?, *seq)?;
        }
        if with_quarantine {
            order.add_quarantine(&mut known, view)?;
        }
        order.sort();
        Ok(order)
    }

    fn add_quarantine(&mut self, known: &mut HashMap<DeviceId, u32>, view: &impl View) -> Result<(), StoreError> {
        view.scan(T::Quarantine, (Bound::Unbounded, Bound::Unbounded), false, &mut |key, payload| {
            let entry = Entry::decode(payload).ok_or_else(|| damage(T::Quarantine, key))?;
            self.add(known, T::Quarantine, key, entry, 0)
        })
    }

    /// Brings the keys into their order, once all authors are known.
    fn sort(&mut self) {
        let mut ranks: Vec<u32> = (0..self.authors.len() as u32).collect();
        ranks.sort_unstable_by_key(|at| self.authors[*at as usize]);
        let mut rank_of = vec![0; ranks.len()];
        for (rank, at) in ranks.iter().enumerate() {
            rank_of[*at as usize] = rank as u32;
        }
        for key in &mut self.keys {
            key.author = rank_of[key.author as usize];
        }
        self.authors.sort_unstable();
        self.keys.sort_unstable();
    }

    fn add(
        &mut self,
        known: &mut HashMap<DeviceId, u32>,
        table: T,
        key: &[u8],
        entry: Entry,
        seq: u64,
    ) -> Result<ControlFlow<()>, StoreError> {
        let Subject::Revision { id, canonical, sig } = entry.subject else { return Ok(ControlFlow::Continue(())) };
        let head: Head<'_> = serde_json::from_slice(&canonical).map_err(|_| damage(table, key))?;
        let author: DeviceId = head.author.parse().map_err(|_| damage(table, key))?;
        let created_at = time::parse_millis(head.created_at).ok_or_else(|| damage(table, key))?;
        let author = *known.entry(author).or_insert_with(|| {
            self.authors.push(author);
            (self.authors.len() - 1) as u32
        });
        let mut beginning = [0; 16];
        beginning.copy_from_slice(&id.0[..16]);
        self.keys.push(Key { author, created_at, id: beginning, seq });
        self.bytes += envelope(&id, &[], &sig).len() as u64 + canonical.len() as u64 + 1;
        Ok(ControlFlow::Continue(()))
    }

    /// How many revisions there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.keys.len() as u64
    }

    /// Length of the file in bytes.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Writes the file, and beside it to `custody` how each revision came; `wrote` is told of each line's bytes, and may stop it.
    ///
    /// # Errors
    /// Where the store fails, `failed` makes of it that `out` refuses, or `wrote` stops it.
    pub fn write(
        &self,
        view: &impl View,
        out: &mut impl Write,
        custody: &mut impl Write,
        failed: &dyn Fn(std::io::Error) -> ExportError,
        wrote: &mut dyn FnMut(u64) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        for key in &self.keys {
            let entry = match key.seq {
                0 => quarantined(view, &self.authors[key.author as usize], &key.id)?,
                seq => feed::entry(view, seq)?,
            };
            let Subject::Revision { id, sig, canonical } = entry.subject else { return Err(damage(T::Log, &key.id).into()) };
            // What goes to town is what was signed, or nothing: the seal of the row has vouched for both until here.
            if RevisionId(*blake3::hash(&canonical).as_bytes()) != id {
                return Err(damage(T::Log, &id.0).into());
            }
            let mut line = envelope(&id, &canonical, &sig);
            line.push(b'\n');
            out.write_all(&line).map_err(failed)?;
            custody::line(custody, "rev", id, entry.arrival).map_err(failed)?;
            wrote(line.len() as u64)?;
        }
        Ok(())
    }
}

fn quarantined(view: &impl View, author: &DeviceId, id: &[u8; 16]) -> Result<Entry, StoreError> {
    let prefix = [&author.0[..], id].concat();
    let mut found = None;
    view.scan_prefix(T::Quarantine, &prefix, &mut |_, payload| {
        found = Entry::decode(payload);
        Ok(ControlFlow::Break(()))
    })?;
    found.ok_or_else(|| damage(T::Quarantine, &prefix))
}

fn damage(table: T, key: &[u8]) -> StoreError {
    Damage::Form { table: table.name(), key: data_encoding::HEXLOWER.encode(key) }.into()
}
