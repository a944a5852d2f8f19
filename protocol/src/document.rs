//! The merge: a document as a pure function of the set of its revisions.
//!
//! Hub, devices and importers call this, and all must come to the same bytes, whatever order the revisions came in. It
//! promises: order-independent, idempotent, nothing dropped (what is not shown is listed as a conflict), no clock asked.
//!
//! Time: `(revisions + parents) × ⌈properties written more than once / 64⌉`, and linear where the history is one chain,
//! as nearly all are. Memory: linear in the revisions given.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::{DeviceId, DocId, MediaHash, RevisionId};
use crate::revision::{Attachment, Content, ValidRevision};
use crate::time;

mod changes; // what each revision changed

pub use changes::{Change, Step, changes};

/// What a document's history allows to say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Every parent is here, and nobody disagrees.
    Whole,
    /// Two people wrote the same property without knowing of each other.
    Conflict,
    /// A parent is missing, so that it cannot be said whether there is a conflict.
    Incomplete,
}

/// One of several values that were written to a property by people who did not know of each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The value; absent where the property was unset.
    #[serde(skip_serializing_if = "Option::is_none", default, with = "present")]
    pub value: Option<Value>,
    /// The revisions that wrote it, sorted.
    pub revisions: Vec<RevisionId>,
    /// The author of the greatest of them by (depth, id).
    pub author: DeviceId,
    /// When, by that author's clock.
    pub created_at: String,
    /// Whether this is the value that `set` shows.
    pub shown: bool,
}

/// Serde would read `"value": null` as an absent member; here null is a value like any other.
mod present {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value;

    pub(super) fn serialize<S: Serializer>(value: &Option<Value>, serializer: S) -> Result<S::Ok, S::Error> {
        value.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
        Value::deserialize(deserializer).map(Some)
    }
}

/// An attachment that stands, with the revision whose metadata it shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The attachment.
    #[serde(flatten)]
    pub attachment: Attachment,
    /// The revision that attached it so.
    pub revision: RevisionId,
}

/// A merged document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Its id.
    pub doc: DocId,
    /// The kind that its first revision named.
    pub kind: String,
    /// Whether it is whole, in conflict or incomplete.
    pub state: State,
    /// Whether all heads say that it is deleted.
    pub deleted: bool,
    /// The properties, each with the value that is shown.
    pub set: Map<String, Value>,
    /// The properties with more than one candidate, and all their candidates, the shown one first.
    pub conflicts: BTreeMap<String, Vec<Candidate>>,
    /// The media that stand, in the order in which they were attached.
    pub attachments: Vec<Kept>,
    /// The revisions without children, sorted.
    pub heads: Vec<RevisionId>,
    /// Parents that are named but not here, sorted.
    pub missing: Vec<RevisionId>,
    /// How many revisions there are.
    pub revisions: u64,
    /// Who made its first revision: the least by (depth, id).
    pub author: DeviceId,
    /// Everybody who wrote to it, sorted.
    pub authors: Vec<DeviceId>,
    /// When its first revision was made, by its author's clock.
    pub created_at: String,
    /// When its greatest revision by (depth, id) was made, by its author's clock.
    pub changed_at: String,
}

impl Document {
    /// The canonical bytes, by which two implementations are held against each other.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        crate::canonical::canonical_of(self)
    }
}

/// How two revisions of one document stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Causality {
    /// They are one and the same.
    Same,
    /// The first was known to the author of the second.
    Before,
    /// The second was known to the author of the first.
    After,
    /// Neither knew of the other.
    Concurrent,
}

/// Merges the revisions of `doc`; those of other documents among them are passed over. `None` where there is none.
#[must_use]
pub fn merge<'a>(doc: DocId, revisions: impl IntoIterator<Item = &'a ValidRevision>) -> Option<Document> {
    let history = History::new(doc, revisions);
    let (first, greatest) = (history.least()?, history.greatest()?);
    let (set, conflicts) = history.properties();
    let heads = history.heads();
    let missing: BTreeSet<RevisionId> = history.missing();
    let state = match (missing.is_empty(), conflicts.is_empty()) {
        (false, _) => State::Incomplete,
        (true, false) => State::Conflict,
        (true, true) => State::Whole,
    };
    let authors: BTreeSet<DeviceId> = history.nodes.iter().map(|node| node.content.author).collect();
    let mut head_ids: Vec<RevisionId> = heads.iter().map(|at| history.nodes[*at].id).collect();
    head_ids.sort_unstable();
    Some(Document {
        doc,
        kind: first.content.kind.clone(),
        state,
        deleted: heads.iter().all(|at| history.nodes[*at].content.deleted),
        set,
        conflicts,
        attachments: history.attachments(),
        heads: head_ids,
        missing: missing.into_iter().collect(),
        revisions: history.nodes.len() as u64,
        author: first.content.author,
        authors: authors.into_iter().collect(),
        created_at: time::format_millis(first.content.created_at),
        changed_at: time::format_millis(greatest.content.created_at),
    })
}

