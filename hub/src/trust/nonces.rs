//! Nonces for signed requests: what keeps a request that somebody overheard from being sent a second time.
//!
//! `api/access` gives them out and takes counts. A nonce is a time with a seal that only this run of the program can make, so
//! giving one out costs no memory; counts are remembered for devices that proved their key, and no longer than the nonce
//! lives. It promises: a count is taken once; memory is bounded by [`MOST`] nonces in use with [`MOST_COUNTS`] counts each, all of
//! them used by members.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use maloca_protocol::DeviceId;

use super::random_token;

/// How long a nonce is good.
const LIFE_MILLIS: i64 = 10 * 60_000;

/// Nonces in use at one time; beyond, the oldest one's counts are forgotten with the nonce itself.
const MOST: usize = 1024;

/// Counts of one nonce. Who has used them all asks for another nonce.
const MOST_COUNTS: usize = 4096;

/// What was used of one nonce by one device.
#[derive(Debug)]
struct Used {
    made_at: i64,
    counts: HashSet<u64>,
}

/// The nonces of this run of the program.
#[derive(Debug)]
pub struct Nonces {
    secret: [u8; 32],
    used: Mutex<HashMap<(DeviceId, String), Used>>,
    /// Nonces made before this are not taken any more, as their counts had to be forgotten.
    not_before: Mutex<i64>,
}

impl Default for Nonces {
    fn default() -> Self {
        let secret = blake3::derive_key("maloca nonces 2026-11", random_token().as_bytes());
        Self { secret, used: Mutex::default(), not_before: Mutex::new(i64::MIN) }
    }
}

impl Nonces {
    /// A nonce, at this time in milliseconds since 1970. Two of the same millisecond are the same; the counts are kept by device.
    #[must_use]
    pub fn give(&self, now: i64) -> String {
        let seal = blake3::keyed_hash(&self.secret, &now.to_be_bytes());
        data_encoding::BASE64URL_NOPAD.encode(&[&now.to_be_bytes()[..], &seal.as_bytes()[..16]].concat())
    }

    /// When a nonce of ours was made; `None` where it is none, or too old.
    #[must_use]
    pub fn made_at(&self, nonce: &str, now: i64) -> Option<i64> {
        let bytes = data_encoding::BASE64URL_NOPAD.decode(nonce.as_bytes()).ok()?;
        let made_at = i64::from_be_bytes(bytes.get(..8)?.try_into().ok()?);
        let is_ours = self.give(made_at) == nonce;
        let is_young = (0..LIFE_MILLIS).contains(&now.saturating_sub(made_at));
        (is_ours && is_young && made_at >= *self.not_before.lock().unwrap_or_else(PoisonError::into_inner)).then_some(made_at)
    }

    /// Takes a count; `false` where this device used it before, or has used too many. Only for requests whose signature is good.
    #[must_use]
    pub fn take(&self, device: DeviceId, nonce: &str, count: u64, now: i64) -> bool {
        let Some(made_at) = self.made_at(nonce, now) else { return false };
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (device, nonce.to_owned());
        if used.len() >= MOST && !used.contains_key(&key) {
            used.retain(|_, one| (0..LIFE_MILLIS).contains(&now.saturating_sub(one.made_at)));
            if used.len() >= MOST {
                // What is forgotten must not be taken again: all as old as the oldest end with it.
                let oldest = used.values().map(|one| one.made_at).min().unwrap_or_default();
                used.retain(|_, one| one.made_at > oldest);
                *self.not_before.lock().unwrap_or_else(PoisonError::into_inner) = oldest + 1;
                if made_at <= oldest {
                    return false;
                }
            }
        }
        let one = used.entry(key).or_insert_with(|| Used { made_at, counts: HashSet::new() });
        one.counts.len() < MOST_COUNTS && one.counts.insert(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000_000;

    fn device(n: u16) -> DeviceId {
        let mut id = [0; 32];
        id[..2].copy_from_slice(&n.to_be_bytes());
        DeviceId(id)
    }

    #[test]
    fn a_count_is_taken_once_by_each_device() {
        let nonces = Nonces::default();
        let nonce = nonces.give(NOW);
        assert!(nonces.take(device(1), &nonce, 5, NOW));
        assert!(!nonces.take(device(1), &nonce, 5, NOW + 1));
        assert!(nonces.take(device(1), &nonce, 3, NOW + 1));
        assert!(nonces.take(device(2), &nonce, 5, NOW + 1));
        let next = nonces.give(NOW + 2);
        assert!(nonces.take(device(1), &next, 5, NOW + 2));
    }

    #[test]
    fn who_has_used_all_counts_asks_anew() {
        let nonces = Nonces::default();
        let nonce = nonces.give(NOW);
        assert!((0..MOST_COUNTS as u64).all(|count| nonces.take(device(1), &nonce, count, NOW)));
        assert!(!nonces.take(device(1), &nonce, MOST_COUNTS as u64, NOW));
        assert!(nonces.take(device(2), &nonce, 0, NOW), "another device's counts are its own");
        assert!(nonces.take(device(1), &nonces.give(NOW + 1), 0, NOW + 1));
    }

    #[test]
    fn only_our_own_and_young_ones_are_good() {
        let (nonces, others) = (Nonces::default(), Nonces::default());
        let nonce = nonces.give(NOW);
        assert_eq!(nonces.made_at(&nonce, NOW + LIFE_MILLIS - 1), Some(NOW));
        assert_eq!(nonces.made_at(&nonce, NOW + LIFE_MILLIS), None);
        assert_eq!(nonces.made_at(&nonce, NOW - 1), None);
        assert_eq!(others.made_at(&nonce, NOW), None);
        for text in ["", "x", &nonce[1..], &format!("{nonce}A")] {
            assert_eq!(nonces.made_at(text, NOW), None, "{text}");
        }
    }

    #[test]
    fn what_had_to_be_forgotten_is_not_taken_again() {
        let nonces = Nonces::default();
        let first = nonces.give(NOW);
        assert!(nonces.take(device(0), &first, 1, NOW));
        for n in 1..=MOST as u16 {
            let at = NOW + i64::from(n);
            assert!(nonces.take(device(n), &nonces.give(at), 1, at), "{n}");
        }
        assert!(nonces.used.lock().unwrap().len() <= MOST);
        assert!(!nonces.take(device(0), &first, 1, NOW + 5000));
        assert_eq!(nonces.made_at(&first, NOW + 5000), None);
    }
}
