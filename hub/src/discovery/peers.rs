//! Who is answered: the rules of discovery without its sockets.
//!
//! The responder calls [`decide`] for each datagram. It promises that nobody outside the subnet of the interface gets an
//! answer, that nobody can make the hub send more than the
//! rates below, and that no table here grows with what strangers send.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use maloca_protocol::announce::{Nonce, Question, Refused};
use maloca_protocol::client::interfaces::Interface;

/// How often one address is answered: a burst of three questions by two ways each, and then no more than a person can notice.
pub const PER_SOURCE: Rate = Rate { burst: 5, every: Duration::from_secs(1) };

/// How often anybody is answered: a village that comes home at once, at some 100 µs each.
pub const IN_TOTAL: Rate = Rate { burst: 200, every: Duration::from_millis(5) };

/// Sources that are remembered for [`PER_SOURCE`]. What [`IN_TOTAL`] lets through in the five seconds until a source is
/// forgotten (200 + 5 × 200) fits, so a flood of made-up addresses never pushes out one that must still wait.
const MOST_SOURCES: usize = 2048;

/// A datagram as it was heard.
#[derive(Debug, Clone, Copy)]
pub struct Heard<'a> {
    /// Its bytes.
    pub datagram: &'a [u8],
    /// Who sent it, by its own claim.
    pub source: SocketAddrV4,
    /// Number of the interface on which it came.
    pub interface: u32,
    /// Our address that the sender reaches, as the kernel says.
    pub local: Ipv4Addr,
}

/// What to do with a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// Answer from this address of ours, which the asker can reach.
    Answer {
        /// To which question.
        nonce: Nonce,
        /// One of the addresses of `on`'s interface.
        from: Ipv4Addr,
        /// The network on which the asker is.
        on: &'a Interface,
    },
    /// Say nothing.
    Silence(Why),
}

/// Why a datagram gets no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It came on an interface that was not chosen, or is not known yet.
    OtherInterface,
    /// Its source is no machine that could hear an answer: port 0, or a group or broadcast address.
    NoOne,
    /// Its source is not in the subnet of the interface: answering would send to where it did not come from.
    OutsideSubnet,
    /// It is no question of ours.
    NotAQuestion(Refused),
    /// This source has asked too often.
    AskedTooOften,
    /// All together have asked too often.
    TooManyAsk,
}

/// Whether and from which address to answer `heard`. Pure but for the buckets in `limits`, whose clock is `now`.
pub fn decide<'a>(heard: &Heard<'_>, interfaces: &'a [Interface], limits: &mut Limits, now: Instant) -> Verdict<'a> {
    let source = *heard.source.ip();
    let on_it = || interfaces.iter().filter(|interface| interface.index == heard.interface);
    if on_it().next().is_none() {
        return Verdict::Silence(Why::OtherInterface);
    }
    if heard.source.port() == 0 || source.is_multicast() || source.is_broadcast() || source.is_unspecified() {
        return Verdict::Silence(Why::NoOne);
    }
    let Some(on) = on_it().find(|interface| interface.contains(source)) else {
        return Verdict::Silence(Why::OutsideSubnet);
    };
    if on.is_no_one(source) {
        return Verdict::Silence(Why::NoOne);
    }
    let nonce = match Question::parse(heard.datagram) {
        Ok(question) => question.nonce,
        Err(refused) => return Verdict::Silence(Why::NotAQuestion(refused)),
    };
    if let Err(why) = limits.take(heard.source, now) {
        return Verdict::Silence(why);
    }
    // Somebody may ask, on this side, for our address on another; it is told the one on its own.
    let from = if on_it().any(|interface| interface.address == heard.local) { heard.local } else { on.address };
    Verdict::Answer { nonce, from, on }
}

/// So many at once, and then one each `every`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many at once.
    pub burst: u32,
    /// The pause until one more is allowed.
    pub every: Duration,
}

/// A token bucket, kept as the moment when it will be full again: no fractions, and nothing to do while nobody asks.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    full_at: Instant,
}

