//! Who tried to come in and could not: a device that has no card yet is named here, with the reason.
//!
//! `api` notes each refusal at joining and by name, and the overview shows the list, so that a manager sees why a phone in
//! somebody's hand does not appear. It promises to stay small whatever strangers send: [`MOST`] devices, in memory only, and
//! a name is shown as text. What a stranger says of its name is no more than its word.

use std::sync::{Mutex, PoisonError};

use maloca_protocol::DeviceId;

/// Devices that are remembered; the one who has been silent longest gives way.
const MOST: usize = 20;

/// How long a refusal is of interest.
const LIFE_MILLIS: i64 = 24 * 3_600_000;

/// A device that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnedAway {
    /// Its key, as it said.
    pub device: DeviceId,
    /// What it calls itself, where it said so.
    pub name: Option<String>,
    /// The problem's code.
    pub code: String,
    /// When last, milliseconds since 1970.
    pub at: i64,
    /// How often.
    pub times: u64,
}

/// The list, behind a plain mutex that is held for microseconds.
#[derive(Debug, Default)]
pub struct Door(Mutex<Vec<TurnedAway>>);

impl Door {
    /// Notes a refusal.
    pub fn note(&self, device: DeviceId, name: Option<&str>, code: &str, at: i64) {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = list.iter().position(|one| one.device == device).map(|index| list.remove(index));
        let (known_name, times) = before.map_or((None, 0), |one| (one.name, one.times));
        if list.len() >= MOST {
            list.remove(0);
        }
        list.push(TurnedAway {
            device,
            name: name.map(str::to_owned).or(known_name),
            code: code.to_owned(),
            at,
            times: times + 1,
        });
    }

    /// It has come in.
    pub fn forget(&self, device: &DeviceId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|one| one.device != *device);
    }

    /// Who was refused lately, the latest first.
    #[must_use]
    pub fn recent(&self, now: i64) -> Vec<TurnedAway> {
        let list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back makes no refusal last for ever: what is in the future counts as old.
        list.iter().rev().filter(|one| (0..LIFE_MILLIS).contains(&(now - one.at))).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn device(n: u8) -> DeviceId {
        DeviceId([n; 32])
    }

    #[test]
    fn a_device_stands_there_once_and_the_list_is_bounded() {
        let door = Door::default();
        for n in 0..=255 {
            door.note(device(n), None, "wrong_code", i64::from(n));
        }
        door.note(device(250), Some("Rosa"), "joining_closed", 300);
        door.note(device(250), None, "wrong_code", 301);
        let recent = door.recent(301);
        assert_eq!(recent.len(), MOST);
        assert_eq!(
            recent[0],
            TurnedAway { device: device(250), name: Some("Rosa".into()), code: "wrong_code".into(), at: 301, times: 3 }
        );
        assert_eq!(recent[1].device, device(255));
    }

    #[test]
    fn who_came_in_and_what_is_old_is_not_shown() {
        let door = Door::default();
        door.note(device(1), None, "wrong_code", 0);
        door.note(device(2), None, "wrong_code", 10);
        door.forget(&device(2));
        assert_eq!(door.recent(20).len(), 1);
        assert!(door.recent(LIFE_MILLIS).is_empty());
        assert!(door.recent(-5).is_empty());
    }
}
