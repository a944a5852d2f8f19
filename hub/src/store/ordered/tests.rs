//! The order held against a sorted list, and made again after what can befall it.

use maloca_protocol::reconcile::{Asker, Edge, Listed, Piece, SortedSet, Span, answer};
use maloca_protocol::{DeviceKey, DocId, Draft};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;
use crate::files::Files;
use crate::store::rows::{Arrival, Place};
use crate::store::{Opener, Store, WriterThread};

type Revision = (DeviceId, i64, RevisionId);

fn open(folder: &std::path::Path) -> (Store, WriterThread) {
    Store::open(Opener::new(Files::real(), folder)).unwrap()
}

fn project() -> ProjectId {
    ProjectId([9; 16])
}

fn sums() -> FingerprintKey {
    FingerprintKey::of(&project())
}

/// Counts revisions and puts them into the order, as intake does.
async fn keep(store: &Store, revisions: Vec<Revision>) {
    let job = move |tx: &mut WriteTx<'_>| {
        for (author, at, id) in &revisions {
            tx.totals_mut().fingerprint.add(&sums(), id);
            tx.put_in_order(&sums(), Item::new(author, *at, id));
        }
        Ok(())
    };
    store.write(1_000, job).await.unwrap();
}

fn revision(random: &mut StdRng) -> Revision {
    let author = DeviceId([random.random_range(0..5); 32]);
    (author, random.random_range(-5..2_000), RevisionId(random.random()))
}

/// A span whose ends are kept keys, near them, or anywhere.
fn span(random: &mut StdRng, list: &Listed) -> Span {
    let mut key = || match list.all().len() {
        0 => Key::FIRST,
        len => {
            let mut key = list.all()[random.random_range(0..len)];
            if random.random_bool(0.5) {
                key.0[random.random_range(0..Key::LEN)] ^= 1;
            }
            key
        }
    };
    let (one, other) = (key(), key());
    match random.random_range(0..4) {
        0 => Span { from: one, to: Edge::End },
        1 => Span { from: Key::FIRST, to: Edge::Before(other) },
        _ => Span { from: one.min(other), to: Edge::Before(one.max(other)) },
    }
}

