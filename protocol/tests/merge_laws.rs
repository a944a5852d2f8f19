//! The laws of the merge, on histories made by simulated replicas: each knows some revisions, edits upon what it knows, and
//! now and then hears of others. A vector clock runs beside it as an oracle, and a naive merge as a second opinion.

use std::collections::{BTreeMap, BTreeSet};

use maloca_protocol::document::{self, Causality, Document, State};
use maloca_protocol::ids::{DocId, MediaHash, RevisionId};
use maloca_protocol::revision::Attachment;
use maloca_protocol::{DeviceKey, Draft, ValidRevision};
use proptest::prelude::*;
use serde_json::{Value, json};

const REPLICAS: usize = 4;
const NAMES: [&str; 3] = ["notes", "category", "count"];

/// What a replica does.
#[derive(Debug, Clone)]
enum Step {
    /// Writes properties by (name, value); value 0 unsets. Attaches and detaches media by number.
    Edit { replica: usize, writes: Vec<(usize, u8)>, attach: Option<u8>, detach: Option<u8>, deleted: bool },
    /// Hears everything that another knows.
    Hear { replica: usize, from: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let edit = (
        0..REPLICAS,
        prop::collection::vec((0..NAMES.len(), 0_u8..4), 0..3),
        prop::option::weighted(0.3, 0_u8..3),
        prop::option::weighted(0.2, 0_u8..3),
        prop::bool::weighted(0.15),
    )
        .prop_map(|(replica, writes, attach, detach, deleted)| Step::Edit { replica, writes, attach, detach, deleted });
    let hear = (0..REPLICAS, 0..REPLICAS).prop_map(|(replica, from)| Step::Hear { replica, from });
    prop_oneof![3 => edit, 2 => hear]
}

type Clock = [u32; REPLICAS];

/// Values, or none where unset, each with the revisions that wrote it.
type Candidates = Vec<(Option<Value>, BTreeSet<RevisionId>)>;

struct History {
    revisions: Vec<ValidRevision>,
    clocks: BTreeMap<RevisionId, Clock>,
}

fn doc() -> DocId {
    DocId::from_source("merge laws", "one")
}

fn media(number: u8) -> MediaHash {
    MediaHash([number; 32])
}

fn play(steps: &[Step]) -> History {
    let keys: Vec<DeviceKey> = (0..REPLICAS as u8).map(|n| DeviceKey::from_seed([n + 1; 32])).collect();
    let mut known: Vec<Vec<ValidRevision>> = vec![Vec::new(); REPLICAS];
    let mut now: [Clock; REPLICAS] = [[0; REPLICAS]; REPLICAS];
    let mut history = History { revisions: Vec::new(), clocks: BTreeMap::new() };
    for (at, step) in steps.iter().enumerate() {
        match step {
            Step::Hear { replica, from } => {
                for revision in known[*from].clone() {
                    if !known[*replica].contains(&revision) {
                        known[*replica].push(revision);
                    }
                }
                let other = now[*from];
                for (mine, theirs) in now[*replica].iter_mut().zip(other) {
                    *mine = theirs.max(*mine);
                }
            }
            Step::Edit { replica, writes, attach, detach, deleted } => {
                let mut draft = Draft::new("observation", doc(), at as i64);
                draft.parents = document::merge(doc(), &known[*replica]).map_or_else(Vec::new, |merged| merged.heads);
                for (name, value) in writes {
                    draft.set.remove(NAMES[*name]);
                    draft.unset.retain(|other| other != NAMES[*name]);
                    match value {
                        0 => draft.unset.push(NAMES[*name].into()),
                        value => drop(draft.set.insert(NAMES[*name].into(), json!(value))),
                    }
                }
                if let Some(number) = attach {
                    let name = format!("{at}.jpg");
                    draft.attach.push(Attachment {
                        hash: media(*number),
                        name,
                        media_type: "image/jpeg".into(),
                        size: 1,
                        taken_at: None,
                    });
                }
                draft.detach.extend(detach.filter(|number| Some(*number) != *attach).map(media));
                draft.deleted = *deleted;
                let revision = draft.sign(&keys[*replica]).expect("a sound draft");
                now[*replica][*replica] += 1;
                history.clocks.insert(revision.id(), now[*replica]);
                known[*replica].push(revision.clone());
                history.revisions.push(revision);
            }
        }
    }
    history
}

fn histories() -> impl Strategy<Value = History> {
    prop::collection::vec(step(), 1..24).prop_map(|steps| play(&steps)).prop_filter("an edit", |h| !h.revisions.is_empty())
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.revisions.iter().map(|r| String::from_utf8_lossy(r.canonical()))).finish()
    }
}

