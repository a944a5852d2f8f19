//! Which revisions are kept, in the order in which hubs compare their sets ([`Key`]), with sums of whole stretches of it.
//!
//! Intake names each revision that it keeps, admitted or quarantined; what was named is written once a commit, for what one device
//! brings lies together. Reconciliation reads it through [`Ordered`]. It promises: the order holds exactly the kept revisions, or says
//! that it does not ([`is_whole`]); it is made again from the log and the quarantine at the next opening where it does not; and damage
//! to it keeps nobody from bringing revisions.
//!
//! A *bucket* holds up to [`MOST`] revisions that follow one another. Its key is the least [`Key`] that may be in it: all from there up to
//! the next bucket's key are. The first bucket's is the least of all. Buckets are cut in two and never joined, for no revision is
//! ever forgotten. A million revisions take some 50 MB in 12,000 buckets, whose sums are a megabyte.

use std::ops::{Bound, ControlFlow};
use std::panic::{AssertUnwindSafe, catch_unwind};

use maloca_protocol::fingerprint::{Fingerprint, FingerprintKey};
use maloca_protocol::reconcile::Key;
use maloca_protocol::{DeviceId, ProjectId, RevisionId, ValidRevision};
use redb::Database;

use super::codec::{Dec, Enc};
use super::rows::{Entry, Row, Subject};
use super::tables::T;
use super::tx::{WriteTx, totals};
use super::view::{View, ViewExt as _};
use super::{PROJECT, Snapshot, StoreError};

mod read; // the order as reconciliation asks for it

pub use read::Ordered;

/// Revisions in one bucket: with what they share left out they fit into a page of the database.
const MOST: usize = 104;

/// Revisions in a bucket after those before it were filled in order, as devices do; some may still come in between.
const FILLED: usize = 96;

/// How many revisions are sorted at a time while the order is made again: 10 MB.
const AT_ONCE: usize = 200_000;

/// In the table of settings: what the order holds.
const HOLDS: &[u8] = b"ordered";

/// A revision in the order: `author[0..8] created_at(8) id(32)`, of which the first 40 bytes are its [`Key`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Item([u8; Self::LEN]);

impl Item {
    const LEN: usize = 48;

    pub(crate) fn new(author: &DeviceId, created_at: i64, id: &RevisionId) -> Self {
        let mut item = [0; Self::LEN];
        item[..16].copy_from_slice(&Key::of(author, created_at, id).0[..16]);
        item[16..].copy_from_slice(&id.0);
        Self(item)
    }

    fn of(revision: &ValidRevision) -> Self {
        Self::new(&revision.content().author, revision.content().created_at, &revision.id())
    }

    pub(crate) fn key(&self) -> Key {
        let mut key = Key::FIRST;
        key.0.copy_from_slice(&self.0[..Key::LEN]);
        key
    }

    pub(crate) fn id(&self) -> RevisionId {
        let mut id = [0; 32];
        id.copy_from_slice(&self.0[16..]);
        RevisionId(id)
    }
}

/// The revisions of a bucket, ascending: each `shared(1) rest`, as what it does not share with the one before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Bucket(pub(crate) Vec<Item>);

impl Row for Bucket {
    fn encode(&self) -> Vec<u8> {
        let mut before = Item([0; Item::LEN]);
        let mut enc = Enc::with_capacity(self.0.len() * 40 + 40);
        for item in &self.0 {
            let shared = before.0.iter().zip(&item.0).take_while(|(a, b)| a == b).count();
            enc = enc.u8(shared as u8).raw(&item.0[shared..]);
            before = *item;
        }
        enc.done()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut dec = Dec::new(bytes);
        let mut items = Vec::with_capacity(MOST);
        let mut before = Item([0; Item::LEN]);
        while !dec.is_empty() {
            let shared = usize::from(dec.u8()?);
            let rest = dec.raw(Item::LEN.checked_sub(shared)?)?;
            before.0[shared..].copy_from_slice(rest);
            items.push(before);
        }
        Some(Self(items))
    }
}

impl Bucket {
    pub(crate) fn sum(&self, key: &FingerprintKey) -> Fingerprint {
        let mut sum = Fingerprint::default();
        self.0.iter().for_each(|item| sum.add(key, &item.id()));
        sum
    }
}

/// Count and sum of a bucket, or of all: `count(8) sum(32)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sum(pub(crate) Fingerprint);

impl Row for Sum {
    fn encode(&self) -> Vec<u8> {
        Enc::with_capacity(40).u64(self.0.count).raw(&self.0.sum).done()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut dec = Dec::new(bytes);
        let sum = Self(Fingerprint { count: dec.u64()?, sum: dec.array()? });
        dec.is_empty().then_some(sum)
    }
}

/// Whether the order holds exactly the kept revisions.
///
/// # Errors
/// Where the disk fails or a row is damaged.
pub fn is_whole(view: &impl View) -> Result<bool, StoreError> {
    Ok(held(view)? == totals(view)?.fingerprint)
}

fn held(view: &impl View) -> Result<Fingerprint, StoreError> {
    Ok(view.row::<Sum>(T::Meta, HOLDS)?.unwrap_or_default().0)
}

