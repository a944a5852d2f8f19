//! The devices that have joined: what each told last, and what its last contact brought.
//!
//! `api` notes every call here and shows the cards; the page's numbers "n of m" all come from here. It promises: joining and
//! revoking are durable when they are answered; what a device told is written down within seconds, and lost by a power cut
//! at worst until it tells it again; a device is never shown in sync on anything but its own word and the hub's own count.
//!
//! One plain mutex guards the map: it is held for microseconds and never across an await.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use maloca_protocol::fingerprint::Fingerprint;
use maloca_protocol::rest::{StateReport, Unsent};
use maloca_protocol::{DeviceId, limits};
use serde::{Deserialize, Serialize};

use crate::intake::Tally;
use crate::store::view::ViewExt as _;
use crate::store::{Store, StoreError, T, View, WriteTx};

mod card; // as the page shows it
pub mod log; // the contacts of 90 days
pub mod turned_away; // who tried to come in and could not

pub use card::{Card, State};

/// A silence that ends a contact: what comes later is counted anew.
const CONTACT_GAP_MILLIS: i64 = 120_000;

/// How long after its last word a device counts as still sending.
const SENDING_MILLIS: i64 = 3_000;

/// How much the last second counts in a speed: a stall is seen within seconds, and a single slow one makes no jump.
const NEWEST_SECOND: f64 = 0.3;

/// What sort of device it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A phone, or the command line as one.
    Device,
    /// Another hub.
    Hub,
    /// Something that cannot sign and uses the plain door.
    Plain,
}

/// A device as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Device {
    /// Its key.
    pub id: DeviceId,
    /// What people call it.
    pub name: String,
    /// What sort it is.
    pub kind: Kind,
    /// When it joined, or joined again; milliseconds since 1970, as all times here.
    pub paired_at: i64,
    /// When it last said anything.
    pub last_seen: Option<i64>,
    /// The app and its version.
    pub app: Option<String>,
    /// What it said is still only on it.
    pub told: Option<Told>,
    /// Charge of its battery, 0 to 1.
    pub battery: Option<f64>,
    /// Its clock minus ours, milliseconds.
    pub clock_offset: Option<i64>,
    /// What its last contact brought.
    pub contact: Option<Contact>,
    /// The manager lets it wait.
    #[serde(default)]
    pub held_back: bool,
}

impl Device {
    /// One that has joined and said nothing yet.
    #[must_use]
    pub const fn new(id: DeviceId, name: String, kind: Kind, paired_at: i64) -> Self {
        Self {
            id,
            name,
            kind,
            paired_at,
            last_seen: None,
            app: None,
            told: None,
            battery: None,
            clock_offset: None,
            contact: None,
            held_back: false,
        }
    }
}

/// What a device said is still only on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The counts.
    #[serde(flatten)]
    pub unsent: Unsent,
    /// The revisions of its own that it knows to be acknowledged.
    pub author: Option<Fingerprint>,
    /// When it said so.
    pub at: i64,
}

/// What one contact brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// When it began.
    pub since: i64,
    /// When it last brought something or told its state.
    pub at: i64,
    /// New documents.
    pub new: u64,
    /// Changed documents.
    pub changed: u64,
    /// Deleted documents.
    pub deleted: u64,
    /// Media.
    pub media: u64,
    /// Bytes of records and media that came, repeats included.
    #[serde(default)]
    pub bytes: u64,
    /// Revisions that were here already.
    #[serde(default)]
    pub repeats: u64,
    /// Requests that were refused or broke off.
    #[serde(default)]
    pub errors: u64,
}

/// How quickly a device sends. The bytes are counted where they come in, and looked at once a second.
#[derive(Debug, Default)]
struct Sending {
    /// When it last brought something.
    at: i64,
    /// Bytes since the last look.
    bytes: Arc<AtomicU64>,
    /// Bytes a second, the last few seconds counting most.
    speed: f64,
    /// Nothing has come for a while, though somebody may still be receiving.
    quiet: bool,
}

#[derive(Default)]
struct Inner {
    devices: BTreeMap<DeviceId, Device>,
    /// Not written down yet.
    unsaved: BTreeSet<DeviceId>,
    /// Those that are bringing something.
    sending: BTreeMap<DeviceId, Sending>,
    /// What went wrong with a device, in words of the API's problems.
    trouble: BTreeMap<DeviceId, Trouble>,
}

