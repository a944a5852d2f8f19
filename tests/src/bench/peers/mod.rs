//! Side by side: the same work for this hub and for each program that could do it, in one run.
//!
//! [`run`] is called by `src/bin/bench.rs`. Each round begins on empty folders with a receiver just started; the peers take turns, so that
//! what else the machine does falls on all of them. Before a measured moment everything is as it would be in the field:
//! the sender has its records and photos in its own store, hashed and signed as it does. The clock runs from there until the
//! sender knows that the receiver has everything.

mod hub; // this one
mod rsync; // files to a daemon
mod syncthing; // files between two of them
mod node; // CoMapeo core and PouchDB, by scripts in tests/bench-peers
mod process; // a program that ends with its round
pub mod table; // what came out, and how it is shown

use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use self::table::{Measured, Peers};
use super::content::{Content, Maker, PHOTO_BYTES};
use super::cost::Meter;
use super::flushes::Watch;
use super::{Error, Extent, progress};

/// What a peer may take for one piece of work; then it is given up, and the table says so.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// A peer whose rounds took longer than this, all together, is not watched by strace in one more, which would take several times as long.
const WATCHABLE: Duration = Duration::from_secs(60);

/// A program that can receive, and how it is sent to.
pub trait Peer {
    /// Its name, with the version.
    fn name(&self) -> String;
    /// Starts a receiver on a fresh folder, and so many senders that it knows.
    ///
    /// # Errors
    /// Where it does not start.
    fn start(&self, senders: usize) -> Result<Box<dyn Session>, Error>;
}

