//! Codes that let devices join.
//!
//! The manager's page and `serve --joining-code` open a code here, `POST /pair` tries it. It promises: a typed code is good
//! for ten minutes and five wrong tries; one that stays open rests for a minute after five wrong tries; comparing takes the
//! same time whatever is wrong. State is in memory: a restart closes joining, but for the code of the command line.
//!
//! What it does not do: a device that types a code trusts the network it is on for that one moment, since the code itself
//! does not prove the hub. A device that reads the QR code does not, since that names the hub's key.

use std::sync::Mutex;

use maloca_protocol::{DeviceId, limits, time};
use serde::Serialize;

/// How long a code that stays open rests after too many wrong tries.
const REST_MILLIS: i64 = 60_000;

/// The fewest characters of a code that stays open.
pub const SHORTEST: usize = 6;

/// Whom a code lets in. What a hub says of others counts, so no phone becomes one by a code that was meant for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// Phones, and the command line as one.
    Device,
    /// Another hub.
    Hub,
}

#[derive(Debug, Clone)]
struct Open {
    code: String,
    /// `None` where it stays open.
    expires_at: Option<i64>,
    tries_left: u32,
    resting_until: i64,
    /// Who came in over plain http, and by which code: an answer that was lost may be asked for again.
    heard: Vec<(DeviceId, String)>,
}

/// The joining that is open now, if any: for devices, and beside it for a hub.
#[derive(Debug, Default)]
pub struct Pairing {
    devices: Mutex<Option<Open>>,
    hubs: Mutex<Option<Open>>,
}

/// What the manager's screen shows of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// The code.
    pub code: String,
    /// When it ends; `None` where it stays open.
    pub expires_at: Option<String>,
    /// Wrong tries that are left.
    pub tries_left: u32,
}

/// Why a code did not let a device in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Joining is not open, or the code's time or tries are over.
    #[error("Joining is closed. Ask the manager for a new code.")]
    Closed,
    /// Joining is open for a hub alone, and a device has typed a code.
    #[error("The manager's screen shows a code for another hub now. Ask the manager for a code for phones.")]
    ForHubs,
    /// Joining is open for devices alone, and a hub's manager has typed a code.
    #[error("The other manager's screen shows a code for phones now. Ask there for a code for another hub.")]
    ForDevices,
    /// The code is wrong.
    #[error("This is not the code on the manager's screen. Look again and type it once more.")]
    Wrong,
    /// Too many wrong codes came; it opens again by itself.
    #[error("Too many wrong codes were typed. Wait a minute and try again.")]
    Resting,
}

impl Pairing {
    /// Opens joining with a new six-digit code, in place of whatever was open.
    pub fn open(&self, now: i64) -> Shown {
        self.open_for(Whom::Device, now)
    }

    /// Opens joining for devices or for a hub, with a new six-digit code, in place of whatever was open for them.
    pub fn open_for(&self, whom: Whom, now: i64) -> Shown {
        let code = new_code();
        let life = limits::CODE_LIFE.as_millis() as i64;
        let (tries_left, resting_until) = (limits::CODE_TRIES, i64::MIN);
        self.put(whom, Open { code, expires_at: Some(now + life), tries_left, resting_until, heard: Vec::new() })
    }

    /// Opens joining for good, with a code of the manager's choosing: for unattended set-up.
    pub fn stay_open(&self, code: &str) -> Shown {
        let tries_left = limits::CODE_TRIES;
        let open = Open { code: code.to_owned(), expires_at: None, tries_left, resting_until: i64::MIN, heard: Vec::new() };
        self.put(Whom::Device, open)
    }

    fn put(&self, whom: Whom, open: Open) -> Shown {
        let shown = shown(&open);
        *self.lock(whom) = Some(open);
        shown
    }

    /// Closes joining for devices.
    pub fn close(&self) {
        *self.lock(Whom::Device) = None;
    }

    /// What is open for devices now.
    #[must_use]
    pub fn show(&self, now: i64) -> Option<Shown> {
        self.show_for(Whom::Device, now)
    }

    fn show_for(&self, whom: Whom, now: i64) -> Option<Shown> {
        self.lock(whom).as_ref().filter(|open| open.is_alive(now)).map(shown)
    }

