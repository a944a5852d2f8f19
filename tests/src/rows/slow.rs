//! Slow-loris and half-open connections, while a healthy device syncs.
//!
//! Crowds of connections, many more than the hub has seats, begin something and do not go on: handshakes, headers, bodies,
//! answers that nobody reads. They come from several addresses, the healthy device's own among them. Each of its syncs must
//! finish in sync meanwhile; the hub must end every one that stands still, let go on what moves, and never have more
//! sockets open than it has seats. Planted bugs: see [`Lie`].

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use maloca_protocol::client::{Device, Edit, Patience, SyncOptions};
use maloca_protocol::{DeviceId, DocId};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::held::observation;
use super::{Row, Run};
use crate::device::{RawDevice, lines};
use crate::hub::{CODE, TestHub, fast_folder, folder, verify};
use crate::lan::{PATIENCE, until};
use crate::wire::{self, Wire, until_ended};

/// See the module.
pub static ROW: Row = Row {
    name: "slow",
    what: "connections that begin something and do not go on",
    short: 500,
    mark: 10_000,
    chunk: 1_000,
    lan: None,
    run: |run| with(run, Lie::None),
};

/// What is planted to see that the row notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// Nothing.
    None,
    /// A hub that waits for ever.
    WaitsForEver,
    /// A hub that waits for ever and takes every connection.
    TakesEverybody,
}

/// The hub's seats, and how many connections want one at once.
const SEATS: usize = 60;
const AT_ONCE: usize = 200;

/// Sockets that may be open beside those that listen and those that have a seat: one on its way to each port.
const ON_THEIR_WAY: usize = 4;

/// Addresses from which they come, 127.0.0.1 and on.
const ADDRESSES: u8 = 8;

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Says nothing, to the plain port or the other.
    Silent,
    /// A piece of a handshake.
    HalfHandshake,
    /// Bytes that are no TLS and no HTTP.
    Garbage,
    /// The sending half is closed at once.
    HalfClosed,
    /// Half a request's headers.
    HalfHeaders,
    /// Headers byte by byte.
    HeadersByByte,
    /// A body that stops.
    HalfBody,
    /// An upload that stops.
    HalfUpload,
    /// Half a request, and then the sending half is closed.
    HalfRequestClosed,
    /// Never reads the answers.
    NeverReads,
    /// A body that is slow but moves.
    SlowBody,
}

const KINDS: [Kind; 11] = [
    Kind::Silent,
    Kind::HalfHandshake,
    Kind::Garbage,
    Kind::HalfClosed,
    Kind::HalfHeaders,
    Kind::HeadersByByte,
    Kind::HalfBody,
    Kind::HalfUpload,
    Kind::HalfRequestClosed,
    Kind::NeverReads,
    Kind::SlowBody,
];

/// Runs the row, perhaps with a planted bug.
///
/// # Panics
/// At the first thing that is not as promised.
pub fn with(run: &mut Run, lie: Lie) {
    Run::block_on(inflict(run, lie));
}

