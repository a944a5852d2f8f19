//! What the manager tells the whole service, to pause, to go on and to look for phones again, and who has asked where the hub is.
//!
//! `api` lets the manager say it and refuses devices while it is paused; `discovery` is silent meanwhile, and notes who asked. It
//! promises that a pause ends with the program at the latest: nobody has to remember it, and no phone waits for it for ever.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use tokio::sync::watch;

/// Askers that are kept for the page.
const MOST_PEERS: usize = 256;

/// The state of the service.
pub struct Service {
    paused: watch::Sender<bool>,
    searches: watch::Sender<u64>,
    asked: OnceLock<Peers>,
}

impl Default for Service {
    fn default() -> Self {
        Self { paused: watch::Sender::new(false), searches: watch::Sender::new(0), asked: OnceLock::new() }
    }
}

impl Service {
    /// Whether devices are to wait.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        *self.paused.borrow()
    }

    /// Lets devices wait, or come again. What is under way ends as it would have.
    pub fn pause(&self, paused: bool) {
        self.paused.send_replace(paused);
    }

    /// Looks at the networks anew, and calls out again.
    pub fn search(&self) {
        self.searches.send_modify(|searches| *searches += 1);
    }

    /// For discovery: both, to be followed as they change.
    #[must_use]
    pub fn follow(&self) -> Followed {
        Followed { paused: self.paused.subscribe(), searches: self.searches.subscribe() }
    }

    /// Notes where discovery keeps who has asked.
    pub fn set_asked(&self, asked: Peers) {
        // The first word stays: a hub listens once.
        let _ = self.asked.set(asked);
    }

    /// Who was answered lately, the latest first; none where announcements are not answered.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.get().map(Peers::recent).unwrap_or_default()
    }
}

/// What discovery follows.
#[derive(Debug, Clone)]
pub struct Followed {
    /// Whether to be silent.
    pub paused: watch::Receiver<bool>,
    /// Changes with each wish to look again.
    pub searches: watch::Receiver<u64>,
}

/// Somebody who asked and was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// From where.
    pub address: Ipv4Addr,
    /// On which of our interfaces.
    pub interface: String,
    /// When last, by this machine's clock.
    pub last: SystemTime,
    /// How often it was answered since it came onto the list.
    pub times: u64,
}

/// Who was answered lately: a cheap handle to one list of at most 256, behind a plain mutex that is held for microseconds.
#[derive(Debug, Clone, Default)]
pub struct Peers(Arc<Mutex<HashMap<Ipv4Addr, Asked>>>);

impl Peers {
    /// Notes an answer; the one who has been silent longest gives way.
    pub fn note(&self, address: Ipv4Addr, interface: &str, at: SystemTime) {
        let mut peers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if peers.len() >= MOST_PEERS && !peers.contains_key(&address) {
            let silent = peers.values().min_by_key(|asked| asked.last).map(|asked| asked.address);
            silent.and_then(|silent| peers.remove(&silent));
        }
        let asked = peers.entry(address).or_insert_with(|| Asked { address, interface: String::new(), last: at, times: 0 });
        interface.clone_into(&mut asked.interface);
        asked.last = at;
        asked.times += 1;
    }

    /// The list, the latest first.
    #[must_use]
    pub fn recent(&self) -> Vec<Asked> {
        let mut recent: Vec<Asked> = self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        recent.sort_by_key(|asked| std::cmp::Reverse((asked.last, asked.address)));
        recent
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_page_sees_the_latest_and_the_list_is_bounded() {
        let peers = Peers::default();
        for n in 0..1000_u32 {
            peers.note(Ipv4Addr::from_bits(n), "wlan0", SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(n)));
        }
        peers.note(Ipv4Addr::from_bits(999), "eth0", SystemTime::UNIX_EPOCH + Duration::from_secs(2000));
        let recent = peers.recent();
        assert_eq!(recent.len(), MOST_PEERS);
        assert_eq!((recent[0].times, recent[0].interface.as_str()), (2, "eth0"));
        assert!(recent.is_sorted_by(|a, b| a.last >= b.last));
    }
}
