//! From a thousand records to a million: how fast they are taken in, how fast they are shown, what they take, how fast the hub
//! is back after a `kill -9`.
//!
//! One store grows from size to size. Four devices send signed batches of a thousand over https; whatever is asked of the hub at a size
//! is asked while nobody sends. The small sizes are measured on several stores, and their median is shown.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::content::Maker;
use super::cost::{cpu_of, on_disk, status};
use super::load::{Poured, ask, join, pour, sign};
use super::peers::table::{bytes, seconds, thousands};
use super::plot::{Line, Panel, plot};
use super::{Error, Extent, median, progress};
use crate::hub::{TestHub, folder};

/// How many records there are when questions are asked.
const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// What every bench can afford.
const SMALL: usize = 2;

/// Devices that fill the store.
const DEVICES: usize = 4;

/// Records in a batch.
const BATCH: usize = 1_000;

/// Records that are signed before the clock goes on; more would only fill memory.
const AHEAD: usize = 100_000;

/// How often a question is asked, for a median.
const TIMES: usize = 9;

/// How long a restarted hub is left alone before its memory at rest is read.
const REST: Duration = Duration::from_secs(1);

/// A hub with so many records.
#[derive(Debug, Clone, Copy, Default)]
pub struct Point {
    records: usize,
    /// Records acknowledged in a second, from the size before to this one.
    rate: f64,
    /// CPU of the hub for a thousand of them, seconds.
    cpu: f64,
    /// How long a batch waited for its answer, usually, seconds.
    wait: f64,
    first_page: f64,
    filtered: f64,
    count: f64,
    /// The most memory while it was filled, bytes.
    memory: f64,
    /// Memory at rest after a restart, bytes.
    idle: f64,
    disk: f64,
    /// From the start after a kill to the ready line, seconds.
    ready: f64,
    /// And to the first page.
    answers: f64,
}

/// Measures all sizes.
///
/// # Errors
/// Where the hub does not do what it should.
pub fn run(runtime: &Handle, extent: Extent) -> Result<Vec<Point>, Error> {
    let mut stores = Vec::new();
    for round in 1..=extent.rounds {
        let sizes = if extent.whole && round == extent.rounds { &SIZES[..] } else { &SIZES[..SMALL] };
        progress(&format!("store {round} of {}, up to {} records", extent.rounds, sizes[sizes.len() - 1]));
        stores.push(runtime.block_on(Box::pin(grow(sizes)))?);
    }
    let points = (0..stores.iter().map(Vec::len).max().unwrap_or(0)).map(|at| {
        let same: Vec<Point> = stores.iter().filter_map(|store| store.get(at)).copied().collect();
        let middle = |pick: fn(&Point) -> f64| median(same.iter().map(pick));
        Point {
            records: same[0].records,
            rate: middle(|point| point.rate),
            cpu: middle(|point| point.cpu),
            wait: middle(|point| point.wait),
            first_page: middle(|point| point.first_page),
            filtered: middle(|point| point.filtered),
            count: middle(|point| point.count),
            memory: middle(|point| point.memory),
            idle: middle(|point| point.idle),
            disk: middle(|point| point.disk),
            ready: middle(|point| point.ready),
            answers: middle(|point| point.answers),
        }
    });
    Ok(points.collect())
}

async fn grow(sizes: &[usize]) -> Result<Vec<Point>, Error> {
    let (data, photos) = (folder(), folder());
    let mut maker = Maker::new(photos.path());
    let mut hub = TestHub::start(data.path());
    let mut points = Vec::new();
    let mut held = 0;
    for &size in sizes {
        // A restarted hub has another port; the devices join it again, as the same devices.
        let devices = join(&hub, DEVICES).await?;
        let (mut poured, mut cpu, mut memory) = (Poured::default(), 0.0, 0.0_f64);
        while held < size {
            let batches = AHEAD.min(size - held) / BATCH;
            let signed = sign(&mut maker, &devices[..DEVICES.min(batches)], batches.div_ceil(DEVICES), BATCH)?;
            let signed = spread(signed, batches);
            let before = cpu_of(hub.process())?;
            poured.add(pour(&devices, signed).await?);
            cpu += cpu_of(hub.process())? - before;
            memory = memory.max(status(hub.process(), "VmHWM"));
            held += batches * BATCH;
        }
        let client = crate::device::client();
        let mut point = Point {
            records: size,
            rate: poured.rate(),
            cpu: cpu / poured.records as f64 * 1e3,
            wait: poured.waits()[0],
            first_page: ask(&client, &hub, "/observations", TIMES).await?,
            filtered: ask(&client, &hub, "/observations?category=animal", TIMES).await?,
            count: ask(&client, &hub, "/observations/count?category=path", TIMES).await?,
            memory,
            disk: on_disk(data.path())?,
            ..Point::default()
        };
        hub.kill();
        let begun = Instant::now();
        hub = TestHub::start(data.path());
        point.ready = begun.elapsed().as_secs_f64();
        ask(&crate::device::client(), &hub, "/observations", 0).await?;
        point.answers = begun.elapsed().as_secs_f64();
        tokio::time::sleep(REST).await;
        point.idle = status(hub.process(), "VmRSS");
        progress(&format!("  {size} records: {:.0} acknowledged a second", point.rate));
        points.push(point);
    }
    hub.stop();
    Ok(points)
}

/// Exactly so many of the batches: the last devices may have signed one too many.
fn spread<T>(mut signed: Vec<Vec<T>>, batches: usize) -> Vec<Vec<T>> {
    let mut too_many = signed.iter().map(Vec::len).sum::<usize>() - batches;
    for mine in signed.iter_mut().rev() {
        if too_many > 0 && mine.pop().is_some() {
            too_many -= 1;
        }
    }
    signed
}

/// The points as a table.
#[must_use]
pub fn markdown(points: &[Point]) -> String {
    let mut text = String::from(
        "| records | acknowledged | hub CPU a 1,000 | a batch of 1,000 waits | first page | filtered page | count | memory filling | memory at rest | disk | a record | ready after kill -9 | first answer |\n\
         |--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for point in points {
        let _ = writeln!(
            text,
            "| {} | {} /s | {} | {} | {} | {} | {} | {} | {} | {} | {:.0} B | {} | {} |",
            thousands(point.records as f64),
            thousands(point.rate),
            seconds(point.cpu),
            seconds(point.wait),
            seconds(point.first_page),
            seconds(point.filtered),
            seconds(point.count),
            bytes(point.memory),
            bytes(point.idle),
            bytes(point.disk),
            point.disk / point.records as f64,
            seconds(point.ready),
            seconds(point.answers),
        );
    }
    text
}

/// The points as a picture, an SVG.
#[must_use]
pub fn picture(points: &[Point]) -> String {
    let line = |name: &'static str, pick: fn(&Point) -> f64| Line {
        name,
        points: points.iter().map(|point| (point.records as f64, pick(point))).collect(),
    };
    let time = Panel {
        title: "Time, milliseconds",
        lines: vec![
            line("ready after kill -9", |point| point.ready * 1e3),
            line("to take in 1,000", |point| 1e6 / point.rate),
            line("filtered page", |point| point.filtered * 1e3),
            line("first page", |point| point.first_page * 1e3),
        ],
    };
    let room = Panel {
        title: "Room, megabytes",
        lines: vec![
            line("disk", |point| point.disk / 1e6),
            line("memory while filling", |point| point.memory / 1e6),
            line("memory at rest", |point| point.idle / 1e6),
        ],
    };
    plot("records in the store", &[time, room])
}
