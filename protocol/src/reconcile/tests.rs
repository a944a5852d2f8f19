//! Against plain set difference, against the `negentropy` crate, at the sizes that matter, and against peers that mean harm.

use std::collections::BTreeSet;

use negentropy::{Id, Negentropy, NegentropyStorageVector};
use proptest::prelude::*;

use super::wire::Reader;
use super::*;
use crate::fingerprint::FingerprintKey;
use crate::ids::ProjectId;

type Revision = (DeviceId, i64, RevisionId);

/// A revision of one of some authors, at a time of its own. Its id is a hash of all that, as a revision's is.
fn revision(author: u64, at: i64, n: u64) -> Revision {
    let id = blake3::hash(&[author.to_be_bytes(), at.to_be_bytes(), n.to_be_bytes()].concat());
    (DeviceId(*blake3::hash(&author.to_be_bytes()).as_bytes()), at, RevisionId(*id.as_bytes()))
}

fn set(revisions: &BTreeSet<Revision>) -> Listed {
    Listed::new(&FingerprintKey::of(&ProjectId([7; 16])), revisions.iter().copied())
}

fn keys<'a>(revisions: impl Iterator<Item = &'a Revision>) -> Vec<Key> {
    let mut keys: Vec<Key> = revisions.map(|(author, at, id)| Key::of(author, *at, id)).collect();
    keys.sort_unstable();
    keys
}

/// What a reconciliation came to, and what it took.
#[derive(Debug, Default)]
struct Ran {
    they_lack: Vec<Key>,
    we_lack: Vec<Key>,
    rounds: usize,
    bytes: usize,
    /// The most spans that were open, and the most differences in one answer.
    open: usize,
    at_once: usize,
}

fn run(ours: &Listed, theirs: &Listed) -> Ran {
    let mut asker = Asker::new(Span::ALL);
    let mut ran = Ran::default();
    while let Some(question) = asker.question(ours).unwrap() {
        let answer = answer(theirs, &Span::ALL, &question).unwrap();
        assert!(question.len() <= MESSAGE_BYTES && answer.len() <= MESSAGE_BYTES);
        let found = asker.hear(ours, &answer).unwrap();
        ran.rounds += 1;
        ran.bytes += question.len() + answer.len();
        ran.open = ran.open.max(asker.open());
        ran.at_once = ran.at_once.max(found.they_lack.len() + found.we_lack.len());
        ran.they_lack.extend(found.they_lack);
        ran.we_lack.extend(found.we_lack);
    }
    ran.they_lack.sort_unstable();
    ran.we_lack.sort_unstable();
    ran
}

/// Runs both ways round, and holds what was found against plain set difference.
fn check(ours: &BTreeSet<Revision>, theirs: &BTreeSet<Revision>) {
    let (our_set, their_set) = (set(ours), set(theirs));
    let (more, less) = (keys(ours.difference(theirs)), keys(theirs.difference(ours)));
    let ran = run(&our_set, &their_set);
    assert_eq!((&ran.they_lack, &ran.we_lack), (&more, &less));
    let back = run(&their_set, &our_set);
    assert_eq!((back.they_lack, back.we_lack), (less, more));
}

prop_compose! {
    /// Revisions of few authors: crowded in time, so that spans are cut within one millisecond too.
    fn some(most: usize)(drawn in prop::collection::btree_set((0_u64..4, -3_i64..40, 0_u64..4_000), 0..most)) -> BTreeSet<Revision> {
        drawn.into_iter().map(|(author, at, n)| revision(author, at, n)).collect()
    }
}