/// What a device could not do, and why; forgotten when it succeeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// The stable name of the problem.
    pub code: String,
    /// The sentence that the device got.
    pub detail: String,
}

/// All devices of a hub.
#[derive(Default)]
pub struct Devices(Mutex<Inner>);

impl Devices {
    /// Reads what is stored.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn load(view: &impl View) -> Result<Self, StoreError> {
        let mut inner = Inner::default();
        view.scan_prefix(T::Devices, &[], &mut |_, payload| {
            if let Ok(device) = serde_json::from_slice::<Device>(payload) {
                inner.devices.insert(device.id, device);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(Self(Mutex::new(inner)))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// A device.
    #[must_use]
    pub fn get(&self, id: &DeviceId) -> Option<Device> {
        self.lock().devices.get(id).cloned()
    }

    /// Whether it is another hub of the project.
    #[must_use]
    pub fn is_hub(&self, id: &DeviceId) -> bool {
        self.lock().devices.get(id).is_some_and(|device| device.kind == Kind::Hub)
    }

    /// When any device was here last, by this hub's clock.
    #[must_use]
    pub fn last_seen(&self) -> Option<i64> {
        self.lock().devices.values().filter_map(|device| device.last_seen).max()
    }

    /// What people call a device.
    #[must_use]
    pub fn name(&self, id: &DeviceId) -> Option<String> {
        self.lock().devices.get(id).map(|device| device.name.clone())
    }

    /// All ids.
    #[must_use]
    pub fn ids(&self) -> Vec<DeviceId> {
        self.lock().devices.keys().copied().collect()
    }

    /// Puts a device that was written down into memory.
    pub fn insert(&self, device: Device) {
        self.lock().devices.insert(device.id, device);
    }

    fn change(&self, id: &DeviceId, change: impl FnOnce(&mut Device)) {
        let mut inner = self.lock();
        if let Some(device) = inner.devices.get_mut(id) {
            change(device);
            inner.unsaved.insert(*id);
        }
    }

    /// Notes that a device called, and how its clock stands to ours.
    pub fn seen(&self, id: &DeviceId, now: i64, clock_offset: Option<i64>) {
        self.change(id, |device| {
            device.last_seen = Some(now);
            if clock_offset.is_some() {
                device.clock_offset = clock_offset;
            }
        });
    }

    /// Notes what a device told of itself.
    pub fn told(&self, id: &DeviceId, report: &StateReport, now: i64) {
        self.change(id, |device| {
            device.told = Some(Told { unsent: report.unsent, author: report.author, at: now });
            device.battery = report.battery.filter(|charge| (0.0..=1.0).contains(charge));
            if let Some(app) = &report.app {
                device.app = Some(crate::query::index::cut(app, limits::NAME_BYTES).to_owned());
            }
            contact(device, now).at = now;
        });
        self.lock().trouble.remove(id);
    }

    /// Notes what a device brought.
    pub fn brought(&self, id: &DeviceId, tally: Tally, media: u64, now: i64) {
        self.change(id, |device| {
            let contact = contact(device, now);
            contact.at = now;
            contact.new += tally.new;
            contact.changed += tally.changed;
            contact.deleted += tally.deleted;
            contact.media += media;
            contact.repeats += tally.repeats;
        });
        let mut inner = self.lock();
        let sending = inner.sending.entry(*id).or_default();
        (sending.at, sending.quiet) = (now, false);
        inner.trouble.remove(id);
    }

    /// Counts what comes in of a device from now on; whoever receives adds to it.
    #[must_use]
    pub fn meter(&self, id: &DeviceId, now: i64) -> Arc<AtomicU64> {
        let mut inner = self.lock();
        let sending = inner.sending.entry(*id).or_default();
        (sending.at, sending.quiet) = (now, false);
        Arc::clone(&sending.bytes)
    }

    /// Notes that something a device wanted did not work.
    pub fn failed(&self, id: &DeviceId, trouble: Trouble, now: i64) {
        self.change(id, |device| contact(device, now).errors += 1);
        self.lock().trouble.insert(*id, trouble);
    }

    /// Whether the manager lets a device wait; asked at each of its requests.
    #[must_use]
    pub fn is_held_back(&self, id: &DeviceId) -> bool {
        self.lock().devices.get(id).is_some_and(|device| device.held_back)
    }

    /// Lets a device wait, or come again.
    pub fn hold_back(&self, id: &DeviceId, held_back: bool) {
        self.change(id, |device| device.held_back = held_back);
    }

    /// Gives a device another name.
    pub fn rename(&self, id: &DeviceId, name: &str) {
        self.change(id, |device| name.clone_into(&mut device.name));
    }

    /// Looks at those that are sending, about once a second, and says whose cards are different now: they go on, or have fallen
    /// silent without a word.
    #[must_use]
    pub fn look(&self, now: i64) -> Vec<DeviceId> {
        let mut inner = self.lock();
        let Inner { devices, unsaved, sending, .. } = &mut *inner;
        let mut changed = Vec::with_capacity(sending.len());
        sending.retain(|id, sending| {
            let bytes = sending.bytes.swap(0, Ordering::Relaxed);
            sending.speed += (bytes as f64 - sending.speed) * NEWEST_SECOND;
            if bytes > 0 {
                sending.at = now;
                if let Some(device) = devices.get_mut(id) {
                    let contact = contact(device, now);
                    contact.bytes += bytes;
                    contact.at = now;
                    unsaved.insert(*id);
                }
            }
            let was_quiet = std::mem::replace(&mut sending.quiet, now.saturating_sub(sending.at) > SENDING_MILLIS);
            if !(was_quiet && sending.quiet) {
                changed.push(*id);
            }
            // An upload that stands still and then goes on counts on the same meter.
            !sending.quiet || Arc::strong_count(&sending.bytes) > 1
        });
        changed
    }

    /// Writes down what is not written down yet.
    ///
    /// # Errors
    /// Where the store fails; it is tried again the next time.
    pub async fn save(&self, store: &Store) -> Result<(), StoreError> {
        let rows: Vec<Device> = {
            let mut inner = self.lock();
            let ids = std::mem::take(&mut inner.unsaved);
            ids.iter().filter_map(|id| inner.devices.get(id).cloned()).collect()
        };
        if rows.is_empty() {
            return Ok(());
        }
        let ids: Vec<DeviceId> = rows.iter().map(|device| device.id).collect();
        let saved = store
            .write(rows.len() * 700, move |tx| {
                rows.iter().try_for_each(|device| {
                    put(tx, device)?;
                    device.contact.map_or(Ok(()), |contact| log::note(tx, &device.id, &contact))
                })
            })
            .await;
        if saved.is_err() {
            self.lock().unsaved.extend(ids);
        }
        saved
    }
}

/// Writes a device down.
pub(crate) fn put(tx: &mut WriteTx<'_>, device: &Device) -> Result<(), StoreError> {
    tx.tell().devices.insert(device.id);
    tx.put_json(T::Devices, &device.id.0, device)
}

fn contact(device: &mut Device, now: i64) -> &mut Contact {
    let fresh = Contact { since: now, at: now, new: 0, changed: 0, deleted: 0, media: 0, bytes: 0, repeats: 0, errors: 0 };
    match device.contact {
        // A clock that was set back must not join two contacts, nor end one that goes on.
        Some(last) if (0..=CONTACT_GAP_MILLIS).contains(&(now - last.at)) => {}
        _ => device.contact = Some(fresh),
    }
    device.contact.get_or_insert(fresh)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_that_stands_still_and_goes_on_is_counted_whole() {
        let (devices, id) = (Devices::default(), DeviceId([1; 32]));
        let device = serde_json::json!({ "id": id, "name": "Rosa", "kind": "device", "paired_at": 0 });
        devices.insert(serde_json::from_value(device).unwrap());
        let is_sending = || devices.lock().sending.get(&id).is_some_and(|sending| !sending.quiet);
        let bytes = || devices.get(&id).unwrap().contact.unwrap().bytes;

        let meter = devices.meter(&id, 0);
        meter.fetch_add(1_000, Ordering::Relaxed);
        assert_eq!((devices.look(1_000), bytes(), is_sending()), (vec![id], 1_000, true));
        // It falls silent: that is told once, and then there is nothing to tell.
        let told: usize = (2..20).map(|second| devices.look(second * 1_000).len()).sum();
        assert!(told <= 4 && !is_sending(), "{told}");
        meter.fetch_add(500, Ordering::Relaxed);
        assert_eq!((devices.look(20_000), bytes(), is_sending()), (vec![id], 1_500, true));
        // Once nobody receives any more, nothing is kept of it.
        drop(meter);
        assert_eq!((devices.look(30_000), is_sending()), (vec![id], false));
        assert!(devices.lock().sending.is_empty());
    }
}