/// How `a` and `b` stand to each other, as far as the revisions given tell. `None` where one of them is not among them.
#[must_use]
pub fn causality<'a>(
    doc: DocId,
    revisions: impl IntoIterator<Item = &'a ValidRevision>,
    a: RevisionId,
    b: RevisionId,
) -> Option<Causality> {
    let history = History::new(doc, revisions);
    let at = |id| history.nodes.iter().position(|node| node.id == id);
    let (a, b) = (at(a)?, at(b)?);
    Some(if a == b {
        Causality::Same
    } else if history.descends(b, a) {
        Causality::Before
    } else if history.descends(a, b) {
        Causality::After
    } else {
        Causality::Concurrent
    })
}

struct Node<'a> {
    id: RevisionId,
    content: &'a Content,
    /// The longest chain of present parents.
    depth: u32,
    /// Positions of the present parents, all smaller than the node's own.
    parents: Vec<usize>,
    has_child: bool,
}

impl Node<'_> {
    const fn rank(&self) -> (u32, RevisionId) {
        (self.depth, self.id)
    }
}

/// The distinct revisions of one document, parents before children.
struct History<'a> {
    nodes: Vec<Node<'a>>,
    is_chain: bool,
}

impl<'a> History<'a> {
    fn new(doc: DocId, revisions: impl IntoIterator<Item = &'a ValidRevision>) -> Self {
        let distinct: BTreeMap<RevisionId, &Content> = revisions
            .into_iter()
            .filter(|revision| revision.content().doc == doc)
            .map(|revision| (revision.id(), revision.content()))
            .collect();
        let order = parents_first(&distinct);
        let position: HashMap<RevisionId, usize> = order.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        let mut nodes: Vec<Node<'a>> = Vec::with_capacity(order.len());
        for id in order {
            let content = distinct[&id];
            let parents: Vec<usize> = content.parents.iter().filter_map(|parent| position.get(parent).copied()).collect();
            let depth = parents.iter().map(|at| nodes[*at].depth + 1).max().unwrap_or(0);
            for at in &parents {
                nodes[*at].has_child = true;
            }
            nodes.push(Node { id, content, depth, parents, has_child: false });
        }
        let is_chain = nodes.iter().enumerate().all(|(at, node)| at == 0 || node.parents.contains(&(at - 1)));
        Self { nodes, is_chain }
    }