proptest! {
    #[test]
    fn any_two_sets_are_told_apart(ours in some(300), theirs in some(300)) {
        check(&ours, &theirs);
    }

    #[test]
    fn sets_with_much_in_common_are_told_apart(common in some(600), ours in some(30), theirs in some(30)) {
        check(&common.union(&ours).copied().collect(), &common.union(&theirs).copied().collect());
    }

    /// An independent implementation comes to the same.
    #[test]
    fn the_oracle_finds_the_same(common in some(600), ours in some(30), theirs in some(30)) {
        let (ours, theirs): (BTreeSet<Revision>, BTreeSet<Revision>) =
            (common.union(&ours).copied().collect(), common.union(&theirs).copied().collect());
        let ran = run(&set(&ours), &set(&theirs));
        let (have, need) = by_oracle(&ours, &theirs);
        prop_assert_eq!(ran.they_lack, have);
        prop_assert_eq!(ran.we_lack, need);
    }

    /// Whatever comes, it is refused or makes sense, and what was asked may be asked again.
    #[test]
    fn nonsense_is_refused(ours in some(80), noise in prop::collection::vec(any::<u8>(), 0..400), version in prop::bool::weighted(0.9)) {
        let ours = set(&ours);
        let mut noise = noise;
        if let (true, Some(first)) = (version, noise.first_mut()) {
            *first = 1;
        }
        let _ = answer(&ours, &Span::ALL, &noise);
        let mut asker = Asker::new(Span::ALL);
        let question = asker.question(&ours).unwrap().unwrap();
        if asker.hear(&ours, &noise).is_err() {
            prop_assert_eq!(asker.question(&ours).unwrap().unwrap(), question);
        }
    }

    /// A message that was changed on the way is refused or still ends; it never makes anybody loop.
    #[test]
    fn a_changed_answer_does_no_harm(ours in some(200), theirs in some(200), flips in prop::collection::vec((0_usize..5_000, 0_u8..8), 1..20)) {
        let (ours, theirs) = (set(&ours), set(&theirs));
        let mut asker = Asker::new(Span::ALL);
        let mut flips = flips.into_iter();
        for _ in 0..300 {
            let Some(question) = asker.question(&ours).unwrap() else { return Ok(()) };
            let mut answer = answer(&theirs, &Span::ALL, &question).unwrap();
            if let Some((at, bit)) = flips.next() {
                let at = at % answer.len();
                answer[at] ^= 1 << bit;
            }
            // One that is refused is asked for again.
            let _ = asker.hear(&ours, &answer);
        }
        prop_assert!(false, "it did not end");
    }

    #[test]
    fn keys_are_read_as_written(revisions in some(200)) {
        let keys = keys(revisions.iter());
        prop_assert_eq!(keys_from(&keys_to(&keys)), Ok(keys));
    }

    #[test]
    fn an_edge_parts_its_neighbours(a in any::<(u64, i64, u64)>(), b in any::<(u64, i64, u64)>()) {
        let key = |(author, at, n): (u64, i64, u64)| { let (author, at, id) = revision(author % 3, at, n); Key::of(&author, at, &id) };
        let (below, above) = (key(a).min(key(b)), key(a).max(key(b)));
        prop_assume!(below != above);
        let edge = Key::between(&below, &above);
        prop_assert!(below < edge && edge <= above);
        prop_assert_eq!(key(a).created_at(), a.1);
    }
}

/// What the `negentropy` crate finds: here and not there, there and not here.
fn by_oracle(ours: &BTreeSet<Revision>, theirs: &BTreeSet<Revision>) -> (Vec<Key>, Vec<Key>) {
    // It sorts by a time and an id of 32 bytes, so a key is told by its hash.
    let name = |key: &Key| *blake3::hash(&key.0).as_bytes();
    let storage = |set: &BTreeSet<Revision>| {
        let mut storage = NegentropyStorageVector::with_capacity(set.len());
        for (author, at, id) in set {
            storage.insert((at + 10) as u64, Id::from_byte_array(name(&Key::of(author, *at, id)))).unwrap();
        }
        storage.seal().unwrap();
        Negentropy::owned(storage, 0).unwrap()
    };
    let (mut asker, mut other) = (storage(ours), storage(theirs));
    let (mut have, mut need) = (Vec::new(), Vec::new());
    let mut question = Some(asker.initiate().unwrap());
    while let Some(asked) = question {
        let answer = other.reconcile(&asked).unwrap();
        question = asker.reconcile_with_ids(&answer, &mut have, &mut need).unwrap();
    }
    let told = |names: Vec<Id>, set: &BTreeSet<Revision>| {
        let names: BTreeSet<[u8; 32]> = names.iter().map(|id| *id.as_bytes()).collect();
        let mut keys = keys(set.iter());
        keys.retain(|key| names.contains(&name(key)));
        keys
    };
    (told(have, ours), told(need, theirs))
}

/// A million revisions, as 40 devices write them: some minutes apart.
fn million() -> BTreeSet<Revision> {
    (0..1_000_000_u64).map(|n| revision(n % 40, 1_780_000_000_000 + (n / 40) as i64 * 187_331, n)).collect()
}

