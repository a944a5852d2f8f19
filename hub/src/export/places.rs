//! Where each media file of an export lies in its bundle, decided once for a snapshot.
//!
//! [`super::run`] makes it before anything is written; media are copied and documents refer to them by it. It promises: every
//! media file that the hub held at the snapshot has a place, attached or not, for a copy of "everything" must be one (of a part, those
//! that its documents have); no two
//! places differ by case only or are equal; the same snapshot gives the same places. Memory: [`Place`], 40 bytes a file.

use std::ops::{Bound, ControlFlow};

use maloca_protocol::{DocId, MediaHash};

use super::{bundle, names};
use crate::feed;
use crate::store::rows::{Attached, DocRow, MediaRow, Row as _, Summary, doc_id};
use crate::store::view::ViewExt as _;
use crate::store::{Damage, StoreError, T, View};
use std::collections::{BTreeMap, BTreeSet};

/// Where a media file lies.
#[derive(Debug, Clone, Copy)]
struct Place {
    hash: MediaHash,
    year: i16,
    month: i8,
    /// Whether the hash before it begins with the same eight digits.
    is_like_another: bool,
    /// Which of the month's folders.
    part: u16,
}

/// The places of all media held at a snapshot, in the order of their hashes.
pub struct Places {
    places: Vec<Place>,
    bytes: u64,
    largest: u64,
}

/// What is known of a media file beyond its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Label {
    /// Its name as its author knew it.
    pub name: String,
    /// Its type as claimed.
    pub media_type: String,
    /// The document that attached it, where one did.
    pub doc: Option<DocId>,
    category: String,
    /// When it was observed, else when it came.
    at: i64,
}

impl Places {
    /// Gives every held media file its place, or of those only the ones in `wanted`.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn of(view: &impl View, wanted: Option<&BTreeSet<MediaHash>>) -> Result<Self, StoreError> {
        let mut places: Vec<Place> = Vec::new();
        let (mut bytes, mut largest) = (0, 0);
        let mut filled: BTreeMap<(i16, i8), u32> = BTreeMap::new();
        view.scan(T::Media, (Bound::Unbounded, Bound::Unbounded), false, &mut |key, payload| {
            let (hash, row) = read(key, payload)?;
            if !row.is_held() || wanted.is_some_and(|wanted| !wanted.contains(&hash)) {
                return Ok(ControlFlow::Continue(()));
            }
            let (year, month) = bundle::month(label(view, &hash, &row)?.at);
            let count = filled.entry((year, month)).or_default();
            let part = (*count / bundle::FOLDER_FILES + 1) as u16;
            *count += 1;
            bytes += row.size;
            largest = row.size.max(largest);
            let is_like_another = places.last().is_some_and(|before| before.hash.0[..4] == hash.0[..4]);
            places.push(Place { hash, year, month, is_like_another, part });
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(Self { places, bytes, largest })
    }

    /// How many files there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.places.len() as u64
    }

    /// Their bytes.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The bytes of the largest.
    pub const fn largest(&self) -> u64 {
        self.largest
    }

    /// Whether a file is among them whose hash begins so.
    #[must_use]
    pub fn has_like(&self, digits: [u8; 4]) -> bool {
        let at = self.places.partition_point(|place| place.hash.0[..4] < digits[..]);
        self.places.get(at).is_some_and(|place| place.hash.0[..4] == digits)
    }

    /// The files, in the order of their hashes.
    pub fn hashes(&self) -> impl Iterator<Item = MediaHash> {
        self.places.iter().map(|place| place.hash)
    }

    /// A file's path in the bundle, and what is known of it. `None` where it was not held.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn path(&self, view: &impl View, hash: &MediaHash) -> Result<Option<(String, Label)>, StoreError> {
        let Ok(at) = self.places.binary_search_by_key(hash, |place| place.hash) else { return Ok(None) };
        let place = self.places[at];
        let Some(row) = view.row::<MediaRow>(T::Media, &hash.0)? else { return Ok(None) };
        let label = label(view, hash, &row)?;
        let folder = bundle::month_folder((place.year, place.month), place.part);
        let (day, _) = bundle::stamp(label.at);
        let name = names::media(&day, &label.category, &label.name, &label.media_type, hash, place.is_like_another);
        Ok(Some((format!("{folder}/{name}"), label)))
    }
}

fn read(key: &[u8], payload: &[u8]) -> Result<(MediaHash, MediaRow), StoreError> {
    let damage = || Damage::Form { table: T::Media.name(), key: data_encoding::HEXLOWER.encode(key) };
    let hash = MediaHash::try_from(key).map_err(|_| damage())?;
    Ok((hash, MediaRow::decode(payload).ok_or_else(damage)?))
}

/// Name, category and day of a media file: those of the least author who attached it, and of the document it did so in. One
/// that nobody admitted has attached yet goes by the day it came.
fn label(view: &impl View, hash: &MediaHash, row: &MediaRow) -> Result<Label, StoreError> {
    let mut attached: Option<Attached> = None;
    view.scan_prefix(T::Attached, &hash.0, &mut |_, payload| {
        attached = Attached::decode(payload);
        Ok(ControlFlow::Break(()))
    })?;
    let mut doc = attached.as_ref().map(|attached| attached.doc);
    if doc.is_none() {
        view.scan_prefix(T::Refs, &hash.0, &mut |rest, _| {
            doc = doc_id(rest);
            Ok(ControlFlow::Break(()))
        })?;
    }
    let summary = match doc {
        None => None,
        Some(doc) => match view.row::<DocRow>(T::Docs, doc.as_bytes())?.and_then(|row| row.seqs.last().copied()) {
            None => None,
            Some(last) => view.row::<Summary>(T::ByReceived, &last.to_be_bytes())?,
        },
    };
    let (at, category) = match summary {
        Some(summary) => (summary.observed_at, summary.category),
        None => (feed::entry(view, row.seq)?.arrival.at, String::new()),
    };
    let (name, media_type) = attached.map(|attached| (attached.name, attached.media_type)).unwrap_or_default();
    Ok(Label { name, media_type, doc, category, at })
}