/// Puts what a commit keeps into the order; called once, at its end.
pub(super) fn add(tx: &mut WriteTx<'_>, key: &FingerprintKey, mut new: Vec<Item>) -> Result<(), StoreError> {
    let mut holds = held(tx)?;
    new.iter().for_each(|item| holds.add(key, &item.id()));
    if holds != tx.totals().fingerprint {
        // An earlier program, or damage, has left it behind; the next opening makes it again.
        return Ok(());
    }
    new.sort_unstable();
    match merge(tx, key, &new) {
        Ok(()) => tx.put(T::Meta, HOLDS, &Sum(holds)),
        // It can be made again, and the revisions of today cannot.
        Err(StoreError::Damaged(damage)) => {
            tracing::error!(%damage, "the order for other hubs is damaged; it is made again when the hub starts next");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Puts sorted revisions, of which none is there yet, into their buckets.
fn merge(tx: &mut WriteTx<'_>, key: &FingerprintKey, mut new: &[Item]) -> Result<(), StoreError> {
    while let Some(first) = new.first() {
        let (bucket, next) = around(tx, &first.key())?;
        let here = next.map_or(new.len(), |next| new.partition_point(|item| item.key() < next));
        let (batch, rest) = new.split_at(here);
        new = rest;
        let Bucket(mut items) = tx.row(T::Ordered, &bucket.0)?.unwrap_or_default();
        let follow = items.last().is_none_or(|last| last < first);
        items.extend_from_slice(batch);
        if !follow {
            items.sort_unstable();
        }
        let filled = if items.len() <= MOST {
            MOST
        } else if follow {
            FILLED
        } else {
            items.len().div_ceil(items.len().div_ceil(FILLED).max(2))
        };
        let mut before: Option<Item> = None;
        for part in items.chunks(filled) {
            let least = before.map_or(bucket, |before| Key::between(&before.key(), &part[0].key()));
            let part = Bucket(part.to_vec());
            tx.put(T::OrderedSums, &least.0, &Sum(part.sum(key)))?;
            tx.put(T::Ordered, &least.0, &part)?;
            before = part.0.last().copied();
        }
    }
    Ok(())
}

/// The bucket to which a key belongs, and the one after it.
fn around(view: &impl View, key: &Key) -> Result<(Key, Option<Key>), StoreError> {
    let one = |range, backwards| {
        let mut found = None;
        view.scan(T::OrderedSums, range, backwards, &mut |key, _| {
            found = <[u8; Key::LEN]>::try_from(key).ok().map(Key);
            Ok(ControlFlow::Break(()))
        })?;
        Ok::<_, StoreError>(found)
    };
    let bucket = one((Bound::Unbounded, Bound::Included(&key.0)), true)?.unwrap_or(Key::FIRST);
    Ok((bucket, one((Bound::Excluded(&key.0), Bound::Unbounded), false)?))
}

/// Whether the order has a revision.
pub(crate) fn has(view: &impl View, revision: &ValidRevision) -> Result<bool, StoreError> {
    let item = Item::of(revision);
    let (bucket, _) = around(view, &item.key())?;
    let Bucket(items) = view.row(T::Ordered, &bucket.0)?.unwrap_or_default();
    Ok(items.binary_search(&item).is_ok())
}

/// Makes the order again where it is not whole: after an earlier program, or damage. Says whether the database is still good; one
/// that could not be read through is not, and the hub goes on without the order.
pub(super) fn complete(database: &Database) -> bool {
    // On damage the database panics.
    let done = catch_unwind(AssertUnwindSafe(|| {
        let whole = is_whole(&Snapshot::of(database)?)?;
        if whole { Ok(()) } else { again(database) }
    }));
    match done {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => tracing::error!(error = &error as &dyn std::error::Error, "cannot make the order for other hubs"),
        Err(_) => tracing::error!("cannot make the order for other hubs: the database is damaged"),
    }
    false
}

fn again(database: &Database) -> Result<(), StoreError> {
    let transaction = database.begin_write()?;
    transaction.delete_table(T::Ordered.definition())?;
    transaction.delete_table(T::OrderedSums.definition())?;
    {
        let view = Snapshot::of(database)?;
        let totals = totals(&view)?;
        tracing::info!(
            revisions = totals.fingerprint.count,
            "putting the kept revisions in order for other hubs; once, after an update"
        );
        let project = view.get(T::Meta, PROJECT)?.and_then(|bytes| ProjectId::try_from(&bytes[..]).ok());
        let project = project.ok_or_else(|| StoreError::Unusable("the project's id is missing from it".into()))?;
        let mut tx = WriteTx::open(&transaction, totals)?;
        put_all(&mut tx, &view, &FingerprintKey::of(&project))?;
    }
    transaction.commit()?;
    Ok(())
}

fn put_all(tx: &mut WriteTx<'_>, view: &Snapshot, key: &FingerprintKey) -> Result<(), StoreError> {
    let (mut new, mut holds) = (Vec::new(), Fingerprint::default());
    for table in [T::Log, T::Quarantine] {
        view.scan(table, (Bound::Unbounded, Bound::Unbounded), false, &mut |_, payload| {
            let Some(Subject::Revision { id, sig, canonical }) = Entry::decode(payload).map(|entry| entry.subject) else {
                return Ok(ControlFlow::Continue(()));
            };
            // One that rotted is left out; then the order is not whole, and says so.
            if let Ok(revision) = ValidRevision::from_stored(id, &canonical, sig) {
                holds.add(key, &id);
                new.push(Item::of(&revision));
            }
            if new.len() == AT_ONCE {
                new.sort_unstable();
                merge(tx, key, &new)?;
                new.clear();
            }
            Ok(ControlFlow::Continue(()))
        })?;
    }
    new.sort_unstable();
    merge(tx, key, &new)?;
    tx.put(T::Meta, HOLDS, &Sum(holds))
}

#[cfg(test)]
mod tests;