fn before(a: &Clock, b: &Clock) -> bool {
    a != b && a.iter().zip(b).all(|(a, b)| a <= b)
}

/// The merge by the letter of its definition: every pair compared, by the clocks alone.
struct Naive<'a>(&'a History);

impl Naive<'_> {
    fn ancestor(&self, a: &ValidRevision, b: &ValidRevision) -> bool {
        before(&self.0.clocks[&a.id()], &self.0.clocks[&b.id()])
    }

    fn depth(&self, of: &ValidRevision) -> usize {
        let parents = self.0.revisions.iter().filter(|r| of.content().parents.contains(&r.id()));
        parents.map(|parent| self.depth(parent) + 1).max().unwrap_or(0)
    }

    /// For each property its distinct candidates, the shown one first, each with the revisions that wrote it.
    fn properties(&self) -> BTreeMap<String, Candidates> {
        let mut all = BTreeMap::new();
        for name in NAMES {
            let writes = |r: &&ValidRevision| r.content().set.contains_key(name) || r.content().unset.iter().any(|u| u == name);
            let writers: Vec<&ValidRevision> = self.0.revisions.iter().filter(writes).collect();
            let mut free: Vec<&ValidRevision> =
                writers.iter().filter(|w| !writers.iter().any(|other| self.ancestor(w, other))).copied().collect();
            free.sort_by_key(|r| std::cmp::Reverse((self.depth(r), r.id())));
            let mut candidates: Candidates = Vec::new();
            for writer in free {
                let value = writer.content().set.get(name).cloned();
                match candidates.iter_mut().find(|(other, _)| *other == value) {
                    Some((_, writers)) => drop(writers.insert(writer.id())),
                    None => candidates.push((value, BTreeSet::from([writer.id()]))),
                }
            }
            if !candidates.is_empty() {
                all.insert(name.to_owned(), candidates);
            }
        }
        all
    }

    /// Each media that stands, with the revision whose metadata it shows.
    fn attachments(&self) -> BTreeMap<MediaHash, RevisionId> {
        let mut standing = BTreeMap::new();
        for number in 0..3 {
            let hash = media(number);
            let attaches = self.0.revisions.iter().filter(|r| r.content().attach.iter().any(|a| a.hash == hash));
            let detached =
                |a: &ValidRevision| self.0.revisions.iter().any(|d| d.content().detach.contains(&hash) && self.ancestor(a, d));
            if let Some(shown) = attaches.filter(|a| !detached(a)).max_by_key(|r| (self.depth(r), r.id())) {
                standing.insert(hash, shown.id());
            }
        }
        standing
    }
}