async fn inflict(run: &mut Run, lie: Lie) {
    let (data, folder) = (fast_folder(), folder());
    let seats = SEATS.to_string();
    let more: &[&str] = match lie {
        Lie::None => &["--connections", &seats, "--patience", "2"],
        Lie::WaitsForEver => &["--connections", &seats, "--patience", "3600"],
        Lie::TakesEverybody => &["--connections", "100000", "--patience", "3600"],
    };
    let hub = Arc::new(TestHub::start_with(data.path(), more));
    let (listening, idle) = (hub.open_sockets(), hub.open_files());
    let raw = RawDevice::join(&hub, 1).await;
    fill(&raw, &mut run.random).await;
    let device = Device::open(folder.path()).await.expect("a device");
    device.join(hub.http(), Some(CODE), "Healthy", None, Patience::default()).await.expect("joined");
    let over = Arc::new(AtomicBool::new(false));
    let healthy = tokio::spawn(healthy(device, Arc::clone(&hub), Arc::clone(&over)));
    let mut watch = tokio::spawn(watch(Arc::clone(&hub), listening + SEATS + ON_THEIR_WAY, Arc::clone(&over)));
    // A control need not wait as long as the row would.
    let patience = if lie == Lie::None { PATIENCE } else { Duration::from_secs(3) };
    let (attacks, mut unread, mut kinds) = (run.count - run.done, Vec::new(), Vec::new());
    for n in 0..attacks {
        let from = Ipv4Addr::new(127, 0, 0, run.random.random_range(1..=ADDRESSES));
        let random = StdRng::seed_from_u64(run.random.random());
        let attack = Attack { hub: Arc::clone(&hub), token: raw.token.clone(), from, random, patience };
        kinds.push((KINDS[n as usize % KINDS.len()], attack));
    }
    let mut ended = stream::iter(kinds).map(|(kind, attack)| attack.run(kind)).buffer_unordered(AT_ONCE);
    loop {
        tokio::select! {
            biased;
            failed = &mut watch => panic!("{failed:?}"),
            left = ended.next() => match left {
                None => break,
                Some(left) => unread.extend(left),
            },
        }
        run.done += 1;
    }
    drop(ended);
    over.store(true, Ordering::Relaxed);
    run.count("syncs of the healthy device meanwhile", healthy.await.expect("a healthy device's word"));
    let most = watch.await.expect("the watcher's word");
    run.count("sockets at most", most as u64);
    assert!(lie != Lie::None || attacks < 200 || most > SEATS, "the crowd was none: {most} sockets");
    // Those that nobody reads are still open on our side, and must not be on the hub's.
    until("the hub has given back all that it had open", || hub.open_files() <= idle);
    drop(unread);
    let hub = Arc::into_inner(hub).expect("all others have ended");
    assert!(hub.stop().success());
    verify(data.path());
}

/// Enough in the feed that its pages fill every buffer on the way to somebody who does not read.
async fn fill(device: &RawDevice, random: &mut StdRng) {
    for _ in 0..3 {
        let batch: Vec<_> = (0..1_000).map(|_| observation(device, random, None)).collect();
        device.send(lines(&batch.iter().collect::<Vec<_>>())).await;
    }
}

/// Makes an observation and syncs, again and again; how often.
async fn healthy(device: Device, hub: Arc<TestHub>, over: Arc<AtomicBool>) -> u64 {
    let id: DeviceId = hub.id().parse().expect("an id");
    let options = SyncOptions { patience: Patience::For(PATIENCE), ..SyncOptions::default() };
    let mut syncs = 0;
    while !over.load(Ordering::Relaxed) || syncs == 0 {
        let set = [("notes".to_owned(), json!(syncs))].into_iter().collect();
        device.edit(DocId::now(), "observation", Edit { set, ..Edit::default() }).await.expect("room on the device");
        let report = device.sync(&id, &options).await.unwrap_or_else(|error| panic!("the healthy device was kept out: {error}"));
        assert!(report.in_sync, "{report:?}");
        syncs += 1;
    }
    syncs
}

/// Looks at how many sockets the hub has open; the most that were seen.
async fn watch(hub: Arc<TestHub>, bound: usize, over: Arc<AtomicBool>) -> usize {
    let mut most = 0;
    while !over.load(Ordering::Relaxed) {
        most = most.max(hub.open_sockets());
        assert!(most <= bound, "the hub has {most} sockets open");
        sleep(Duration::from_millis(10)).await;
    }
    most
}

struct Attack {
    hub: Arc<TestHub>,
    token: String,
    from: Ipv4Addr,
    random: StdRng,
    patience: Duration,
}

impl Attack {
    /// Attacks until the hub ends it. What is given back is still open.
    async fn run(mut self, kind: Kind) -> Option<Wire> {
        let patience = self.patience;
        let ended = timeout(patience, self.inflict(kind)).await;
        ended.unwrap_or_else(|_| panic!("{kind:?} still holds its seat after {patience:?}"))
    }

