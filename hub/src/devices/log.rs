//! The log of contacts: who was here when, for how long, and what came of it; kept for 90 days.
//!
//! [`super::Devices::save`] writes it as contacts go on, housekeeping lets the old ones go, `api` shows it. It promises that a contact
//! is one row, however often it is written, and that reading is by pages.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use maloca_protocol::{DeviceId, time};
use serde::Serialize;

use super::Contact;
use crate::store::{Damage, Store, StoreError, T, View, WriteTx};

/// How long a contact is remembered, in milliseconds.
const KEPT_MILLIS: i64 = 90 * 86_400_000;

/// Old contacts that are forgotten in one commit.
const FORGOTTEN_AT_ONCE: usize = 1_000;

/// A contact of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Logged {
    /// Whose.
    pub device: DeviceId,
    /// When it began.
    pub since: String,
    /// When something last came.
    pub until: String,
    /// New documents.
    pub new: u64,
    /// Changed documents.
    pub changed: u64,
    /// Deleted documents.
    pub deleted: u64,
    /// Media.
    pub media: u64,
    /// Bytes of records and media, repeats included.
    pub bytes: u64,
    /// Revisions that were here already.
    pub repeats: u64,
    /// Requests that were refused or broke off.
    pub errors: u64,
}

/// The place of a contact: by its beginning, then by device. A clock before 1970 comes first, as its number does.
fn key(device: &DeviceId, since: i64) -> [u8; 40] {
    let mut key = [0; 40];
    key[..8].copy_from_slice(&(since as u64 ^ (1 << 63)).to_be_bytes());
    key[8..].copy_from_slice(&device.0);
    key
}

fn read(key: &[u8], payload: &[u8]) -> Result<(DeviceId, Contact), StoreError> {
    let damage = || Damage::Form { table: T::Contacts.name(), key: data_encoding::HEXLOWER.encode(key) };
    let device = key.get(8..).and_then(|id| DeviceId::try_from(id).ok()).ok_or_else(damage)?;
    Ok((device, serde_json::from_slice(payload).map_err(|_| damage())?))
}

/// Writes down a contact as it stands.
pub(super) fn note(tx: &mut WriteTx<'_>, device: &DeviceId, contact: &Contact) -> Result<(), StoreError> {
    tx.put_json(T::Contacts, &key(device, contact.since), contact)
}

/// A page of the log.
#[derive(Debug, Default)]
pub struct Page {
    /// The contacts, the newest first.
    pub contacts: Vec<Logged>,
    /// Where the next page begins, opaque; `None` at the end.
    pub next: Option<String>,
}