    /// Tries a code. One that was `heard_from` a device, since it came over plain http, lets in nobody else: a new one takes its place
    /// for the rest of its time. One of the command line stays, since nobody is there to read a new one.
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn attempt(&self, whom: Whom, code: &str, heard_from: Option<&DeviceId>, now: i64) -> Result<(), Refused> {
        let others = match whom {
            Whom::Device => self.show_for(Whom::Hub, now).map(|_| Refused::ForHubs),
            Whom::Hub => self.show_for(Whom::Device, now).map(|_| Refused::ForDevices),
        };
        let mut guard = self.lock(whom);
        let open = guard.as_mut().filter(|open| open.is_alive(now)).ok_or(others.unwrap_or(Refused::Closed))?;
        if now < open.resting_until {
            return Err(Refused::Resting);
        }
        if open.heard.iter().any(|(device, own)| heard_from == Some(device) && super::token_hash(own) == super::token_hash(code))
        {
            return Ok(());
        }
        // Hashes are compared, so that the time taken says nothing of where the texts differ.
        if super::token_hash(code) == super::token_hash(&open.code) {
            open.tries_left = limits::CODE_TRIES;
            if let (Some(device), Some(_)) = (heard_from, open.expires_at) {
                open.heard.push((*device, std::mem::replace(&mut open.code, new_code())));
            }
            return Ok(());
        }
        open.tries_left -= 1;
        if open.tries_left == 0 {
            if open.expires_at.is_some() {
                *guard = None;
            } else {
                open.tries_left = limits::CODE_TRIES;
                open.resting_until = now + REST_MILLIS;
            }
        }
        Err(Refused::Wrong)
    }

    fn lock(&self, whom: Whom) -> std::sync::MutexGuard<'_, Option<Open>> {
        let open = if whom == Whom::Hub { &self.hubs } else { &self.devices };
        open.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Open {
    fn is_alive(&self, now: i64) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

fn new_code() -> String {
    format!("{:06}", rand::random_range(0..1_000_000))
}

fn shown(open: &Open) -> Shown {
    Shown { code: open.code.clone(), expires_at: open.expires_at.map(time::format_millis), tries_left: open.tries_left }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_wrong_tries_or_ten_minutes_end_a_code() {
        let pairing = Pairing::default();
        assert_eq!(pairing.attempt(Whom::Device, "123456", None, 0), Err(Refused::Closed));
        let code = pairing.open(0).code;
        assert_eq!(pairing.attempt(Whom::Device, &code, None, 599_999), Ok(()));
        assert_eq!(pairing.attempt(Whom::Device, &code, None, 600_000), Err(Refused::Closed));
        let code = pairing.open(0).code;
        for _ in 0..5 {
            assert_eq!(pairing.attempt(Whom::Device, "no", None, 1), Err(Refused::Wrong));
        }
        assert_eq!(pairing.attempt(Whom::Device, &code, None, 1), Err(Refused::Closed));
    }

    #[test]
    fn a_code_for_a_hub_lets_in_no_phone() {
        let pairing = Pairing::default();
        let for_hub = pairing.open_for(Whom::Hub, 0).code;
        assert_eq!(pairing.attempt(Whom::Device, &for_hub, None, 1), Err(Refused::ForHubs));
        // One is no reason to close the other.
        pairing.stay_open("river-2026");
        assert_eq!(pairing.attempt(Whom::Device, &for_hub, None, 1), Err(Refused::Wrong));
        assert_eq!(pairing.attempt(Whom::Hub, "river-2026", None, 1), Err(Refused::Wrong));
        assert_eq!(pairing.attempt(Whom::Device, "river-2026", None, 1), Ok(()));
        assert_eq!(pairing.attempt(Whom::Hub, &for_hub, None, 1), Ok(()));
        assert_eq!(pairing.attempt(Whom::Hub, "river-2026", None, 600_000), Err(Refused::ForDevices));
    }

    #[test]
    fn a_code_that_was_heard_lets_in_nobody_else() {
        let pairing = Pairing::default();
        let before = pairing.open(0);
        assert_eq!(pairing.attempt(Whom::Device, &before.code, None, 1), Ok(()));
        let (rosa, ana) = (DeviceId([1; 32]), DeviceId([2; 32]));
        assert_eq!(pairing.attempt(Whom::Device, &before.code, Some(&rosa), 2), Ok(()));
        assert_eq!(pairing.attempt(Whom::Device, &before.code, Some(&rosa), 2), Ok(()), "the answer was lost");
        let after = pairing.show(3).unwrap();
        assert_eq!(after.expires_at, before.expires_at);
        // One in a million times the new code is the old one.
        if after.code != before.code {
            assert_eq!(pairing.attempt(Whom::Device, &before.code, Some(&ana), 3), Err(Refused::Wrong));
            assert_eq!(pairing.attempt(Whom::Device, &after.code, Some(&ana), 3), Ok(()));
        }
    }

    #[test]
    fn a_code_that_stays_open_rests() {
        let pairing = Pairing::default();
        pairing.stay_open("river-2026");
        for _ in 0..5 {
            assert_eq!(pairing.attempt(Whom::Device, "no", None, 1), Err(Refused::Wrong));
        }
        assert_eq!(pairing.attempt(Whom::Device, "river-2026", None, 2), Err(Refused::Resting));
        assert_eq!(pairing.attempt(Whom::Device, "river-2026", None, 60_001), Ok(()));
    }
}