    async fn inflict(&mut self, kind: Kind) -> Option<Wire> {
        let plain = self.random.random_range(0..2) == 0;
        match kind {
            Kind::Silent => until_ended(&mut self.tcp(plain).await?).await,
            Kind::HalfHandshake => {
                // The beginning of a ClientHello that says it will be 512 bytes long.
                let mut stream = self.tcp(false).await?;
                let hello = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[7; 100]].concat();
                self.say_then_wait(&mut stream, &hello).await;
            }
            Kind::Garbage => {
                let mut stream = self.tcp(plain).await?;
                let garbage: Vec<u8> = (0..self.random.random_range(1..500)).map(|_| self.random.random()).collect();
                self.say_then_wait(&mut stream, &garbage).await;
            }
            Kind::HalfClosed => {
                let mut stream = self.tcp(plain).await?;
                // The hub may have gone first, here and below.
                let _ = stream.shutdown().await;
                until_ended(&mut stream).await;
            }
            Kind::HalfHeaders | Kind::HalfBody | Kind::HalfUpload | Kind::HalfRequestClosed => {
                let said = self.half_a_request(kind);
                let mut wire = self.tls(None).await?;
                let _ = wire.say(&said).await;
                if matches!(kind, Kind::HalfRequestClosed) {
                    let _ = wire.half_close().await;
                }
                wire.until_ended().await;
            }
            Kind::HeadersByByte => {
                let mut wire = self.tls(None).await?;
                let said = self.half_a_request(Kind::HalfHeaders);
                for byte in said.iter().cycle() {
                    if wire.say(&[*byte]).await.is_err() {
                        break;
                    }
                    sleep(Duration::from_millis(50)).await;
                }
            }
            Kind::NeverReads => {
                let mut wire = self.tls(Some(4_096)).await?;
                let question = wire::request("GET", "/changes", &self.token, &[], b"");
                let _ = wire.say(&question.repeat(12)).await;
                return Some(wire);
            }
            Kind::SlowBody => {
                let body = b"{\"unsent\":{\"revisions\":0,\"media\":0,\"media_bytes\":0}}";
                let whole = wire::request("POST", "/state", &self.token, &[("content-type", "application/json")], body);
                let mut wire = self.tls(None).await?;
                let (head, body) = whole.split_at(whole.len() - body.len());
                wire.say(head).await.ok()?;
                for byte in body {
                    wire.say(&[*byte]).await.ok()?;
                    sleep(Duration::from_millis(60)).await;
                }
                // It may have had to make room; if not, it is answered like any other.
                if let Ok((status, body)) = wire.hear().await {
                    assert_eq!(status, 200, "a slow body that moves: {}", String::from_utf8_lossy(&body));
                }
            }
        }
        None
    }

    fn half_a_request(&mut self, kind: Kind) -> Vec<u8> {
        let (path, headers): (_, &[_]) = match kind {
            Kind::HalfUpload => (
                "/media/uploads",
                &[("tus-resumable", "1.0.0"), ("upload-length", "50000"), ("content-type", "application/offset+octet-stream")],
            ),
            _ => ("/revisions", &[("content-type", "application/x-ndjson")]),
        };
        let mut whole = wire::request("POST", path, &self.token, headers, &[b'{'; 50_000]);
        let most = if matches!(kind, Kind::HalfHeaders) { 100 } else { whole.len() - 1 };
        let least = if matches!(kind, Kind::HalfHeaders) { 1 } else { 1_000 };
        whole.truncate(self.random.random_range(least..most));
        whole
    }

    async fn say_then_wait(&self, stream: &mut (impl AsyncRead + tokio::io::AsyncWrite + Unpin), bytes: &[u8]) {
        let _ = stream.write_all(bytes).await;
        until_ended(stream).await;
    }

    /// A connection; `None` where the hub has no seat for it, which is a withstood attack as well.
    async fn tcp(&self, plain: bool) -> Option<TcpStream> {
        let url = if plain { self.hub.http() } else { self.hub.https() };
        wire::tcp(url, self.from, None).await.ok()
    }

    async fn tls(&self, window: Option<u32>) -> Option<Wire> {
        Wire::over(wire::tcp(self.hub.https(), self.from, window).await.ok()?).await.ok()
    }
}
