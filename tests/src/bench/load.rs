//! Many clients at once: what they send was signed before the clock starts, so that the hub is measured and not their arithmetic.
//!
//! `scale` and `devices` pour through here. Every answer is read: a record counts once the hub has said that it holds it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use maloca_protocol::rest::{BASE, BatchAnswer, Outcome};
use maloca_protocol::{DeviceKey, Draft};
use reqwest::{Method, StatusCode};
use tokio::task::JoinSet;

use super::content::Maker;
use super::{Error, median};
use crate::device::RawDevice;
use crate::hub::TestHub;

/// Bytes of a revision in canonical form: what the hub keeps of a record, but for its own rows.
pub const REVISION_BYTES: usize = 1_000;

/// Devices that join at a time; more only wait for each other.
const JOINING: usize = 64;

/// A batch as it is sent, and how many records are in it.
#[derive(Debug, Clone)]
pub struct Batch {
    lines: Bytes,
    records: usize,
}

/// What pouring took.
#[derive(Debug, Clone, Default)]
pub struct Poured {
    /// Records that were acknowledged.
    pub records: usize,
    /// From the first request to the last answer, seconds.
    pub wall: f64,
    /// How long each request waited for its answer, seconds.
    pub waits: Vec<f64>,
}

impl Poured {
    /// Acknowledged records in a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.records as f64 / self.wall
    }

    /// How long the usual request waited, and the slowest of a hundred.
    #[must_use]
    pub fn waits(&self) -> [f64; 2] {
        let mut waits = self.waits.clone();
        waits.sort_by(f64::total_cmp);
        [median(waits.iter().copied()), waits.get(waits.len() * 99 / 100).copied().unwrap_or_default()]
    }

    /// Takes in what came later.
    pub fn add(&mut self, more: Self) {
        self.records += more.records;
        self.wall += more.wall;
        self.waits.extend(more.waits);
    }
}

/// Lets so many devices join, each with a connection of its own.
///
/// # Errors
/// Where one of them breaks down.
pub async fn join(hub: &TestHub, count: usize) -> Result<Vec<Arc<RawDevice>>, Error> {
    let mut devices = Vec::new();
    for first in (0..count).step_by(JOINING) {
        let some = (first..count.min(first + JOINING)).map(|n| async move {
            let mut seed = [7; 32];
            seed[..8].copy_from_slice(&(n as u64).to_be_bytes());
            Arc::new(RawDevice::join_as(hub, DeviceKey::from_seed(seed), &format!("Device {n}")).await)
        });
        devices.extend(futures_util::future::join_all(some).await);
    }
    Ok(devices)
}

/// Signs for each device so many batches of so many records, on all cores.
///
/// # Errors
/// Where a record is not sound.
pub fn sign(maker: &mut Maker, devices: &[Arc<RawDevice>], batches: usize, records: usize) -> Result<Vec<Vec<Batch>>, Error> {
    let set_bytes = REVISION_BYTES - overhead(maker, &devices[0])?;
    let work: Vec<_> = devices.iter().map(|device| (Arc::clone(device), made(maker, batches * records, set_bytes))).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let shares: Vec<_> = work.chunks(work.len().div_ceil(threads)).collect();
    std::thread::scope(|scope| {
        let signing: Vec<_> = shares
            .iter()
            .map(|share| {
                scope.spawn(|| {
                    let signed = share.iter().map(|(device, drafts)| {
                        let batches = drafts.chunks(records).map(|drafts| batch(device, drafts));
                        batches.collect::<Result<Vec<Batch>, Error>>()
                    });
                    signed.collect::<Result<Vec<_>, Error>>()
                })
            })
            .collect();
        let mut all = Vec::new();
        for thread in signing {
            all.extend(thread.join().map_err(|_| "signing broke down")??);
        }
        Ok(all)
    })
}

fn made(maker: &mut Maker, count: usize, set_bytes: usize) -> Vec<Draft> {
    let drafts = (0..count).map(|_| {
        let record = maker.record(set_bytes);
        let mut draft = Draft::new("observation", record.id, 1_700_000_000_000);
        draft.set = record.set;
        draft
    });
    drafts.collect()
}

fn batch(device: &RawDevice, drafts: &[Draft]) -> Result<Batch, Error> {
    let mut lines = Vec::new();
    for draft in drafts {
        let revision = draft.sign(&device.key).map_err(|refusal| format!("{refusal:?}"))?;
        lines.extend(revision.envelope());
        lines.push(b'\n');
    }
    Ok(Batch { lines: lines.into(), records: drafts.len() })
}

/// What the canonical form has besides the properties.
fn overhead(maker: &mut Maker, device: &RawDevice) -> Result<usize, Error> {
    let probe = made(maker, 1, 500).remove(0).sign(&device.key).map_err(|refusal| format!("{refusal:?}"))?;
    Ok(probe.canonical().len() - 500)
}

/// All devices send their batches at once, each its own one after the other.
///
/// # Errors
/// Where the hub does not answer, or does not take a record.
pub async fn pour(devices: &[Arc<RawDevice>], batches: Vec<Vec<Batch>>) -> Result<Poured, Error> {
    let mut pouring = JoinSet::new();
    let begun = Instant::now();
    for (device, batches) in devices.iter().zip(batches) {
        let device = Arc::clone(device);
        pouring.spawn(async move {
            let mut done = Vec::with_capacity(batches.len());
            for Batch { lines, records } in batches {
                let asked = Instant::now();
                let answer = device.call(Method::POST, "/revisions").body(lines).send().await?;
                let status = answer.status();
                let body = answer.bytes().await?;
                if status != StatusCode::OK {
                    return Err::<_, Error>(format!("{status}: {}", String::from_utf8_lossy(&body)).into());
                }
                let answer: BatchAnswer = serde_json::from_slice(&body)?;
                let stored = answer.results.iter().filter(|run| run.status == Outcome::Stored);
                if stored.map(|run| run.to - run.from + 1).sum::<u64>() != records as u64 {
                    return Err(format!("not all was stored: {}", String::from_utf8_lossy(&body)).into());
                }
                done.push((records, asked.elapsed()));
            }
            Ok(done)
        });
    }
    let mut poured = Poured::default();
    while let Some(done) = pouring.join_next().await {
        for (records, wait) in done?? {
            poured.records += records;
            poured.waits.push(wait.as_secs_f64());
        }
    }
    poured.wall = begun.elapsed().as_secs_f64();
    Ok(poured)
}

/// How long a question takes on a connection that is open already: the usual of so many times, seconds.
///
/// # Errors
/// Where the hub does not answer it.
pub async fn ask(client: &reqwest::Client, hub: &TestHub, path: &str, times: usize) -> Result<f64, Error> {
    let (mut waits, control, url) = (Vec::new(), hub.control(), format!("{}{BASE}{path}", hub.http()));
    for _ in 0..=times {
        let asked = Instant::now();
        let request = client.get(&url).bearer_auth(&control);
        let answer = request.timeout(Duration::from_secs(60)).send().await?;
        if answer.status() != StatusCode::OK {
            return Err(format!("{path}: {}", answer.status()).into());
        }
        answer.bytes().await?;
        waits.push(asked.elapsed().as_secs_f64());
    }
    // The first of them opened the connection.
    Ok(median(waits.into_iter().skip(1)))
}
