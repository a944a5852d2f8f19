//! `make bench`: 10,000 observations of 1 KB, nothing new, and 100 photos of 500 KB, from one device to the real binary over
//! https on loopback, beside `rsync -a` of the same files to a daemon on loopback, in the same run.
//!
//! Each row is the median of several rounds, each on fresh folders, and a ratio to rsync's: this machine's speed divides out.
//! Bytes on the wire are what the kernel counted on `lo`, headers and all, so nothing else should be busy there.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use maloca_protocol::client::mirror::Whole;
use maloca_protocol::client::{Device, Hashed, Patience, SyncOptions, SyncReport};
use maloca_protocol::{DeviceId, DocId};
use maloca_tests::hub::{CODE, TestHub, folder};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

const OBSERVATIONS: usize = 10_000;
const PHOTOS: usize = 100;
const PHOTO_BYTES: usize = 500_000;

/// What one piece of work took.
#[derive(Clone, Copy, Default)]
struct Cost {
    wall: f64,
    /// CPU of the receiving process.
    cpu: f64,
    /// Bytes on the loopback, both directions.
    wire: f64,
    /// Most memory that the receiving process has used so far.
    memory: f64,
}

type Error = Box<dyn std::error::Error>;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Error> {
    let rounds: usize = std::env::args().nth(1).map_or(Ok(5), |text| text.parse())?;
    println!(
        "{rounds} rounds on {} ({} cores), folders in {}",
        cpu_name(),
        std::thread::available_parallelism()?,
        std::env::temp_dir().display()
    );
    let (mut records, mut nothing, mut photos) = (Vec::new(), Vec::new(), Vec::new());
    let (mut rsync_records, mut rsync_nothing, mut rsync_photos) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let mut random = StdRng::seed_from_u64(round as u64);
        let observations = observations(&mut random);
        let photo_folder = folder();
        let files = draw(photo_folder.path(), &mut random)?;
        let (first, second, third) = this_hub(&observations, &files).await?;
        records.push(first);
        nothing.push(second);
        photos.push(third);
        let (first, second, third) = rsync(&observations, photo_folder.path())?;
        rsync_records.push(first);
        rsync_nothing.push(second);
        rsync_photos.push(third);
    }
    let content = OBSERVATIONS as f64 * 1_000.0;
    println!("\n{:<34} {:>9} {:>9} {:>11} {:>10}", "", "wall", "hub CPU", "wire", "memory");
    row("10,000 observations of 1 KB", &records, &rsync_records, content);
    row("nothing new", &nothing, &rsync_nothing, 0.0);
    row("100 photos of 500 KB", &photos, &rsync_photos, (PHOTOS * PHOTO_BYTES) as f64);
    Ok(())
}

fn row(name: &str, ours: &[Cost], rsync: &[Cost], content: f64) {
    let (ours, rsync) = (median(ours), median(rsync));
    let line = |who: &str, cost: &Cost| {
        let memory = if cost.memory > 0.0 { format!("{:.0} MB", cost.memory / 1e6) } else { "-".into() };
        println!("{who:<34} {:>7.3} s {:>7.3} s {:>8.1} KB {memory:>10}", cost.wall, cost.cpu, cost.wire / 1e3);
    };
    line(name, &ours);
    line("  rsync -a", &rsync);
    let times = if content > 0.0 { format!(", wire {:.2} x the content", ours.wire / content) } else { String::new() };
    println!("  ratio to rsync: wall {:.2}, wire {:.2}{times}\n", ours.wall / rsync.wall, ours.wire / rsync.wire);
}