    fn least(&self) -> Option<&Node<'a>> {
        self.nodes.iter().min_by_key(|node| node.rank())
    }

    fn greatest(&self) -> Option<&Node<'a>> {
        self.nodes.iter().max_by_key(|node| node.rank())
    }

    fn heads(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|at| !self.nodes[*at].has_child).collect()
    }

    /// Named parents that are not here. One that belongs to another document is not here either.
    fn missing(&self) -> BTreeSet<RevisionId> {
        let present: BTreeSet<RevisionId> = self.nodes.iter().map(|node| node.id).collect();
        self.nodes.iter().flat_map(|node| &node.content.parents).filter(|parent| !present.contains(parent)).copied().collect()
    }

    fn descends(&self, node: usize, ancestor: usize) -> bool {
        let mut reached = vec![false; self.nodes.len()];
        reached[node] = true;
        for at in (ancestor + 1..=node).rev() {
            if reached[at] {
                for parent in &self.nodes[at].parents {
                    reached[*parent] = true;
                }
            }
        }
        node != ancestor && reached[ancestor]
    }

    /// For each thing: those of its `writers` that no `coverer` of the same thing descends from.
    fn uncovered(&self, things: &[Thing]) -> Vec<Vec<usize>> {
        if self.is_chain {
            return things.iter().map(Thing::uncovered_in_chain).collect();
        }
        let mut result = Vec::with_capacity(things.len());
        for chunk in things.chunks(64) {
            let mut covers = vec![0_u64; self.nodes.len()];
            for (bit, thing) in chunk.iter().enumerate() {
                for at in &thing.coverers {
                    covers[*at] |= 1 << bit;
                }
            }
            let mut covered = vec![0_u64; self.nodes.len()];
            for at in (0..self.nodes.len()).rev() {
                let above = covered[at] | covers[at];
                for parent in &self.nodes[at].parents {
                    covered[*parent] |= above;
                }
            }
            for (bit, thing) in chunk.iter().enumerate() {
                result.push(thing.writers.iter().copied().filter(|at| covered[*at] & (1 << bit) == 0).collect());
            }
        }
        result
    }

    fn properties(&self) -> (Map<String, Value>, BTreeMap<String, Vec<Candidate>>) {
        let mut writers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, node) in self.nodes.iter().enumerate() {
            for name in node.content.set.keys().chain(&node.content.unset) {
                writers.entry(name).or_default().push(at);
            }
        }
        let things: Vec<Thing> = writers.values().map(|at| Thing { writers: at.clone(), coverers: at.clone() }).collect();
        let (mut set, mut conflicts) = (Map::new(), BTreeMap::new());
        for (name, mut winners) in writers.keys().zip(self.uncovered(&things)) {
            winners.sort_by_key(|at| std::cmp::Reverse(self.nodes[*at].rank()));
            let candidates = self.candidates(name, &winners);
            if let Some(value) = candidates.first().and_then(|shown| shown.value.clone()) {
                set.insert((*name).to_owned(), value);
            }
            if candidates.len() > 1 {
                conflicts.insert((*name).to_owned(), candidates);
            }
        }
        (set, conflicts)
    }

    /// Equal values are one candidate; `winners` come greatest first, so the first candidate is the one shown.
    fn candidates(&self, name: &str, winners: &[usize]) -> Vec<Candidate> {
        let mut candidates: Vec<Candidate> = Vec::new();
        // By canonical text, so that a thousand different values take no million comparisons.
        let mut seen: HashMap<Option<Vec<u8>>, usize> = HashMap::new();
        for at in winners {
            let node = &self.nodes[*at];
            let value = node.content.set.get(name);
            let key = if winners.len() > 1 { value.map(crate::canonical::canonical) } else { None };
            if let Some(same) = seen.get(&key) {
                candidates[*same].revisions.push(node.id);
                continue;
            }
            seen.insert(key, candidates.len());
            candidates.push(Candidate {
                value: value.cloned(),
                revisions: vec![node.id],
                author: node.content.author,
                created_at: time::format_millis(node.content.created_at),
                shown: candidates.is_empty(),
            });
        }
        for candidate in &mut candidates {
            candidate.revisions.sort_unstable();
        }
        candidates
    }

    fn attachments(&self) -> Vec<Kept> {
        let mut media: BTreeMap<MediaHash, Thing> = BTreeMap::new();
        for (at, node) in self.nodes.iter().enumerate() {
            for attachment in &node.content.attach {
                media.entry(attachment.hash).or_default().writers.push(at);
            }
            for hash in &node.content.detach {
                media.entry(*hash).or_default().coverers.push(at);
            }
        }
        let (hashes, things): (Vec<MediaHash>, Vec<Thing>) = media.into_iter().unzip();
        let mut kept: Vec<((u32, RevisionId, usize), Kept)> = Vec::new();
        for (hash, standing) in hashes.iter().zip(self.uncovered(&things)) {
            let Some(node) = standing.iter().map(|at| &self.nodes[*at]).max_by_key(|node| node.rank()) else { continue };
            let Some(index) = node.content.attach.iter().position(|attachment| attachment.hash == *hash) else { continue };
            let attachment = node.content.attach[index].clone();
            kept.push(((node.depth, node.id, index), Kept { attachment, revision: node.id }));
        }
        kept.sort_by_key(|(order, _)| *order);
        kept.into_iter().map(|(_, kept)| kept).collect()
    }
}

/// A property or a media, by the positions that write (or attach) it and those that supersede (or detach) it.
#[derive(Default)]
struct Thing {
    writers: Vec<usize>,
    coverers: Vec<usize>,
}

impl Thing {
    /// In a chain everything descends from everything before it.
    fn uncovered_in_chain(&self) -> Vec<usize> {
        let last = self.coverers.iter().max();
        self.writers.iter().copied().filter(|at| last.is_none_or(|last| at >= last)).collect()
    }
}

/// The ids, parents before children. Hashes allow no cycle, so every id comes out.
fn parents_first(distinct: &BTreeMap<RevisionId, &Content>) -> Vec<RevisionId> {
    let mut waiting: HashMap<RevisionId, usize> = HashMap::with_capacity(distinct.len());
    let mut children: HashMap<RevisionId, Vec<RevisionId>> = HashMap::new();
    let mut order: Vec<RevisionId> = Vec::with_capacity(distinct.len());
    for (id, content) in distinct {
        let present = content.parents.iter().filter(|parent| distinct.contains_key(*parent));
        let mut count = 0;
        for parent in present {
            children.entry(*parent).or_default().push(*id);
            count += 1;
        }
        if count == 0 {
            order.push(*id);
        } else {
            waiting.insert(*id, count);
        }
    }
    let mut next = 0;
    while let Some(id) = order.get(next).copied() {
        next += 1;
        for child in children.get(&id).into_iter().flatten() {
            if let Some(count) = waiting.get_mut(child) {
                *count -= 1;
                if *count == 0 {
                    order.push(*child);
                }
            }
        }
    }
    order
}
