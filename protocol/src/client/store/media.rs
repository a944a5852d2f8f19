//! The files that this device has hashed and attached, and which hub still lacks which.

use std::collections::HashSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::tables::{T, Tx, damaged};
use crate::client::outbox::Rows as _;
use crate::ids::{DeviceId, DocId, MediaHash};
use crate::rest::Unsent;

/// A file as it was when it was hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashedFile {
    /// Its length in bytes.
    pub size: u64,
    /// When it was changed last, nanoseconds since 1970 by the file system.
    pub modified: i128,
    /// The hash of its bytes.
    pub hash: MediaHash,
}

/// A media file that is attached somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaFile {
    /// Where it lies, absolute.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its name, for people.
    pub name: String,
    /// Its media type.
    #[serde(rename = "type")]
    pub media_type: String,
}

/// How a media file stands with a hub that lacks it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaWait {
    /// The upload that was begun, as an absolute path on the hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
    /// Why it cannot be sent: the code and the sentence. Looked at again when the file is attached anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<(String, String)>,
}

impl Tx<'_> {
    /// The hash of a file, if it was hashed when it had this size and time.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn hashed(&self, path: &Path) -> Result<Option<HashedFile>, StoreError> {
        self.get_json(T::Files, path.as_os_str().as_encoded_bytes())
    }

    /// Notes a file's hash, so that it need not be read again while it stays as it is.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn note_hashed(&mut self, path: &Path, file: &HashedFile) -> Result<(), StoreError> {
        self.put_json(T::Files, path.as_os_str().as_encoded_bytes(), file)
    }

    /// Notes a media file that is attached somewhere. Hubs that were not offered it yet will be; one where it was refused, again.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn keep_media(&mut self, hash: &MediaHash, file: &MediaFile) -> Result<(), StoreError> {
        let before: Option<MediaFile> = self.get_json(T::Media, &hash.0)?;
        if before.as_ref() == Some(file) {
            return Ok(());
        }
        self.put_json(T::Media, &hash.0, file)?;
        for hub in self.hubs()? {
            let wait: Option<MediaWait> = self.get_json(T::Wanted, &pair(&hub, hash))?;
            if before.is_none() || wait.is_some_and(|wait| wait.refused.is_some()) {
                self.put_json(T::Wanted, &pair(&hub, hash), &MediaWait::default())?;
            }
        }
        Ok(())
    }

    /// A media file.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn media(&self, hash: &MediaHash) -> Result<Option<MediaFile>, StoreError> {
        self.get_json(T::Media, &hash.0)
    }

    /// Media that a hub may lack, by hash, after one of them.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn media_waiting(
        &self,
        hub: &DeviceId,
        after: Option<&MediaHash>,
        limit: usize,
    ) -> Result<Vec<(MediaHash, MediaWait)>, StoreError> {
        let after = after.map(|hash| pair(hub, hash));
        let rows = self.list(T::Wanted, &hub.0, after.as_ref().map(|key| &key[..]), limit)?;
        let read = |key: &[u8], value: &[u8]| {
            let hash = MediaHash::try_from(&key[32..]).ok()?;
            Some((hash, serde_json::from_slice(value).ok()?))
        };
        rows.iter().map(|(key, value)| read(key, value).ok_or(damaged(T::Wanted))).collect()
    }

    /// Notes that a hub holds a media file.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn media_held(&mut self, hub: &DeviceId, hash: &MediaHash) -> Result<(), StoreError> {
        self.remove(T::Wanted, &pair(hub, hash)).map(drop)
    }

    /// Notes how a media file stands with a hub that lacks it.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn note_media(&mut self, hub: &DeviceId, hash: &MediaHash, wait: &MediaWait) -> Result<(), StoreError> {
        self.put_json(T::Wanted, &pair(hub, hash), wait)
    }

    /// Makes all media wait for a hub.
    pub(crate) fn want_all_media(&mut self, hub: &DeviceId) -> Result<(), StoreError> {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let rows = self.list(T::Media, &[], after.as_deref(), 1_000)?;
            for (hash, _) in &rows {
                let hash = MediaHash::try_from(&hash[..]).map_err(|_| damaged(T::Media))?;
                self.put_json(T::Wanted, &pair(hub, &hash), &MediaWait::default())?;
            }
            match rows.into_iter().next_back() {
                Some((last, _)) => after = Some(last),
                None => return Ok(()),
            }
        }
    }

    /// What a hub has not acknowledged yet.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn unsent(&self, me: &DeviceId, hub: &DeviceId) -> Result<Unsent, StoreError> {
        let drafts = self.drafts(0, usize::MAX)?;
        let waiting = self.waiting(hub, 0, usize::MAX)?;
        let docs: HashSet<DocId> = drafts.iter().map(|(_, doc)| *doc).chain(waiting.iter().map(|waiting| waiting.doc)).collect();
        let mut documents = 0;
        for doc in &docs {
            let told = self.local(doc)?.is_some_and(|local| local.version_synced.contains_key(hub));
            documents += u64::from(!told);
        }
        let media = self.media_waiting(hub, None, usize::MAX)?;
        let mut media_bytes = 0;
        for (hash, _) in &media {
            media_bytes += self.media(hash)?.map_or(0, |file| file.size);
        }
        Ok(Unsent {
            revisions: drafts.len() as u64 + waiting.len() as u64,
            documents,
            media: media.len() as u64,
            media_bytes,
            parked: self.count(T::Parked, &hub.0)? + self.count(T::Parked, &me.0)?,
        })
    }
}

fn pair(hub: &DeviceId, hash: &MediaHash) -> [u8; 64] {
    let mut key = [0; 64];
    key[..32].copy_from_slice(&hub.0);
    key[32..].copy_from_slice(&hash.0);
    key
}
