//! Who is calling: a device by its bearer token, the manager by a cookie that a one-time link gave.
//!
//! `api/extract` asks here for every route but the open ones. It promises: a link works once; tokens and cookies are stored
//! only as hashes; a revoked device's token ends at once.

use std::collections::HashMap;
use std::sync::Mutex;

use maloca_protocol::DeviceId;

use super::{random_token, token_hash};
use crate::store::view::ViewExt as _;
use crate::store::{Store, StoreError, T, View as _, WriteTx};

/// The cookie's name.
pub const COOKIE: &str = "maloca_session";

/// How long a link that was printed stays good.
const LINK_MILLIS: i64 = 24 * 3600 * 1000;

/// How long a manager stays in without opening the page again: a season in the field.
const SESSION_MILLIS: i64 = 180 * 24 * 3600 * 1000;

/// Links that may be open at once; the oldest goes.
const LINKS: usize = 16;

/// The manager's links, and the secret by which the command line on the same machine is the manager.
pub struct Sessions {
    links: Mutex<HashMap<[u8; 32], i64>>,
    control: [u8; 32],
}

impl Sessions {
    /// No links yet; `control` is the command line's secret.
    #[must_use]
    pub fn new(control: &str) -> Self {
        Self { links: Mutex::default(), control: token_hash(control) }
    }

    /// A new one-time link's token.
    pub fn link(&self, now: i64) -> String {
        let token = random_token();
        let mut links = self.links.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        links.retain(|_, made| now - *made < LINK_MILLIS);
        if links.len() >= LINKS
            && let Some(oldest) = links.iter().min_by_key(|(_, made)| **made).map(|(hash, _)| *hash)
        {
            links.remove(&oldest);
        }
        links.insert(token_hash(&token), now);
        token
    }

    /// Turns a link's token into a cookie; `None` where it was used, is too old or never was.
    ///
    /// # Errors
    /// Where the store cannot keep the session.
    pub async fn open(&self, store: &Store, token: &str, now: i64) -> Result<Option<String>, StoreError> {
        {
            let mut links = self.links.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let made = links.remove(&token_hash(token));
            if made.is_none_or(|made| now - made >= LINK_MILLIS) {
                return Ok(None);
            }
        }
        let cookie = random_token();
        let hash = token_hash(&cookie);
        store.write(100, move |tx| tx.put_json(T::Sessions, &hash, &now)).await?;
        Ok(Some(cookie))
    }

    /// Whether a cookie is a manager's.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn is_manager(&self, store: &Store, cookie: &str, now: i64) -> Result<bool, StoreError> {
        let hash = token_hash(cookie);
        let made: Option<i64> = store.read(move |view| view.json(T::Sessions, &hash)).await?;
        Ok(made.is_some_and(|made| now - made < SESSION_MILLIS))
    }

    /// Whether a bearer token is the command line's on this machine.
    #[must_use]
    pub fn is_control(&self, token: &str) -> bool {
        token_hash(token) == self.control
    }

    /// Ends a manager's session.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn close(&self, store: &Store, cookie: &str) -> Result<(), StoreError> {
        let hash = token_hash(cookie);
        store.write(0, move |tx| tx.remove(T::Sessions, &hash)).await.map(drop)
    }
}

/// The device that a bearer token belongs to.
///
/// # Errors
/// Where the store fails.
pub async fn device_of(store: &Store, token: &str) -> Result<Option<DeviceId>, StoreError> {
    let hash = token_hash(token);
    let device = store.read(move |view| view.get(T::Tokens, &hash)).await?;
    Ok(device.and_then(|bytes| DeviceId::try_from(&bytes[..]).ok()))
}

/// Gives a device a token in place of whatever it had.
pub(crate) fn give_token(tx: &mut WriteTx<'_>, device: &DeviceId, token: &str) -> Result<(), StoreError> {
    take_tokens(tx, device)?;
    tx.put_bytes(T::Tokens, &token_hash(token), &device.0)
}

/// Ends all sessions of a device.
pub(crate) fn take_tokens(tx: &mut WriteTx<'_>, device: &DeviceId) -> Result<(), StoreError> {
    let mut hashes = Vec::new();
    tx.scan_prefix(T::Tokens, &[], &mut |hash, owner| {
        if owner == device.0 {
            hashes.push(hash.to_vec());
        }
        Ok(std::ops::ControlFlow::Continue(()))
    })?;
    for hash in hashes {
        tx.remove(T::Tokens, &hash)?;
    }
    Ok(())
}
