//! Who is connected, and who makes room when all seats are taken.
//!
//! The accept loop gives every connection a [`Seat`]. It promises: there are never more than so many; a newcomer is turned away
//! only where everybody who sits there is at work and nobody has taken more than the newcomer's share; so neither a crowd of
//! connections that never finish what they began, nor one address that opens hundreds, keeps a healthy device out.
//!
//! One plain mutex guards the list: it is held for microseconds and never across an await.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// All seats.
pub(super) struct Seats {
    most: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    next: u64,
    by: HashMap<u64, Sitting>,
}

struct Sitting {
    from: IpAddr,
    /// Whether a request is being worked on; handshakes, headers that are still coming and silence between requests are none.
    at_work: bool,
    /// Since when it is so.
    since: Instant,
    leave: CancellationToken,
    left: CancellationToken,
}

/// One connection's seat, given back when dropped.
pub(super) struct Seat {
    id: u64,
    seats: Arc<Seats>,
    leave: CancellationToken,
    left: CancellationToken,
}

/// A seat, and who has to get up for it.
pub(super) struct Given {
    pub(super) seat: Seat,
    /// Done when the connection that makes room has gone.
    pub(super) freed: Option<CancellationToken>,
}

impl Seats {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, taken: Mutex::default() })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A seat for a connection from `from`; where all are taken, another one is told to leave, if one may be.
    pub(super) fn take(self: &Arc<Self>, from: IpAddr) -> Option<Given> {
        let (mut taken, mut freed) = (self.taken(), None);
        if taken.by.len() >= self.most {
            let id = taken.who_leaves(from)?;
            if let Some(sitting) = taken.by.remove(&id) {
                tracing::debug!(from = %sitting.from, at_work = sitting.at_work, "all seats are taken; this connection makes room");
                sitting.leave.cancel();
                freed = Some(sitting.left);
            }
        }
        let (id, leave, left) = (taken.next, CancellationToken::new(), CancellationToken::new());
        taken.next += 1;
        let sitting = Sitting { from, at_work: false, since: Instant::now(), leave: leave.clone(), left: left.clone() };
        taken.by.insert(id, sitting);
        Some(Given { seat: Seat { id, seats: Arc::clone(self), leave, left }, freed })
    }
}

impl Taken {
    /// Of the address with the most seats, whoever has waited longest without asking for anything. At work, a connection must
    /// leave only for an address that would have fewer seats than its own.
    fn who_leaves(&self, newcomer: IpAddr) -> Option<u64> {
        let mut seats: HashMap<IpAddr, usize> = HashMap::new();
        for sitting in self.by.values() {
            *seats.entry(sitting.from).or_default() += 1;
        }
        let count = |sitting: &Sitting| seats.get(&sitting.from).copied().unwrap_or_default();
        let newcomers = seats.get(&newcomer).copied().unwrap_or_default();
        let may = |sitting: &Sitting| !sitting.at_work || count(sitting) > newcomers + 1;
        let candidates = self.by.iter().filter(|(_, sitting)| may(sitting));
        let order = |sitting: &Sitting| (std::cmp::Reverse(count(sitting)), sitting.at_work, sitting.since);
        candidates.min_by_key(|(_, sitting)| order(sitting)).map(|(id, _)| *id)
    }
}

impl Seat {
    /// Ends when this connection must make room.
    pub(super) async fn must_leave(&self) {
        self.leave.cancelled().await;
    }

    /// A request is worked on until what is returned is dropped.
    pub(super) fn work(self: &Arc<Self>) -> Work {
        self.note(true);
        Work(Arc::clone(self))
    }

    fn note(&self, at_work: bool) {
        if let Some(sitting) = self.seats.taken().by.get_mut(&self.id) {
            (sitting.at_work, sitting.since) = (at_work, Instant::now());
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.taken().by.remove(&self.id);
        self.left.cancel();
    }
}

/// A request that is being worked on.
pub(super) struct Work(Arc<Seat>);

impl Drop for Work {
    fn drop(&mut self) {
        self.0.note(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn left(seat: &Seat) -> bool {
        seat.leave.is_cancelled()
    }

    #[test]
    fn the_longest_silence_of_the_greediest_address_makes_room() {
        let seats = Seats::new(4);
        let take = |last| Arc::new(seats.take(ip(last)).unwrap().seat);
        let (phone, first, second, third) = (take(1), take(2), take(2), take(2));
        let _busy = first.work();
        let other = take(3);
        assert_eq!([&phone, &first, &second, &third].map(|seat| left(seat)), [false, false, true, false]);
        // The greedy one's own newcomer takes the seat of its own silent one, not the phone's.
        let again = take(2);
        assert!(left(&third) && !left(&phone) && !left(&other) && !left(&again));
    }

    #[test]
    fn work_makes_room_only_for_those_who_have_less() {
        let seats = Seats::new(3);
        let take = |last| seats.take(ip(last)).map(|given| Arc::new(given.seat));
        let sitting: Vec<_> = (0..3).filter_map(|_| take(2)).collect();
        let _busy: Vec<_> = sitting.iter().map(Seat::work).collect();
        assert!(take(2).is_none(), "three at work are its share and more");
        let phone = take(1).unwrap();
        assert!(left(&sitting[0]) && !left(&sitting[1]));
        let _work = phone.work();
        assert!(take(1).is_none(), "two of two and one is no better than one of two and two");
        drop(phone);
    }

    #[test]
    fn a_seat_that_was_given_back_is_free() {
        let seats = Seats::new(1);
        let seat = Arc::new(seats.take(ip(1)).unwrap().seat);
        let work = seat.work();
        assert!(seats.take(ip(1)).is_none());
        drop((seat, work));
        assert!(seats.take(ip(1)).is_some());
        assert!(seats.taken().by.is_empty());
    }
}