/// A page of the log, the newest first: at most `limit` contacts that came before the point `after`.
/// `None` where `after` is no point of this log.
///
/// # Errors
/// Where the store fails.
pub fn page(view: &impl View, after: Option<&str>, limit: usize) -> Result<Option<Page>, StoreError> {
    let after = match after.map(|text| data_encoding::HEXLOWER.decode(text.as_bytes())) {
        None => None,
        Some(Ok(key)) if key.len() == 40 => Some(key),
        Some(_) => return Ok(None),
    };
    let to = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    let (mut contacts, mut last, mut more) = (Vec::new(), None, false);
    view.scan(T::Contacts, (Bound::Unbounded, to), true, &mut |key, payload| {
        if contacts.len() == limit {
            more = true;
            return Ok(ControlFlow::Break(()));
        }
        let (device, contact) = read(key, payload)?;
        last = Some(data_encoding::HEXLOWER.encode(key));
        contacts.push(shown(device, &contact));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(Some(Page { contacts, next: last.filter(|_| more) }))
}

fn shown(device: DeviceId, contact: &Contact) -> Logged {
    Logged {
        device,
        since: time::format_millis(contact.since),
        until: time::format_millis(contact.at),
        new: contact.new,
        changed: contact.changed,
        deleted: contact.deleted,
        media: contact.media,
        bytes: contact.bytes,
        repeats: contact.repeats,
        errors: contact.errors,
    }
}

/// The contacts of a device, added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    /// How many there were.
    pub contacts: u64,
    /// How long they lasted together.
    pub millis: u64,
    /// What they brought; its times mean nothing.
    pub brought: Tallied,
}

/// What contacts brought, added up: as in [`Contact`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the members of Contact")]
pub struct Tallied {
    pub new: u64,
    pub changed: u64,
    pub deleted: u64,
    pub media: u64,
    pub bytes: u64,
    pub repeats: u64,
    pub errors: u64,
}

/// The whole log, added up by device. Reads row by row and keeps one sum a device.
///
/// # Errors
/// Where the store fails.
pub fn sums(view: &impl View) -> Result<BTreeMap<DeviceId, Sum>, StoreError> {
    let mut sums: BTreeMap<DeviceId, Sum> = BTreeMap::new();
    view.scan(T::Contacts, (Bound::Unbounded, Bound::Unbounded), false, &mut |key, payload| {
        let (device, contact) = read(key, payload)?;
        let sum = sums.entry(device).or_default();
        sum.contacts += 1;
        sum.millis += u64::try_from(contact.at.saturating_sub(contact.since)).unwrap_or_default();
        let brought = &mut sum.brought;
        brought.new += contact.new;
        brought.changed += contact.changed;
        brought.deleted += contact.deleted;
        brought.media += contact.media;
        brought.bytes = brought.bytes.saturating_add(contact.bytes);
        brought.repeats += contact.repeats;
        brought.errors += contact.errors;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(sums)
}

/// When the first contact since `from` began, and how many bytes came since.
///
/// # Errors
/// Where the store fails.
pub fn since(view: &impl View, from: i64) -> Result<(Option<i64>, u64), StoreError> {
    let (begin, mut first, mut bytes) = (key(&DeviceId([0; 32]), from), None, 0_u64);
    view.scan(T::Contacts, (Bound::Included(&begin), Bound::Unbounded), false, &mut |key, payload| {
        let (_, contact) = read(key, payload)?;
        first = first.or(Some(contact.since));
        bytes = bytes.saturating_add(contact.bytes);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok((first, bytes))
}

/// Forgets contacts of more than 90 days ago, some at a time; the next look goes on.
///
/// # Errors
/// Where the store fails.
pub async fn forget_old(store: &Store, now: i64) -> Result<(), StoreError> {
    let end = key(&DeviceId([0; 32]), now.saturating_sub(KEPT_MILLIS));
    let old = store.read(move |view| {
        let mut old = Vec::new();
        view.scan(T::Contacts, (Bound::Unbounded, Bound::Excluded(&end)), false, &mut |key, _| {
            old.push(key.to_vec());
            Ok(if old.len() < FORGOTTEN_AT_ONCE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        Ok(old)
    });
    let old = old.await?;
    if old.is_empty() {
        return Ok(());
    }
    store.write(old.len() * 40, move |tx| old.iter().try_for_each(|key| tx.remove(T::Contacts, key).map(drop))).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Files;
    use crate::store::Opener;

    #[tokio::test]
    async fn contacts_are_kept_for_90_days_and_read_by_pages() {
        let folder = tempfile::tempdir().unwrap();
        let (store, writer) = Store::open(Opener::new(Files::real(), folder.path())).unwrap();
        let (device, day, now) = (DeviceId([7; 32]), 86_400_000, 1_800_000_000_000);
        let written = store.write(10_000, move |tx| {
            (0..100).try_for_each(|days| {
                let since = now - days * day;
                let contact =
                    serde_json::json!({ "since": since, "at": since, "new": 1, "changed": 0, "deleted": 0, "media": 0 });
                note(tx, &device, &serde_json::from_value(contact).unwrap())
            })
        });
        written.await.unwrap();
        forget_old(&store, now).await.unwrap();

        let view = store.snapshot().unwrap();
        let (mut since, mut after) = (Vec::new(), None);
        loop {
            let Page { contacts, next } = page(&view, after.as_deref(), 40).unwrap().unwrap();
            assert!(contacts.len() <= 40);
            since.extend(contacts.into_iter().map(|contact| time::parse_millis(&contact.since).unwrap()));
            after = next;
            if after.is_none() {
                break;
            }
        }
        let kept: Vec<i64> = (0..=90).map(|days| now - days * day).collect();
        assert_eq!(since, kept);
        assert_eq!(sums(&view).unwrap()[&device].contacts, 91);
        assert!(page(&view, Some("no point"), 40).unwrap().is_none());
        drop(view);
        store.close().await;
        writer.join();
    }
}