fn median(costs: &[Cost]) -> Cost {
    let middle = |pick: fn(&Cost) -> f64| {
        let mut values: Vec<f64> = costs.iter().map(pick).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    Cost { wall: middle(|c| c.wall), cpu: middle(|c| c.cpu), wire: middle(|c| c.wire), memory: middle(|c| c.memory) }
}

/// Records whose canonical form is about 1 KB.
fn observations(random: &mut StdRng) -> Vec<(DocId, serde_json::Map<String, serde_json::Value>)> {
    let mut noise = [0; 240];
    (0..OBSERVATIONS)
        .map(|n| {
            random.fill_bytes(&mut noise);
            let notes: String = noise.iter().map(|byte| char::from(b'a' + byte % 26)).collect();
            let set = json!({
                "category": (["logging", "fishing", "path", "animal"][n % 4]), "notes": format!("{notes}{notes}"),
                "observed_at": "2026-11-21T05:28:00.000Z",
                "location": { "lat": -6.48 + n as f64 * 1e-5, "lon": -76.36, "accuracy_m": 8, "source": "gps" },
            });
            let serde_json::Value::Object(set) = set else { unreachable!("an object was written") };
            (DocId::from_source("bench", &n.to_string()), set)
        })
        .collect()
}

fn draw(folder: &Path, random: &mut StdRng) -> Result<Vec<std::path::PathBuf>, Error> {
    let mut bytes = vec![0; PHOTO_BYTES];
    (0..PHOTOS)
        .map(|n| {
            random.fill_bytes(&mut bytes);
            let path = folder.join(format!("IMG_{n:04}.jpg"));
            std::fs::write(&path, &bytes)?;
            Ok(path)
        })
        .collect()
}

async fn this_hub(
    observations: &[(DocId, serde_json::Map<String, serde_json::Value>)],
    files: &[std::path::PathBuf],
) -> Result<(Cost, Cost, Cost), Error> {
    let (data, at) = (folder(), folder());
    let hub = TestHub::start(data.path());
    let device = Device::open(at.path().join("device")).await?;
    let known = device.join(hub.http(), Some(CODE), "Bench", None, Patience::For(Duration::from_secs(30))).await?;
    for batch in observations.chunks(1_000) {
        let whole = |(doc, set): &(DocId, serde_json::Map<_, _>)| Whole {
            doc: *doc,
            kind: "observation".into(),
            set: set.clone(),
            media: Vec::new(),
        };
        device.mirror(batch.iter().map(whole).collect()).await?;
    }
    let (first, report) = measured(&hub, &device, &known.id).await?;
    assert_eq!((report.stored, report.in_sync), (OBSERVATIONS as u64, true));
    let (second, report) = measured(&hub, &device, &known.id).await?;
    assert_eq!((report.stored, report.in_sync), (0, true));
    let mut media: Vec<Hashed> = Vec::new();
    for file in files {
        media.push(device.hash(file).await?);
    }
    let photos = media.into_iter().enumerate().map(|(n, photo)| Whole {
        doc: DocId::from_source("bench photo", &n.to_string()),
        kind: "observation".into(),
        set: serde_json::Map::new(),
        media: vec![photo],
    });
    device.mirror(photos.collect()).await?;
    let (third, report) = measured(&hub, &device, &known.id).await?;
    assert_eq!((report.media_sent, report.in_sync), (PHOTOS as u64, true));
    hub.stop();
    Ok((first, second, third))
}

async fn measured(hub: &TestHub, device: &Device, id: &DeviceId) -> Result<(Cost, SyncReport), Error> {
    let (cpu, wire, begun) = (cpu_of(hub.process())?, loopback_bytes()?, Instant::now());
    let report = device.sync(id, &SyncOptions::default()).await?;
    let wall = begun.elapsed().as_secs_f64();
    let cost =
        Cost { wall, cpu: cpu_of(hub.process())? - cpu, wire: loopback_bytes()? - wire, memory: peak_memory(hub.process())? };
    Ok((cost, report))
}

/// The same content as files, to an rsync daemon on loopback.
fn rsync(
    observations: &[(DocId, serde_json::Map<String, serde_json::Value>)],
    photos: &Path,
) -> Result<(Cost, Cost, Cost), Error> {
    let (from, to) = (folder(), folder());
    for (doc, set) in observations {
        // About what the signed record is: the document's properties and its envelope.
        std::fs::write(from.path().join(format!("{doc}.json")), format!("{:<1000}", serde_json::to_string(set)?))?;
    }
    let daemon = Daemon::start(to.path())?;
    let first = daemon.copy(from.path(), "records")?;
    let second = daemon.copy(from.path(), "records")?;
    let third = daemon.copy(photos, "photos")?;
    Ok((first, second, third))
}

struct Daemon {
    child: Child,
    port: u16,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Daemon {
    fn start(to: &Path) -> Result<Self, Error> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        for module in ["records", "photos"] {
            std::fs::create_dir(to.join(module))?;
        }
        let path = to.display();
        let config = format!(
            "address = 127.0.0.1\nport = {port}\nuse chroot = no\nuid = 0\ngid = 0\n\
             [records]\npath = {path}/records\nread only = no\n[photos]\npath = {path}/photos\nread only = no\n"
        );
        // Only root may change to another user.
        let config = if nix::unistd::geteuid().is_root() { config } else { config.replace("uid = 0\ngid = 0\n", "") };
        let file = to.join("rsyncd.conf");
        std::fs::write(&file, config)?;
        let mut command = Command::new("rsync");
        command.args(["--daemon", "--no-detach", "--config"]).arg(&file).stdin(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(|error| format!("rsync is needed for the comparison: {error}"))?;
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if begun.elapsed() > Duration::from_secs(10) {
                return Err("the rsync daemon does not answer".into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(Self { child, port })
    }

    fn copy(&self, from: &Path, module: &str) -> Result<Cost, Error> {
        let (wire, begun) = (loopback_bytes()?, Instant::now());
        let target = format!("rsync://127.0.0.1:{}/{module}/", self.port);
        let status = Command::new("rsync").arg("-a").arg(format!("{}/", from.display())).arg(target).status()?;
        if !status.success() {
            return Err(format!("rsync: {status}").into());
        }
        Ok(Cost { wall: begun.elapsed().as_secs_f64(), wire: loopback_bytes()? - wire, ..Cost::default() })
    }
}

/// Seconds of CPU that a process has used, in user and kernel.
fn cpu_of(process: u32) -> Result<f64, Error> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name may hold anything but is in brackets; what follows it is numbers.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(ticks / nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK)?.unwrap_or(100) as f64)
}

fn peak_memory(process: u32) -> Result<f64, Error> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse::<f64>()? * 1024.0)
}

fn loopback_bytes() -> Result<f64, Error> {
    let table = std::fs::read_to_string("/proc/net/dev")?;
    let line = table.lines().find_map(|line| line.trim().strip_prefix("lo:")).ok_or("no loopback")?;
    Ok(line.split_whitespace().next().ok_or("no count")?.parse()?)
}

fn cpu_name() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")).and_then(|rest| rest.split(':').nth(1));
    name.map_or_else(|| "an unknown processor".to_owned(), |name| name.trim().to_owned())
}