impl Bucket {
    /// What the bucket is after one token was taken; `None` if there is none.
    fn take(self, rate: Rate, now: Instant) -> Option<Self> {
        let full_at = self.full_at.max(now) + rate.every;
        (full_at - now <= rate.every * rate.burst).then_some(Self { full_at })
    }
}

/// The two rates and how much of them is used.
#[derive(Debug)]
pub struct Limits {
    per_source: Rate,
    in_total: Rate,
    total: Bucket,
    sources: HashMap<SocketAddrV4, Bucket>,
}

impl Limits {
    /// Full buckets, as of `now`.
    #[must_use]
    pub fn new(per_source: Rate, in_total: Rate, now: Instant) -> Self {
        Self { per_source, in_total, total: Bucket { full_at: now }, sources: HashMap::new() }
    }

    /// Takes one answer for `source`; takes nothing where either rate is used up.
    fn take(&mut self, source: SocketAddrV4, now: Instant) -> Result<(), Why> {
        // On loopback the machine asks itself, each of its programs from another port; elsewhere a port costs nothing.
        let port = if source.ip().is_loopback() { source.port() } else { 0 };
        let key = SocketAddrV4::new(*source.ip(), port);
        let bucket = self.sources.get(&key).copied().unwrap_or(Bucket { full_at: now });
        let bucket = bucket.take(self.per_source, now).ok_or(Why::AskedTooOften)?;
        let total = self.total.take(self.in_total, now).ok_or(Why::TooManyAsk)?;
        if self.sources.len() >= MOST_SOURCES && !self.sources.contains_key(&key) {
            // A full bucket is as good as none.
            self.sources.retain(|_, bucket| bucket.full_at > now);
            if self.sources.len() >= MOST_SOURCES {
                return Err(Why::TooManyAsk);
            }
        }
        self.sources.insert(key, bucket);
        self.total = total;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn networks() -> Vec<Interface> {
        let on =
            |name: &str, index, address: [u8; 4], prefix| Interface { name: name.into(), index, address: address.into(), prefix };
        vec![
            on("lo", 1, [127, 0, 0, 1], 8),
            on("wlan0", 3, [10, 42, 0, 1], 24),
            on("wlan0", 3, [10, 43, 0, 1], 24),
            on("eth0", 4, [192, 168, 1, 2], 24),
        ]
    }

    fn verdict(source: &str, interface: u32, local: [u8; 4]) -> Result<Ipv4Addr, Why> {
        let datagram = Question { nonce: Nonce([1; 16]) }.encode();
        let now = Instant::now();
        let heard = Heard { datagram: &datagram, source: source.parse().unwrap(), interface, local: local.into() };
        match decide(&heard, &networks(), &mut Limits::new(PER_SOURCE, IN_TOTAL, now), now) {
            Verdict::Answer { from, .. } => Ok(from),
            Verdict::Silence(why) => Err(why),
        }
    }

    #[test]
    fn an_asker_is_told_the_address_on_its_own_side() {
        assert_eq!(verdict("10.42.0.9:5000", 3, [10, 42, 0, 1]), Ok([10, 42, 0, 1].into()));
        assert_eq!(verdict("10.43.0.9:5000", 3, [10, 43, 0, 1]), Ok([10, 43, 0, 1].into()));
        assert_eq!(verdict("10.42.0.9:5000", 3, [192, 168, 1, 2]), Ok([10, 42, 0, 1].into()), "asked for the other side");
        assert_eq!(verdict("127.0.0.1:5000", 1, [127, 0, 0, 1]), Ok(Ipv4Addr::LOCALHOST));
    }

    #[test]
    fn strangers_and_no_ones_get_no_answer() {
        assert_eq!(verdict("10.42.0.9:5000", 7, [10, 42, 0, 1]), Err(Why::OtherInterface));
        assert_eq!(verdict("10.42.0.9:5000", 4, [192, 168, 1, 2]), Err(Why::OutsideSubnet));
        assert_eq!(verdict("8.8.8.8:53", 3, [10, 42, 0, 1]), Err(Why::OutsideSubnet));
        assert_eq!(verdict("127.0.0.1:5000", 3, [10, 42, 0, 1]), Err(Why::OutsideSubnet));
        for no_one in
            ["10.42.0.9:0", "10.42.0.255:5000", "10.42.0.0:5000", "224.0.0.1:5000", "255.255.255.255:5000", "0.0.0.0:68"]
        {
            assert_eq!(verdict(no_one, 3, [10, 42, 0, 1]), Err(Why::NoOne), "{no_one}");
        }
    }

    #[test]
    fn what_is_no_question_costs_no_token() {
        let now = Instant::now();
        let mut limits = Limits::new(PER_SOURCE, IN_TOTAL, now);
        let source = "10.42.0.9:5000".parse().unwrap();
        let heard = Heard { datagram: b"hello", source, interface: 3, local: [10, 42, 0, 1].into() };
        let networks = networks();
        for _ in 0..1000 {
            assert_eq!(decide(&heard, &networks, &mut limits, now), Verdict::Silence(Why::NotAQuestion(Refused::NotOurs)));
        }
        assert!(limits.sources.is_empty());
    }

    #[test]
    fn a_flood_of_made_up_sources_fills_no_table_and_frees_nobody() {
        let start = Instant::now();
        let mut limits = Limits::new(PER_SOURCE, IN_TOTAL, start);
        let greedy = "10.0.0.1:1".parse().unwrap();
        while limits.take(greedy, start).is_ok() {}
        let mut answered = 0;
        for n in 0..200_000_u32 {
            let now = start + Duration::from_micros(u64::from(n) * 4);
            let made_up = SocketAddrV4::new(Ipv4Addr::from_bits(0x0b00_0000 + n), 1);
            answered += u32::from(limits.take(made_up, now).is_ok());
            assert!(limits.sources.len() <= MOST_SOURCES);
        }
        assert!(answered <= 200 + 160, "{answered} in 0.8 s");
        assert_eq!(limits.take(greedy, start + Duration::from_millis(800)), Err(Why::AskedTooOften));
    }

    proptest! {
        /// In any window, no source gets more than its burst and one per pause, and all together no more than theirs.
        #[test]
        fn rates_hold_in_every_window(steps in prop::collection::vec((0u64..3000, 0u32..6), 1..300)) {
            let (per_source, in_total) = (PER_SOURCE, Rate { burst: 8, every: Duration::from_millis(500) });
            let start = Instant::now();
            let mut now = start;
            let mut limits = Limits::new(per_source, in_total, start);
            let mut granted: Vec<(Instant, u32)> = Vec::new();
            for (pause, source) in steps {
                now += Duration::from_millis(pause / 4);
                if limits.take(SocketAddrV4::new(Ipv4Addr::from_bits(source + 1), 9), now).is_ok() {
                    granted.push((now, source));
                }
            }
            let allowed = |rate: Rate, window: Duration| u128::from(rate.burst) + window.as_nanos() / rate.every.as_nanos();
            for (n, (from, _)) in granted.iter().enumerate() {
                for (m, (to, _)) in granted.iter().enumerate().skip(n) {
                    prop_assert!((m - n + 1) as u128 <= allowed(in_total, *to - *from));
                    for source in 0..6 {
                        let of_source = granted[n..=m].iter().filter(|(_, granted)| *granted == source).count() as u128;
                        prop_assert!(of_source <= allowed(per_source, *to - *from));
                    }
                }
            }
        }

        /// Whoever keeps to the rate is always answered.
        #[test]
        fn the_patient_are_answered(pauses in prop::collection::vec(1000u64..5000, 1..50)) {
            let start = Instant::now();
            let mut limits = Limits::new(PER_SOURCE, IN_TOTAL, start);
            let mut now = start;
            for pause in pauses {
                now += Duration::from_millis(pause);
                prop_assert!(limits.take("10.0.0.7:9".parse().unwrap(), now).is_ok());
            }
        }
    }
}
