//! Walkers: monitors' devices as real processes, `maloca send` on a source of made-up observations and photos.
//!
//! The rows about frozen devices and bad networks start them, freeze them, and hold what the hub has of each against what was in
//! its source. It promises that no process outlives its row.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use maloca_protocol::MediaHash;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::held::Photo;
use crate::hub::{CODE, binary, fast_folder};
use crate::manager::Manager;

/// Longer than any of them takes, on a network that loses a third.
const PATIENCE: Duration = Duration::from_secs(240);

/// A device with its source.
pub struct Walker {
    folder: TempDir,
    name: String,
    records: usize,
    photos: Vec<Photo>,
    running: Option<Child>,
}

impl Walker {
    /// A device with so many observations, the first of which have a photo each.
    ///
    /// # Panics
    /// Where there is no room for them.
    pub fn new(name: &str, records: usize, photos: usize, most: usize, random: &mut StdRng) -> Self {
        let folder = fast_folder();
        let photos: Vec<Photo> = (0..photos).map(|_| Photo::new(random, most)).collect();
        let mut features = Vec::new();
        for n in 0..records {
            let mut properties = json!({ "category": "logging", "notes": format!("{name} saw {n}") });
            if let Some(photo) = photos.get(n) {
                std::fs::write(folder.path().join(format!("{n}.jpg")), photo.bytes()).expect("room for a photo");
                properties["media"] = json!([format!("{n}.jpg")]);
            }
            features.push(json!({ "type": "Feature", "id": format!("{name} {n}"), "properties": properties,
                                  "geometry": { "type": "Point", "coordinates": [-76.36, -6.48] } }));
        }
        let walk = json!({ "type": "FeatureCollection", "features": features });
        std::fs::write(folder.path().join("walk.geojson"), walk.to_string()).expect("room for a walk");
        Self { folder, name: name.to_owned(), records, photos, running: None }
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Starts sending: on another machine where one is named; `more` says where the hub is, or how to look for it.
    ///
    /// # Panics
    /// Where the program does not start.
    pub fn start(&mut self, machine: Option<&str>, more: &[&str]) {
        let mut command = match machine {
            None => Command::new(binary()),
            Some(machine) => {
                let mut command = Command::new("ip");
                // `ip netns exec` becomes the program, so the child is the program itself.
                command.args(["netns", "exec", machine]).arg(binary());
                command
            }
        };
        let said = File::create(self.path("said")).expect("room for what it says");
        command.args(["send", "--patience", "200", "--code", CODE, "--name", &self.name]).args(more);
        command.arg("--device").arg(self.path("device")).arg(self.path("walk.geojson"));
        let also = said.try_clone().expect("a second handle");
        self.running = Some(command.stdin(Stdio::null()).stdout(said).stderr(also).spawn().expect("maloca starts"));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Whether it was still at it. One that has ended and was noticed has no process any more.
    fn signal(&mut self, signal: Signal) -> bool {
        if !self.is_running() {
            return false;
        }
        let running = self.running.as_ref().expect("it was started");
        kill(Pid::from_raw(running.id().try_into().expect("a process id")), signal).expect("our own process");
        true
    }

    /// Freezes it, as a phone in a pocket is frozen by its system. Whether it had not arrived before.
    pub fn freeze(&mut self) -> bool {
        self.signal(Signal::SIGSTOP)
    }

    /// Lets it go on.
    pub fn thaw(&mut self) {
        self.signal(Signal::SIGCONT);
    }

    /// Whether it is still at it.
    ///
    /// # Panics
    /// Where it was never started.
    pub fn is_running(&mut self) -> bool {
        let running = self.running.as_mut().expect("it was started");
        running.try_wait().expect("our own process").is_none()
    }

    /// Waits until it ends by itself, having sent everything and heard that it is in sync.
    ///
    /// # Panics
    /// Where it does not, with what it said.
    pub async fn arrives(&mut self) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let status: ExitStatus = loop {
            let running = self.running.as_mut().expect("it was started");
            if let Some(status) = running.try_wait().expect("our own process") {
                break status;
            }
            assert!(tokio::time::Instant::now() < deadline, "{} does not arrive: {}", self.name, self.said());
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        assert!(status.success(), "{} ended with {status}: {}", self.name, self.said());
    }

    /// What it printed.
    #[must_use]
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.path("said")).unwrap_or_default()
    }

    /// Its card at the hub; none before it has joined.
    pub async fn card(&self, manager: &Manager) -> Option<Value> {
        let cards = manager.get("/admin/devices").await;
        cards["devices"].as_array()?.iter().find(|card| card["name"] == self.name.as_str()).cloned()
    }

    /// Holds the hub's word against its source: everything is there, once, byte for byte.
    ///
    /// # Panics
    /// Where it is not.
    pub async fn check(&self, manager: &Manager) {
        let card = self.card(manager).await.unwrap_or_else(|| panic!("{} is unknown", self.name));
        assert_eq!(card["state"], "in_sync", "{card}");
        assert_eq!(card["observations"]["here"], self.records, "{card}");
        assert_eq!(card["media"]["here"], self.photos.len(), "{card}");
        for photo in &self.photos {
            let bytes = photo.bytes();
            assert!(manager.media(&MediaHash::of(&bytes)).await == Some(bytes), "a photo of {} is another", self.name);
        }
    }

    /// Observations in its source.
    #[must_use]
    pub fn records(&self) -> usize {
        self.records
    }
}

impl Drop for Walker {
    fn drop(&mut self) {
        if let Some(running) = &mut self.running {
            // It may have ended already.
            let _ = running.kill();
            let _ = running.wait();
        }
    }
}

/// Holds a hub against all walkers together: what each has brought, and nothing doubled.
///
/// # Panics
/// Where anything is missing or there twice.
pub async fn check_all(manager: &Manager, walkers: &[Walker]) {
    for walker in walkers {
        walker.check(manager).await;
    }
    let records: usize = walkers.iter().map(Walker::records).sum();
    assert_eq!(manager.get("/observations?limit=1").await["total"], records, "observations in all");
    let feed = manager.feed().await;
    let observations = feed.revisions.iter().filter(|revision| revision.content().kind == "observation").count();
    assert_eq!(observations, records, "one revision of each observation");
    let files: usize = walkers.iter().map(|walker| walker.photos.len()).sum();
    assert_eq!(feed.held.len(), files, "one entry of each file");
}