/// The numbers of the plan, here for the messages alone.
#[test]
fn a_million_that_differ_little_take_little() {
    let common = million();
    let whole = set(&common);
    let same = run(&whole, &whole);
    assert_eq!((same.rounds, same.they_lack.len() + same.we_lack.len()), (1, 0));
    assert!(same.bytes <= 64, "{same:?}");

    let told = |what: &str, ran: &Ran| {
        eprintln!("{what}: {} round trips, {} bytes, {} open, {} at once", ran.rounds, ran.bytes, ran.open, ran.at_once);
    };
    let scattered = |every: u64, first: u64| (0..1_000_000 / every).map(move |n| first + n * every);
    let (mut ours, mut theirs) = (common.clone(), common.clone());
    for n in scattered(200_000, 77_777) {
        ours.remove(&revision(n % 40, 1_780_000_000_000 + (n / 40) as i64 * 187_331, n));
    }
    for n in scattered(200_000, 177_778) {
        theirs.remove(&revision(n % 40, 1_780_000_000_000 + (n / 40) as i64 * 187_331, n));
    }
    let (our_set, their_set) = (set(&ours), set(&theirs));
    for (ran, what) in
        [(run(&our_set, &their_set), "10 scattered"), (run(&their_set, &our_set), "10 scattered, asked from there")]
    {
        told(what, &ran);
        assert_eq!((ran.they_lack.len(), ran.we_lack.len()), (5, 5));
        assert!(ran.rounds <= 4 && ran.bytes <= 25_000, "{what}: {} round trips, {} bytes", ran.rounds, ran.bytes);
    }

    // A device has written a thousand more, and one of the two hubs has them.
    let new = (0..1_000).map(|n| revision(17, 1_790_000_000_000 + n * 187_331, 5_000_000 + n as u64));
    let more = set(&common.iter().copied().chain(new).collect());
    let ran = run(&whole, &more);
    told("1,000 adjacent, there", &ran);
    assert_eq!((ran.they_lack.len(), ran.we_lack.len()), (0, 1_000));
    assert!(ran.rounds <= 4 && ran.bytes <= 34_000, "{} round trips, {} bytes", ran.rounds, ran.bytes);
    let ran = run(&more, &whole);
    told("1,000 adjacent, here", &ran);
    assert_eq!((ran.they_lack.len(), ran.we_lack.len()), (1_000, 0));
    assert!(ran.rounds <= 4 && ran.bytes <= 34_000, "{} round trips, {} bytes", ran.rounds, ran.bytes);

    let mut theirs = common.clone();
    for n in scattered(1_000, 7) {
        theirs.remove(&revision(n % 40, 1_780_000_000_000 + (n / 40) as i64 * 187_331, n));
    }
    let ran = run(&whole, &set(&theirs));
    told("1,000 scattered", &ran);
    assert_eq!((ran.they_lack.len(), ran.we_lack.len()), (1_000, 0));
}

/// A first meeting, in all its forms: what is told at a time is bounded, and so is what is open.
#[test]
fn a_first_meeting_is_told_in_bounded_pieces() {
    let all: Vec<Revision> = (0..200_000_u64).map(|n| revision(n % 7, (n / 7) as i64 * 60_000, n)).collect();
    let (even, odd): (BTreeSet<Revision>, BTreeSet<Revision>) = all.iter().partition(|(_, _, id)| id.0[31] & 1 == 0);
    let (none, all) = (BTreeSet::new(), all.into_iter().collect::<BTreeSet<_>>());
    for (ours, theirs) in [(&none, &all), (&all, &none), (&even, &odd), (&even, &all), (&all, &odd)] {
        let ran = run(&set(ours), &set(theirs));
        eprintln!(
            "{} here, {} there: {} round trips, {} bytes, {} open, {} at once",
            ours.len(),
            theirs.len(),
            ran.rounds,
            ran.bytes,
            ran.open,
            ran.at_once
        );
        assert_eq!(ran.they_lack, keys(ours.difference(theirs)));
        assert_eq!(ran.we_lack, keys(theirs.difference(ours)));
        assert!(ran.at_once <= 25_000 && ran.open <= 40_000, "{} at once, {} open", ran.at_once, ran.open);
    }
}

/// What comes in while two hubs reconcile is found or not; everything else is found all the same, and once.
#[test]
fn sets_may_grow_meanwhile() {
    let mut ours: BTreeSet<Revision> = (0..20_000).map(|n| revision(n % 5, n as i64, n)).collect();
    let mut theirs: BTreeSet<Revision> = (10_000..30_000).map(|n| revision(n % 5, n as i64, n)).collect();
    let (more, less) = (keys(ours.difference(&theirs)), keys(theirs.difference(&ours)));
    let mut asker = Asker::new(Span::ALL);
    let (mut they_lack, mut we_lack, mut n) = (Vec::new(), Vec::new(), 1_000_000);
    while let Some(question) = asker.question(&set(&ours)).unwrap() {
        theirs.insert(revision(n % 5, (n % 30_000) as i64, n));
        let answer = answer(&set(&theirs), &Span::ALL, &question).unwrap();
        ours.insert(revision(n % 3, (n % 30_000) as i64, n + 1));
        n += 2;
        let found = asker.hear(&set(&ours), &answer).unwrap();
        they_lack.extend(found.they_lack);
        we_lack.extend(found.we_lack);
    }
    for (found, must) in [(they_lack, more), (we_lack, less)] {
        let once: BTreeSet<Key> = found.iter().copied().collect();
        assert_eq!(once.len(), found.len());
        assert!(must.iter().all(|key| once.contains(key)));
    }
}