#[tokio::test]
async fn the_order_says_what_a_sorted_list_says() {
    let folder = tempfile::tempdir().unwrap();
    let (store, writer) = open(folder.path());
    let seed: u64 = std::env::var("MALOCA_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random);
    eprintln!("MALOCA_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut all: Vec<Revision> = Vec::new();
    for round in 0..40_i64 {
        let batch: Vec<Revision> = match round % 4 {
            // What a device wrote while it was away, what many bring at once, one, and some in between.
            0 => {
                let author = DeviceId([random.random_range(0..5); 32]);
                (0..random.random_range(1..900)).map(|n| (author, round * 10_000 + n, RevisionId(random.random()))).collect()
            }
            1 => (0..random.random_range(1..300)).map(|_| revision(&mut random)).collect(),
            2 => vec![revision(&mut random)],
            _ => (0..50).map(|_| (DeviceId([3; 32]), 7, RevisionId(random.random()))).collect(),
        };
        all.extend(&batch);
        keep(&store, batch).await;
        let list = Listed::new(&sums(), all.iter().copied());
        let view = store.snapshot().unwrap();
        let order = Ordered::of(&view, &sums()).unwrap().expect("it is whole");
        assert_eq!(order.fingerprint(&Span::ALL).unwrap(), totals(&view).unwrap().fingerprint);
        for _ in 0..30 {
            let span = span(&mut random, &list);
            let sum = order.fingerprint(&span).unwrap();
            assert_eq!(Ok(sum), list.fingerprint(&span), "{span:?}");
            let limit = random.random_range(0..400);
            assert_eq!(Ok(order.keys(&span, limit).unwrap()), list.keys(&span, limit), "{span:?}");
            let parts = random.random_range(2..20);
            check_cut(&order.cut(&span, parts).unwrap(), &span, parts, &list, sum);
        }
        let (_, _, id) = all[random.random_range(0..all.len())];
        let key = *list.all().iter().find(|key| key.id() == &id.0[..24]).unwrap();
        assert_eq!(order.find(&key).unwrap(), Some(id));
        assert_eq!(order.find(&Key::between(&Key::FIRST, &key)).unwrap(), None);
    }
    // Against somebody who has other revisions: what differs is found, asked from either side.
    let (mut theirs, mut gone) = (all.clone(), Vec::new());
    for _ in 0..40 {
        gone.push(theirs.swap_remove(random.random_range(0..theirs.len())));
    }
    let list = Listed::new(&sums(), theirs.into_iter().chain((0..30).map(|_| revision(&mut random))));
    let view = store.snapshot().unwrap();
    let order = Ordered::of(&view, &sums()).unwrap().unwrap();
    let mut asker = Asker::new(Span::ALL);
    let (mut they_lack, mut we_lack) = (0, 0);
    while let Some(question) = asker.question(&order).unwrap() {
        let found = asker.hear(&order, &answer(&list, &Span::ALL, &question).unwrap()).unwrap();
        they_lack += found.they_lack.len();
        we_lack += found.we_lack.len();
    }
    assert_eq!((they_lack, we_lack), (40, 30));
    let mut asker = Asker::new(Span::ALL);
    while let Some(question) = asker.question(&list).unwrap() {
        let found = asker.hear(&list, &answer(&order, &Span::ALL, &question).unwrap()).unwrap();
        they_lack -= found.we_lack.len();
        we_lack -= found.they_lack.len();
    }
    assert_eq!((they_lack, we_lack), (0, 0));
    store.close().await;
    writer.join();
}

fn check_cut(pieces: &[Piece], span: &Span, parts: usize, list: &Listed, sum: Fingerprint) {
    let ends = (pieces[0].span.from, pieces[pieces.len() - 1].span.to);
    assert_eq!(ends, (span.from, span.to));
    assert!(pieces.len() <= parts && (pieces.len() >= 2 || sum.count < 2), "{} pieces of {}", pieces.len(), sum.count);
    assert!(pieces.windows(2).all(|pair| pair[0].span.to == Edge::Before(pair[1].span.from)));
    for piece in pieces {
        assert_eq!(Ok(piece.fingerprint), list.fingerprint(&piece.span));
        assert!(piece.fingerprint.count > 0 || sum.count == 0);
    }
}

/// Keeps signed revisions in log or quarantine, and, unless it plays an earlier program, in the order.
async fn keep_whole(store: &Store, from: i64, count: i64, is_earlier: bool) {
    let (one, other) = (DeviceKey::from_seed([1; 32]), DeviceKey::from_seed([2; 32]));
    let job = move |tx: &mut WriteTx<'_>| {
        tx.put_bytes(T::Meta, PROJECT, &project().0)?;
        for n in from..from + count {
            let key = if n % 3 == 0 { &other } else { &one };
            let revision = Draft::new("observation", DocId::from_source("order", &n.to_string()), n * 60_000).sign(key).unwrap();
            let (id, sig, canonical) = (revision.id(), *revision.sig(), revision.canonical().to_vec());
            let arrival = Arrival { at: n, carrier: key.id(), clock_offset: None };
            let subject = Subject::Revision { id, sig, canonical };
            if n % 3 == 0 {
                tx.put(T::Quarantine, &[key.id().0, id.0].concat(), &Entry { arrival, chain: [0; 32], subject })?;
                tx.put(T::Ids, &id.0, &Place::Quarantine)?;
            } else {
                let seq = tx.append(arrival, subject)?;
                tx.put(T::Ids, &id.0, &Place::Log(seq))?;
            }
            tx.totals_mut().fingerprint.add(&sums(), &id);
            if !is_earlier {
                tx.put_in_order(&sums(), Item::of(&revision));
            }
        }
        Ok(())
    };
    store.write(1_000, job).await.unwrap();
}

#[tokio::test]
async fn an_order_that_an_earlier_program_left_behind_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let (store, writer) = open(folder.path());
    keep_whole(&store, 0, 300, false).await;
    assert!(is_whole(&store.snapshot().unwrap()).unwrap());
    keep_whole(&store, 300, 200, true).await;
    assert!(!is_whole(&store.snapshot().unwrap()).unwrap(), "an earlier program has written");
    // What comes then is kept all the same.
    keep_whole(&store, 500, 100, false).await;
    let view = store.snapshot().unwrap();
    assert!(!is_whole(&view).unwrap() && Ordered::of(&view, &sums()).unwrap().is_none());
    assert_eq!(totals(&view).unwrap().fingerprint.count, 600);
    drop(view);
    store.close().await;
    writer.join();
    drop(store);
    let (store, writer) = open(folder.path());
    let view = store.snapshot().unwrap();
    let order = Ordered::of(&view, &sums()).unwrap().expect("it was made again");
    assert_eq!(order.fingerprint(&Span::ALL).unwrap(), totals(&view).unwrap().fingerprint);
    drop(order);
    drop(view);
    keep_whole(&store, 600, 100, false).await;
    assert!(is_whole(&store.snapshot().unwrap()).unwrap());
    store.close().await;
    writer.join();
}