/// A receiver that runs, with its senders.
pub trait Session {
    /// The receiving process.
    fn receiver(&self) -> u32;
    /// A sender takes up what it shall hand over. Not measured.
    ///
    /// # Errors
    /// Where it cannot.
    fn give(&mut self, sender: usize, content: &Content) -> Result<(), Error>;
    /// What happens between two contacts, before anything new is given. Not measured.
    ///
    /// # Errors
    /// Where it cannot.
    fn between(&mut self) -> Result<(), Error> {
        Ok(())
    }
    /// All senders at once hand over whatever they have. Measured; ends when the receiver has all.
    ///
    /// # Errors
    /// Where it does not come to that.
    fn hand_over(&mut self) -> Result<(), Error>;
    /// Makes sure that all has arrived, and whole. Not measured.
    ///
    /// # Errors
    /// Where it has not.
    fn check(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// The work, in the order in which it is shown.
pub const WORK: [&str; 6] = [
    "10,000 records of 1 KB",
    "nothing new",
    "ten new records",
    "100 photos of 500 KB",
    "1 GB in 1,000 files",
    "five devices at once: 1,000 records, 100 of them with a photo",
];

/// Work that is done in one session, piece after piece. In each piece there is a content for each sender.
struct Group {
    senders: usize,
    pieces: Vec<(&'static str, Vec<Content>)>,
    rounds: usize,
    /// After so long, a peer gets no further round. The number of rounds is said.
    budget: Duration,
    /// Whether flushes of slow peers are counted too, however long it takes: once is enough.
    patient: bool,
}

/// Measures all of it.
///
/// # Errors
/// Where the bench itself fails; a peer that fails is an entry in the table.
pub fn run(runtime: &Handle, extent: Extent) -> Result<Peers, Error> {
    let folder = crate::hub::folder();
    let groups = groups(&mut Maker::new(folder.path()), extent)?;
    let mut all: Vec<Result<Box<dyn Peer>, (String, Error)>> = vec![
        Ok(Box::new(hub::ThisHub(runtime.clone()))),
        rsync::Rsync::find().map(|peer| Box::new(peer) as _).map_err(|error| ("rsync".into(), error)),
    ];
    if extent.whole {
        all.push(
            syncthing::Syncthing::find(runtime).map(|peer| Box::new(peer) as _).map_err(|error| ("syncthing".into(), error)),
        );
        all.push(node::CoMapeo::find().map(|peer| Box::new(peer) as _).map_err(|error| ("CoMapeo core".into(), error)));
        all.push(node::PouchDb::find().map(|peer| Box::new(peer) as _).map_err(|error| ("PouchDB".into(), error)));
    }
    let mut result = Peers::default();
    let mut peers = Vec::new();
    for peer in all {
        match peer {
            Ok(peer) => peers.push((peer.name(), peer)),
            Err((name, error)) => {
                progress(&format!("{name} is missing: {error}"));
                result.missing.push((name, error.to_string()));
            }
        }
    }
    result.names = peers.iter().map(|(name, _)| name.clone()).collect();
    for (work, content) in groups.iter().flat_map(|group| &group.pieces) {
        result.content.insert((*work).into(), content.iter().map(Content::bytes).sum::<Result<u64, _>>()?);
    }
    for group in &groups {
        measure(&peers, group, &mut result);
    }
    Ok(result)
}

fn groups(maker: &mut Maker, extent: Extent) -> Result<Vec<Group>, Error> {
    let one = |records, photos| vec![Content { records, photos }];
    let first = Group {
        senders: 1,
        pieces: vec![
            (WORK[0], one(maker.records(10_000), Vec::new())),
            (WORK[1], one(Vec::new(), Vec::new())),
            (WORK[2], one(maker.records(10), Vec::new())),
            (WORK[3], one(Vec::new(), maker.photos(100, PHOTO_BYTES)?)),
        ],
        rounds: extent.rounds,
        budget: Duration::from_secs(300),
        patient: true,
    };
    let mut five = Vec::new();
    for _ in 0..5 {
        five.push(Content { records: maker.records(180), photos: maker.photos(20, PHOTO_BYTES)? });
    }
    let (pieces, budget) = (vec![(WORK[5], five)], Duration::from_secs(150));
    let five = Group { senders: 5, pieces, rounds: extent.rounds, budget, patient: true };
    let mut groups = vec![first, five];
    if extent.whole {
        let files = maker.photos(1_000, 1_000_000)?;
        let (pieces, budget) = (vec![(WORK[4], one(Vec::new(), files))], Duration::from_secs(150));
        groups.push(Group { senders: 1, pieces, rounds: extent.rounds.min(3), budget, patient: false });
    }
    Ok(groups)
}

fn measure(peers: &[(String, Box<dyn Peer>)], group: &Group, result: &mut Peers) {
    let mut spent = vec![Duration::ZERO; peers.len()];
    // One round more than asked for: in the last, flushes are counted instead of time.
    for round in 0..=group.rounds {
        let counting = round == group.rounds;
        for ((name, peer), spent) in peers.iter().zip(&mut spent) {
            let unwatched = counting && !group.patient && *spent > WATCHABLE;
            if result.failed(name, group.pieces[0].0) || unwatched || (*spent > group.budget && !counting) {
                continue;
            }
            let begun = Instant::now();
            let before = if counting { "flushes of" } else { "round of" };
            let works: Vec<&str> = group.pieces.iter().map(|(work, _)| *work).collect();
            progress(&format!("{before} {name}: {}", works.join("; ")));
            if let Err(error) = session(peer.as_ref(), name, group, counting, result) {
                progress(&format!("{name} could not: {error}"));
                for work in works {
                    let entry = result.entry(name, work);
                    let why = if counting { &mut entry.uncounted } else { &mut entry.failed };
                    why.get_or_insert_with(|| error.to_string());
                }
            }
            *spent += begun.elapsed();
        }
    }
}

fn session(peer: &dyn Peer, name: &str, group: &Group, counting: bool, result: &mut Peers) -> Result<(), Error> {
    let mut session = peer.start(group.senders)?;
    for (work, contents) in &group.pieces {
        // Before anything is given, or a sender that is still connected would hand it over unmeasured.
        session.between()?;
        for (sender, content) in contents.iter().enumerate() {
            if !(content.records.is_empty() && content.photos.is_empty()) {
                session.give(sender, content)?;
            }
        }
        if counting {
            let entry = result.entry(name, work);
            let watch = match Watch::start(session.receiver()) {
                Ok(watch) => watch,
                Err(error) => {
                    entry.uncounted = Some(error.to_string());
                    return Ok(());
                }
            };
            session.hand_over()?;
            entry.flushes = Some(watch.stop()?);
        } else {
            let meter = Meter::start(session.receiver())?;
            session.hand_over()?;
            let cost = meter.stop()?;
            progress(&format!("  {work}: {:.3} s", cost.wall));
            result.entry(name, work).costs.push(cost);
        }
    }
    session.check()
}

impl Peers {
    fn entry(&mut self, peer: &str, work: &str) -> &mut Measured {
        self.measured.entry((work.to_owned(), peer.to_owned())).or_default()
    }

    fn failed(&self, peer: &str, work: &str) -> bool {
        self.measured.get(&(work.to_owned(), peer.to_owned())).is_some_and(|measured| measured.failed.is_some())
    }
}
