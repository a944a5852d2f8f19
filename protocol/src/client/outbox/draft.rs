//! A draft: what a person changed and nobody was offered yet, always as the difference from what they had seen.
//!
//! The outbox builds one a document. It promises that a draft holds no more than the difference: what is set back is
//! forgotten, and a draft that says nothing is noticed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::canonical;
use crate::document::Document;
use crate::ids::{MediaHash, RevisionId};
use crate::revision::Attachment;

/// A change that a person makes to a document. What it does not name stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Edit {
    /// Properties to write.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub set: Map<String, Value>,
    /// Properties to remove; applied after `set`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unset: Vec<String>,
    /// Media to attach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attach: Vec<Attachment>,
    /// Media to detach; applied after `attach`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub detach: Vec<MediaHash>,
    /// Whether the document shall be deleted, or brought back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<bool>,
}

/// A draft, not frozen yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unfrozen {
    /// Its place in the queue.
    pub place: u64,
    /// The heads that its author had seen when it was begun.
    pub parents: Vec<RevisionId>,
    /// When it was edited last, by this device's clock, milliseconds since 1970.
    pub created_at: i64,
    /// Properties that it writes.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub set: Map<String, Value>,
    /// Properties that it removes.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unset: BTreeSet<String>,
    /// Media that it attaches, in the order in which they came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attach: Vec<Attachment>,
    /// Media that it detaches.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub detach: BTreeSet<MediaHash>,
    /// Whether the document is deleted as of this draft.
    #[serde(default)]
    pub deleted: bool,
    /// The refusal with which freezing it failed; until it is edited it is out of the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

impl Unfrozen {
    /// An empty draft upon `parents`, which show `base`. A deleted document stays so until somebody brings it back.
    pub(super) fn new(parents: Vec<RevisionId>, base: Option<&Document>) -> Self {
        Self {
            place: 0,
            parents,
            created_at: 0,
            set: Map::new(),
            unset: BTreeSet::new(),
            attach: Vec::new(),
            detach: BTreeSet::new(),
            deleted: base.is_some_and(|base| base.deleted),
            refused: None,
        }
    }

    /// Takes a change in, and forgets what does not differ from `base` any more.
    pub(super) fn apply(&mut self, edit: &Edit, base: Option<&Document>) {
        for (name, value) in &edit.set {
            self.unset.remove(name);
            let shown = base.and_then(|base| base.set.get(name));
            if !contested(base, name) && shown.is_some_and(|shown| same(shown, value)) {
                self.set.remove(name);
            } else {
                self.set.insert(name.clone(), value.clone());
            }
        }
        for name in &edit.unset {
            self.set.remove(name);
            if contested(base, name) || base.is_some_and(|base| base.set.contains_key(name)) {
                self.unset.insert(name.clone());
            }
        }
        for attachment in &edit.attach {
            self.detach.remove(&attachment.hash);
            let held = base.is_some_and(|base| base.attachments.iter().any(|kept| kept.attachment == *attachment));
            match self.attach.iter().position(|other| other.hash == attachment.hash) {
                Some(at) if held => drop(self.attach.remove(at)),
                Some(at) => self.attach[at].clone_from(attachment),
                None if held => {}
                None => self.attach.push(attachment.clone()),
            }
        }
        for hash in &edit.detach {
            self.attach.retain(|other| other.hash != *hash);
            if base.is_some_and(|base| base.attachments.iter().any(|kept| kept.attachment.hash == *hash)) {
                self.detach.insert(*hash);
            }
        }
        self.deleted = edit.deleted.unwrap_or(self.deleted);
    }

    /// Whether a revision made of it would change nothing.
    pub(super) fn says_nothing(&self, base: &Document) -> bool {
        self.set.is_empty()
            && self.unset.is_empty()
            && self.attach.is_empty()
            && self.detach.is_empty()
            && self.deleted == base.deleted
    }

    /// Whether both would make the same revision, their time aside.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        self.unset == other.unset
            && self.attach == other.attach
            && self.detach == other.detach
            && self.deleted == other.deleted
            && same_properties(&self.set, &other.set)
    }
}

fn contested(base: Option<&Document>, name: &str) -> bool {
    base.is_some_and(|base| base.conflicts.contains_key(name))
}

/// Two values are one if they are written alike: 1 and 1.0 are.
fn same(a: &Value, b: &Value) -> bool {
    a == b || canonical::canonical(a) == canonical::canonical(b)
}

fn same_properties(a: &Map<String, Value>, b: &Map<String, Value>) -> bool {
    a.len() == b.len() && a.iter().all(|(name, value)| b.get(name).is_some_and(|other| same(value, other)))
}