#[tokio::test]
async fn damage_to_the_order_keeps_nobody_from_bringing_revisions() {
    let folder = tempfile::tempdir().unwrap();
    let (store, writer) = open(folder.path());
    keep_whole(&store, 0, 300, false).await;
    let spoil = |tx: &mut WriteTx<'_>| {
        let mut buckets = Vec::new();
        tx.scan(T::Ordered, (Bound::Unbounded, Bound::Unbounded), false, &mut |key, _| {
            buckets.push(key.to_vec());
            Ok(ControlFlow::Continue(()))
        })?;
        buckets.iter().try_for_each(|key| tx.put_bytes(T::Ordered, key, &[60, 1, 2]))
    };
    store.write(100, spoil).await.unwrap();
    keep_whole(&store, 300, 50, false).await;
    let view = store.snapshot().unwrap();
    assert_eq!(totals(&view).unwrap().fingerprint.count, 350);
    assert!(Ordered::of(&view, &sums()).unwrap().is_none(), "nothing is said of what is not known");
    drop(view);
    store.close().await;
    writer.join();
    drop(store);
    let (store, writer) = open(folder.path());
    let view = store.snapshot().unwrap();
    assert!(Ordered::of(&view, &sums()).unwrap().is_some());
    drop(view);
    store.close().await;
    writer.join();
}

/// The plan's numbers through the real tables: a million on both sides, ten that differ; and a thousand that one device wrote since.
#[tokio::test]
async fn a_million_in_the_database_are_compared_in_milliseconds() {
    let folder = tempfile::tempdir().unwrap();
    let (store, writer) = open(folder.path());
    let of = |n: u64| {
        let author = DeviceId(*blake3::hash(&(n % 40).to_be_bytes()).as_bytes());
        (author, 1_780_000_000_000 + (n / 40) as i64 * 187_331, RevisionId(*blake3::hash(&n.to_be_bytes()).as_bytes()))
    };
    let is_theirs_alone = |n: u64| n % 200_000 == 77_777;
    let is_ours_alone = |n: u64| n % 200_000 == 177_778;
    let begun = std::time::Instant::now();
    for from in (0..1_000_000).step_by(20_000) {
        keep(&store, (from..from + 20_000).filter(|n| !is_theirs_alone(*n)).map(of).collect()).await;
    }
    eprintln!("a million are in order after {:?}", begun.elapsed());
    let list = Listed::new(&sums(), (0..1_000_000).filter(|n| !is_ours_alone(*n)).map(of));
    let view = store.snapshot().unwrap();
    let (mut asker, mut rounds, mut bytes, mut found) = (Asker::new(Span::ALL), 0, 0, (0, 0));
    let mut took = std::time::Duration::ZERO;
    loop {
        let begun = std::time::Instant::now();
        // As between hubs: each question finds the order anew.
        let order = Ordered::of(&view, &sums()).unwrap().unwrap();
        let Some(question) = asker.question(&order).unwrap() else { break };
        took += begun.elapsed();
        let answer = answer(&list, &Span::ALL, &question).unwrap();
        let begun = std::time::Instant::now();
        let order = Ordered::of(&view, &sums()).unwrap().unwrap();
        let told = asker.hear(&order, &answer).unwrap();
        took += begun.elapsed();
        found = (found.0 + told.they_lack.len(), found.1 + told.we_lack.len());
        rounds += 1;
        bytes += question.len() + answer.len();
    }
    assert_eq!(found, (5, 5));
    let mut asker = Asker::new(Span::ALL);
    let mut answering = std::time::Duration::ZERO;
    while let Some(question) = asker.question(&list).unwrap() {
        let begun = std::time::Instant::now();
        let order = Ordered::of(&view, &sums()).unwrap().unwrap();
        let answer = answer(&order, &Span::ALL, &question).unwrap();
        answering += begun.elapsed();
        asker.hear(&list, &answer).unwrap();
    }
    eprintln!("10 of a million: {rounds} round trips, {bytes} bytes, asking took {took:?}, answering {answering:?}");
    assert!(rounds <= 4 && bytes <= 25_000, "{rounds} round trips, {bytes} bytes");
    drop(view);
    store.close().await;
    writer.join();
}