#[test]
fn a_part_of_the_keys_can_be_asked_about() {
    let ours: BTreeSet<Revision> = (0..5_000).map(|n| revision(n % 5, n as i64, n)).collect();
    let theirs: BTreeSet<Revision> = (2_000..9_000).map(|n| revision(n % 5, n as i64, n)).collect();
    let author = revision(3, 0, 0).0;
    let (our_set, their_set) = (set(&ours), set(&theirs));
    let mut asker = Asker::new(Span::of_author(&author));
    let (mut they_lack, mut we_lack) = (Vec::new(), Vec::new());
    while let Some(question) = asker.question(&our_set).unwrap() {
        let mut reader = Reader::new(&question).unwrap();
        while let Some((span, said)) = reader.piece().unwrap() {
            assert!(said == wire::Said::Skip || Span::of_author(&author).covers(&span), "{span:?}");
        }
        let found = asker.hear(&our_set, &answer(&their_set, &Span::of_author(&author), &question).unwrap()).unwrap();
        they_lack.extend(found.they_lack);
        we_lack.extend(found.we_lack);
    }
    they_lack.sort_unstable();
    we_lack.sort_unstable();
    assert_eq!(they_lack, keys(ours.difference(&theirs).filter(|revision| revision.0 == author)));
    assert_eq!(we_lack, keys(theirs.difference(&ours).filter(|revision| revision.0 == author)));
    let far = Asker::new(Span::ALL).question(&our_set).unwrap().unwrap();
    assert!(matches!(answer(&their_set, &Span::of_author(&author), &far), Err(Failed::Refused(Refused::Reach))));
    assert_eq!(Span::of_author(&DeviceId([0xff; 32])).to, Edge::End);
}

/// A peer whose every fingerprint differs and who never names a key, and one who answers in crumbs.
#[test]
fn a_peer_that_leads_nowhere_is_left() {
    let ours = set(&(0..3_000).map(|n| revision(n % 5, n as i64, n)).collect());
    let mut asker = Asker::new(Span::ALL);
    let mut rounds = 0;
    let ended = loop {
        let question = asker.question(&ours).unwrap().expect("there is no end of it");
        let mut reader = Reader::new(&question).unwrap();
        let mut writer = wire::Writer::new();
        while let Some((span, said)) = reader.piece().unwrap() {
            match said {
                wire::Said::Fingerprint(_) => writer.say(span.to, &wire::Said::Fingerprint([rounds as u8; 16])),
                // What it makes up is new each time, so nothing ever fits.
                wire::Said::List(named) => {
                    let lacks = vec![false; named.len()];
                    let middle = Key::between(&span.from, &Key([0xff; 40]));
                    let has = if span.contains(&middle) && !named.contains(&middle) { vec![middle] } else { Vec::new() };
                    writer.say(span.to, &wire::Said::Difference { lacks, has });
                }
                _ => writer.skip(span.to),
            }
        }
        rounds += 1;
        match asker.hear(&ours, &writer.done()) {
            Ok(_) if rounds < 1_000 && !asker.is_done() => {}
            ended => break ended,
        }
    };
    assert!(rounds < 100, "{rounds} rounds: {ended:?}");

    let mut asker = Asker::new(Span::ALL);
    asker.question(&ours).unwrap();
    let mut crumb = wire::Writer::new();
    crumb.skip(Edge::Before(Key([1; 40])));
    assert!(matches!(asker.hear(&ours, &crumb.done()), Err(Failed::Refused(Refused::Silent))));
    assert!(matches!(asker.hear(&ours, &[1]), Err(Failed::Refused(Refused::Silent))));
    assert!(matches!(asker.hear(&ours, &[2]), Err(Failed::Refused(Refused::Version(2)))));
    assert!(matches!(asker.hear(&ours, &vec![1; MESSAGE_BYTES + 1]), Err(Failed::Refused(Refused::TooLong))));
}