fn merged(revisions: &[ValidRevision]) -> Document {
    document::merge(doc(), revisions).expect("revisions of this document")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn order_and_repeats_do_not_matter(history in histories(), seed: u64) {
        let expected = merged(&history.revisions).canonical();
        let mut shuffled = history.revisions.clone();
        let mut state = seed | 1;
        for at in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(at, (state >> 33) as usize % (at + 1));
        }
        prop_assert_eq!(&merged(&shuffled).canonical(), &expected);
        shuffled.extend(history.revisions.clone());
        prop_assert_eq!(&merged(&shuffled).canonical(), &expected);
    }

    /// Hubs that meet in any order come to the same: the merge is a function of the union, however the union came about.
    #[test]
    fn any_grouping_comes_to_the_same(history in histories(), cut in prop::collection::vec(0_usize..3, 24)) {
        let part = |of: usize| -> Vec<ValidRevision> {
            let mine = history.revisions.iter().enumerate().filter(|(at, _)| cut[at % cut.len()] == of);
            mine.map(|(_, revision)| revision.clone()).collect()
        };
        let join = |a: &[ValidRevision], b: &[ValidRevision]| [a, b].concat();
        let (a, b, c) = (part(0), part(1), part(2));
        let left = join(&join(&a, &b), &c);
        let right = join(&a, &join(&b, &c));
        prop_assert_eq!(merged(&left).canonical(), merged(&right).canonical());
        prop_assert_eq!(merged(&join(&c, &join(&b, &a))).canonical(), merged(&history.revisions).canonical());
    }

    #[test]
    fn the_parents_say_what_a_vector_clock_says(history in histories()) {
        for a in &history.revisions {
            for b in &history.revisions {
                let (x, y) = (&history.clocks[&a.id()], &history.clocks[&b.id()]);
                let expected = if a.id() == b.id() {
                    Causality::Same
                } else if before(x, y) {
                    Causality::Before
                } else if before(y, x) {
                    Causality::After
                } else {
                    Causality::Concurrent
                };
                prop_assert_eq!(document::causality(doc(), &history.revisions, a.id(), b.id()), Some(expected));
            }
        }
    }

    /// What a history tells as "before" is what the author had on the screen: the merge of all that the author knew.
    #[test]
    fn a_change_is_told_against_what_its_author_knew(history in histories(), limit in 0_usize..30) {
        let (total, changes) = document::changes(doc(), &history.revisions, limit);
        prop_assert_eq!(total as usize, history.revisions.len());
        prop_assert_eq!(changes.len(), limit.min(history.revisions.len()));
        let heads = merged(&history.revisions).heads;
        for change in &changes {
            let own = history.revisions.iter().find(|revision| revision.id() == change.id).expect("a revision");
            let is_known = |other: &&ValidRevision| before(&history.clocks[&other.id()], &history.clocks[&own.id()]);
            let known: Vec<ValidRevision> = history.revisions.iter().filter(is_known).cloned().collect();
            let seen = document::merge(doc(), &known);
            let shown = |name: &str| seen.as_ref().and_then(|seen| seen.set.get(name)).cloned();
            for (name, step) in &change.properties {
                prop_assert_eq!(&step.before, &shown(name));
                prop_assert_eq!(step.after.as_ref(), own.content().set.get(name));
            }
            prop_assert_eq!(change.properties.len(), own.content().set.len() + own.content().unset.len());
            let was = seen.as_ref().is_some_and(|seen| seen.deleted);
            prop_assert_eq!(change.deleted, (own.content().deleted != was).then_some(own.content().deleted));
            for kept in seen.iter().flat_map(|seen| &seen.attachments) {
                let gone = own.content().detach.contains(&kept.attachment.hash);
                prop_assert_eq!(change.detached.contains(&kept.attachment), gone);
            }
            prop_assert_eq!(change.is_head, heads.contains(&change.id));
        }
    }

    /// Nothing lost, nothing invented: shown values, conflicts and attachments are those of the naive merge, chains included.
    #[test]
    fn it_is_the_merge_of_the_definition(history in histories()) {
        let (document, naive) = (merged(&history.revisions), Naive(&history));
        let properties = naive.properties();
        for name in NAMES {
            let candidates = properties.get(name);
            let shown = candidates.and_then(|candidates| candidates[0].0.clone());
            prop_assert_eq!(document.set.get(name), shown.as_ref(), "{}", name);
            let listed: Option<Candidates> = document.conflicts.get(name).map(|listed| {
                listed.iter().map(|c| (c.value.clone(), c.revisions.iter().copied().collect())).collect()
            });
            prop_assert_eq!(listed, candidates.filter(|candidates| candidates.len() > 1).cloned(), "{}", name);
        }
        let attached: BTreeMap<MediaHash, RevisionId> =
            document.attachments.iter().map(|kept| (kept.attachment.hash, kept.revision)).collect();
        prop_assert_eq!(attached, naive.attachments());
        let heads: BTreeSet<RevisionId> = history.revisions.iter()
            .filter(|r| !history.revisions.iter().any(|other| naive.ancestor(r, other)))
            .map(ValidRevision::id).collect();
        let head_deleted = |id: &RevisionId| history.revisions.iter().any(|r| r.id() == *id && r.content().deleted);
        prop_assert_eq!(document.deleted, heads.iter().all(head_deleted));
        prop_assert_eq!(document.heads.into_iter().collect::<BTreeSet<_>>(), heads);
    }

    #[test]
    fn a_conflict_ends_with_one_who_saw_it_all(history in histories()) {
        let document = merged(&history.revisions);
        let mut healed = Draft::new("observation", doc(), 1_000);
        healed.parents.clone_from(&document.heads);
        for (name, candidates) in &document.conflicts {
            match &candidates[0].value {
                Some(value) => drop(healed.set.insert(name.clone(), value.clone())),
                None => healed.unset.push(name.clone()),
            }
        }
        let mut all = history.revisions.clone();
        all.push(healed.sign(&DeviceKey::from_seed([9; 32])).expect("a sound draft"));
        let after = merged(&all);
        prop_assert!(after.conflicts.is_empty());
        prop_assert_eq!(after.state, State::Whole);
        prop_assert_eq!(after.set, document.set, "what was shown stays");
    }

    #[test]
    fn different_properties_are_both_kept(history in histories(), a in 5_u8..9, b in 5_u8..9) {
        let heads = merged(&history.revisions).heads;
        let edit = |seed: u8, name: &str, value: u8| {
            let mut draft = Draft::new("observation", doc(), 2_000);
            draft.parents.clone_from(&heads);
            draft.set.insert(name.into(), json!(value));
            draft.sign(&DeviceKey::from_seed([seed; 32])).expect("a sound draft")
        };
        let mut all = history.revisions.clone();
        all.extend([edit(21, "notes", a), edit(22, "count", b)]);
        let after = merged(&all);
        prop_assert_eq!(&after.set["notes"], &json!(a));
        prop_assert_eq!(&after.set["count"], &json!(b));
        prop_assert!(!after.conflicts.contains_key("notes") && !after.conflicts.contains_key("count"));
    }

    #[test]
    fn with_a_parent_missing_it_says_so(history in histories(), drop in any::<prop::sample::Index>()) {
        let mut some = history.revisions.clone();
        let gone = some.remove(drop.index(some.len()));
        let named = some.iter().any(|revision| revision.content().parents.contains(&gone.id()));
        if let Some(document) = document::merge(doc(), &some) {
            prop_assert_eq!(document.state == State::Incomplete, named);
            prop_assert_eq!(document.missing, if named { vec![gone.id()] } else { Vec::new() });
        }
    }
}

