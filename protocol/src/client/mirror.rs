//! A source that is read again and again: each time it says what its documents are as a whole, and only what it has changed since
//! becomes edits.
//!
//! Importers call [`Device::mirror`]. It promises: reading an unchanged source again makes no edit, whatever others have changed
//! meanwhile; a change in the source touches only what the source changed, so that other people's edits stay; a batch is
//! one commit.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::media::Hashed;
use super::outbox::{Edit, Edited, Outbox, Rows, Unfrozen};
use super::{Device, StoreError};
use crate::document;
use crate::ids::{DeviceId, DocId, MediaHash};
use crate::keys::DeviceKey;
use crate::revision::Attachment;
use crate::{canonical, limits, time};

/// A document as its source has it now, as a whole.
#[derive(Debug, Clone)]
pub struct Whole {
    /// Its id, the same at each reading.
    pub doc: DocId,
    /// Sort of document.
    pub kind: String,
    /// All its properties.
    pub set: Map<String, Value>,
    /// All its media.
    pub media: Vec<Hashed>,
}

/// What reading a source has brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mirrored {
    /// Documents that were not known.
    pub new: u64,
    /// Documents that the source had changed.
    pub changed: u64,
    /// Documents that are as they were.
    pub unchanged: u64,
}

impl std::ops::AddAssign for Mirrored {
    fn add_assign(&mut self, more: Self) {
        self.new += more.new;
        self.changed += more.changed;
        self.unchanged += more.unchanged;
    }
}

impl Device {
    /// Takes in what a source says now, in one commit. A batch should hold a thousand documents or so.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn mirror(&self, batch: Vec<Whole>) -> Result<Mirrored, StoreError> {
        let at = time::now_millis();
        self.store
            .run(move |tx, key| {
                let mut sum = Mirrored::default();
                for whole in &batch {
                    for media in &whole.media {
                        media.keep(tx)?;
                    }
                    sum += mirror(tx, key, whole, at)?;
                }
                Ok(sum)
            })
            .await
    }
}

/// Takes in one document.
///
/// # Errors
/// Where the rows fail.
pub fn mirror<R: Rows>(rows: &mut R, key: &DeviceKey, whole: &Whole, at: i64) -> Result<Mirrored, R::Error> {
    let attach: Vec<Attachment> = whole.media.iter().map(|media| media.attachment.clone()).collect();
    let said = digest(whole, &attach);
    let before = rows.local(&whole.doc)?;
    if before.as_ref().is_some_and(|local| local.source.as_ref() == Some(&said)) {
        return Ok(Mirrored { unchanged: 1, ..Mirrored::default() });
    }
    let draft = before.as_ref().and_then(|local| local.draft.as_ref());
    let view = OwnView::new(rows, key.id(), whole.doc, draft)?;
    let mut edit = view.difference(whole, attach);
    let mut edited = Edited::Unchanged;
    // One revision attaches so many and no more; the rest follows in revisions of its own.
    let rest = edit.attach.split_off(edit.attach.len().min(limits::ATTACHMENTS));
    for part in std::iter::once(edit).chain(rest.chunks(limits::ATTACHMENTS).map(attaching)) {
        let mut outbox = Outbox::new(&mut *rows, key.id());
        if edited != Edited::Unchanged {
            outbox.freeze(key, whole.doc)?;
        }
        edited = outbox.edit(whole.doc, &whole.kind, at, &part)?;
    }
    if let Some(mut local) = rows.local(&whole.doc)? {
        local.source = Some(said);
        rows.put_local(&whole.doc, &local)?;
    }
    Ok(match (before, edited) {
        (None, _) => Mirrored { new: 1, ..Mirrored::default() },
        (Some(_), Edited::Unchanged) => Mirrored { unchanged: 1, ..Mirrored::default() },
        (Some(_), _) => Mirrored { changed: 1, ..Mirrored::default() },
    })
}

fn attaching(attach: &[Attachment]) -> Edit {
    Edit { attach: attach.to_vec(), ..Edit::default() }
}

/// What the source says, in short.
fn digest(whole: &Whole, attach: &[Attachment]) -> String {
    let said = serde_json::json!({ "kind": whole.kind, "set": whole.set, "attach": attach });
    blake3::hash(&canonical::canonical(&said)).to_hex()[..32].to_owned()
}

/// A document as this device alone has written it: what the source said last.
struct OwnView {
    set: Map<String, Value>,
    attach: Vec<Attachment>,
    deleted: bool,
}

impl OwnView {
    fn new<R: Rows>(rows: &R, me: DeviceId, doc: DocId, draft: Option<&Unfrozen>) -> Result<Self, R::Error> {
        let history = rows.history(&doc)?;
        let own = history.iter().map(|kept| &kept.revision).filter(|revision| revision.content().author == me);
        let mut view = match document::merge(doc, own) {
            None => Self { set: Map::new(), attach: Vec::new(), deleted: false },
            Some(merged) => Self {
                set: merged.set,
                attach: merged.attachments.into_iter().map(|kept| kept.attachment).collect(),
                deleted: merged.deleted,
            },
        };
        if let Some(draft) = draft {
            view.set.retain(|name, _| !draft.unset.contains(name));
            view.set.extend(draft.set.clone());
            let replaced: BTreeSet<MediaHash> =
                draft.detach.iter().copied().chain(draft.attach.iter().map(|attachment| attachment.hash)).collect();
            view.attach.retain(|attachment| !replaced.contains(&attachment.hash));
            view.attach.extend(draft.attach.iter().cloned());
            view.deleted = draft.deleted;
        }
        Ok(view)
    }

    fn difference(&self, whole: &Whole, attach: Vec<Attachment>) -> Edit {
        let hashes: BTreeSet<MediaHash> = attach.iter().map(|attachment| attachment.hash).collect();
        let differs = |name: &String, value: &Value| {
            self.set.get(name).is_none_or(|before| canonical::canonical(before) != canonical::canonical(value))
        };
        let set = whole.set.iter().filter(|(name, value)| differs(name, value));
        Edit {
            set: set.map(|(name, value)| (name.clone(), value.clone())).collect(),
            unset: self.set.keys().filter(|name| !whole.set.contains_key(*name)).cloned().collect(),
            detach: self.attach.iter().map(|attachment| attachment.hash).filter(|hash| !hashes.contains(hash)).collect(),
            attach: attach.into_iter().filter(|attachment| !self.attach.contains(attachment)).collect(),
            deleted: self.deleted.then_some(false),
        }
    }
}
