//! What each revision of a document changed: the history as people read it.
//!
//! The hub's page asks here, and takes an edit back by what stood before it. It promises: a pure function of the set of revisions,
//! as the merge is; what is called "before" is what the merge of the revision's own ancestors shows, which is what its author saw.
//!
//! Time: each change that is told walks the revisions once.

use std::collections::BTreeMap;

use serde_json::Value;

use super::History;
use crate::ids::{DeviceId, DocId, MediaHash, RevisionId};
use crate::revision::{Attachment, ValidRevision};

/// A property before a revision and after it; `None` where there is no such property.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What its author saw.
    pub before: Option<Value>,
    /// What the author wrote.
    pub after: Option<Value>,
}

/// What one revision changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The revision.
    pub id: RevisionId,
    /// The revisions that it was made upon, those that are not here included.
    pub parents: Vec<RevisionId>,
    /// Who made it.
    pub author: DeviceId,
    /// When, by the author's clock; milliseconds since 1970.
    pub created_at: i64,
    /// The properties it writes, those among them that it writes as they were included.
    pub properties: BTreeMap<String, Step>,
    /// Media that it attaches, or describes anew.
    pub attached: Vec<Attachment>,
    /// Media that it detaches, as they were described; one of which nothing is known is left out.
    pub detached: Vec<Attachment>,
    /// Whether it deleted the document (`true`) or brought it back (`false`); `None` where that did not change.
    pub deleted: Option<bool>,
    /// Whether nothing was made upon it yet.
    pub is_head: bool,
}

/// How many revisions of `doc` there are, and what the greatest `limit` of them by (depth, id) changed, the greatest first.
#[must_use]
pub fn changes<'a>(doc: DocId, revisions: impl IntoIterator<Item = &'a ValidRevision>, limit: usize) -> (u64, Vec<Change>) {
    let history = History::new(doc, revisions);
    let mut order: Vec<usize> = (0..history.nodes.len()).collect();
    order.sort_unstable_by_key(|at| std::cmp::Reverse(history.nodes[*at].rank()));
    order.truncate(limit);
    (history.nodes.len() as u64, order.into_iter().map(|at| history.change(at)).collect())
}

impl History<'_> {
    fn change(&self, at: usize) -> Change {
        let node = &self.nodes[at];
        let content = node.content;
        let known = self.ancestors(at);
        let written = content.set.iter().map(|(name, value)| (name, Some(value.clone())));
        let removed = content.unset.iter().map(|name| (name, None));
        let properties = written.chain(removed).map(|(name, after)| {
            let before = self.shown_before(&known, name);
            (name.clone(), Step { before, after })
        });
        let was_deleted = self.is_deleted_before(at);
        Change {
            id: node.id,
            parents: content.parents.clone(),
            author: content.author,
            created_at: content.created_at,
            properties: properties.collect(),
            attached: content.attach.clone(),
            detached: content.detach.iter().filter_map(|hash| self.described_before(&known, hash)).collect(),
            deleted: (content.deleted != was_deleted).then_some(content.deleted),
            is_head: !node.has_child,
        }
    }

    /// The positions of all ancestors that are here, the greatest by (depth, id) first.
    fn ancestors(&self, node: usize) -> Vec<usize> {
        let reached = self.reached_from([node]);
        let mut ancestors: Vec<usize> = (0..node).filter(|at| reached[*at]).collect();
        ancestors.sort_unstable_by_key(|at| std::cmp::Reverse(self.nodes[*at].rank()));
        ancestors
    }

    /// For each position whether one of `nodes` descends from it.
    fn reached_from(&self, nodes: impl IntoIterator<Item = usize>) -> Vec<bool> {
        let mut reached = vec![false; self.nodes.len()];
        let reach = |reached: &mut Vec<bool>, at: usize| self.nodes[at].parents.iter().for_each(|parent| reached[*parent] = true);
        let mut last = 0;
        for node in nodes {
            reach(&mut reached, node);
            last = last.max(node);
        }
        for at in (0..last).rev() {
            if reached[at] {
                reach(&mut reached, at);
            }
        }
        reached
    }

    /// The greatest write among them is superseded by none of them, and so it is the one that their merge shows.
    fn shown_before(&self, known: &[usize], name: &str) -> Option<Value> {
        let writes = |at: &&usize| {
            let content = self.nodes[**at].content;
            content.set.contains_key(name) || content.unset.iter().any(|unset| unset == name)
        };
        known.iter().find(writes).and_then(|at| self.nodes[*at].content.set.get(name)).cloned()
    }

    /// The greatest description that was not detached by then, which is the one that their merge shows. Media that was detached
    /// already by all that is known keeps its last description.
    fn described_before(&self, known: &[usize], hash: &MediaHash) -> Option<Attachment> {
        let detachers = known.iter().copied().filter(|at| self.nodes[*at].content.detach.contains(hash));
        let is_detached = self.reached_from(detachers);
        let described = |at: &usize| self.nodes[*at].content.attach.iter().find(|attachment| attachment.hash == *hash);
        let standing = known.iter().filter(|at| !is_detached[**at]).find_map(described);
        standing.or_else(|| known.iter().find_map(described)).cloned()
    }

    /// Whether all heads of what the author knew said that the document is deleted; the heads are among the parents.
    fn is_deleted_before(&self, at: usize) -> bool {
        let parents = &self.nodes[at].parents;
        let is_head = |parent: &usize| !parents.iter().any(|other| self.descends(*other, *parent));
        !parents.is_empty() && parents.iter().filter(|parent| is_head(parent)).all(|head| self.nodes[*head].content.deleted)
    }
}