/// Chains take a faster way; it must come to the same as the general one, which a second root beside the chain forces.
#[test]
fn the_fast_way_of_chains_is_the_general_way() {
    let key = DeviceKey::from_seed([1; 32]);
    let mut chain: Vec<ValidRevision> = Vec::new();
    for at in 0..200_i64 {
        let mut draft = Draft::new("observation", doc(), at);
        draft.parents = chain.last().map(ValidRevision::id).into_iter().collect();
        draft.set.insert(NAMES[(at % 3) as usize].into(), json!(at / 7));
        if at % 11 == 0 {
            draft.unset.push("other".into());
        }
        chain.push(draft.sign(&key).unwrap());
    }
    let fast = merged(&chain);
    let beside = Draft::new("observation", doc(), 0).sign(&DeviceKey::from_seed([2; 32])).unwrap();
    let mut both = chain.clone();
    both.push(beside.clone());
    let general = merged(&both);
    assert_eq!(fast.set, general.set);
    assert_eq!(fast.conflicts, general.conflicts);
    assert_eq!(fast.attachments, general.attachments);
    assert_eq!(general.heads.len(), 2);
    assert_eq!(general.revisions, fast.revisions + 1);
}

/// Two attach the same media; one of them detaches it, and later somebody who knows all of that detaches what still stood.
#[test]
fn detached_media_is_told_as_it_was_shown() {
    let keys: Vec<DeviceKey> = (1..=3).map(|n| DeviceKey::from_seed([n; 32])).collect();
    let attach = |key: &DeviceKey, at: i64, parents: &[&ValidRevision], name: &str| {
        let mut draft = Draft::new("observation", doc(), at);
        draft.parents = parents.iter().map(|parent| parent.id()).collect();
        let (name, media_type) = (name.to_owned(), "image/jpeg".to_owned());
        draft.attach.push(Attachment { hash: media(1), name, media_type, size: 1, taken_at: None });
        draft.sign(key).unwrap()
    };
    let detach = |key: &DeviceKey, at: i64, parents: &[&ValidRevision]| {
        let mut draft = Draft::new("observation", doc(), at);
        draft.parents = parents.iter().map(|parent| parent.id()).collect();
        draft.detach.push(media(1));
        draft.sign(key).unwrap()
    };
    let root = Draft::new("observation", doc(), 0).sign(&keys[0]).unwrap();
    // The deeper of the two is the one that is gone first.
    let gone = attach(&keys[0], 1, &[&root], "gone.jpg");
    let stands = attach(&keys[1], 2, &[], "stands.jpg");
    let first = detach(&keys[0], 3, &[&gone]);
    let last = detach(&keys[2], 4, &[&first, &stands]);
    let (_, changes) = document::changes(doc(), &[root, gone, stands, first.clone(), last.clone()], 5);
    let told = |id: RevisionId| changes.iter().find(|change| change.id == id).unwrap().detached[0].name.clone();
    assert_eq!(told(first.id()), "gone.jpg");
    assert_eq!(told(last.id()), "stands.jpg");
}
