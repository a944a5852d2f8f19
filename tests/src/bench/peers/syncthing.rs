//! syncthing: the same content as files, from a folder that only sends to one that only receives, one such pair a device.
//!
//! It is told addresses on loopback and asks nobody: discovery, relays, port mapping, reports and upgrades are off. Its usual caution is
//! left on (it flushes each file); low priority, progress reports and the watching of folders are off, to its advantage. What is
//! new is found by a scan: of the first records and of photos before the clock starts, of ten records within.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Handle;

use super::process::{Program, free_port, version, wait_for_port};
use super::rsync::write_files;
use super::{PATIENCE, Peer, Session};
use crate::bench::Error;
use crate::bench::content::Content;
use crate::hub::folder;

const KEY: &str = "bench";

pub(super) struct Syncthing {
    runtime: Handle,
    program: PathBuf,
    version: String,
}

impl Syncthing {
    pub(super) fn find(runtime: &Handle) -> Result<Self, Error> {
        let program: PathBuf = std::env::var_os("SYNCTHING").unwrap_or_else(|| "syncthing".into()).into();
        let said = version(&program.to_string_lossy())?;
        let version = said.split_whitespace().nth(1).unwrap_or_default().trim_start_matches('v').to_owned();
        Ok(Self { runtime: runtime.clone(), program, version })
    }

    fn node(&self, home: PathBuf) -> Result<Node, Error> {
        let mut generate = Command::new(&self.program);
        let out = generate.arg("generate").arg("--home").arg(&home).arg("--no-default-folder").output()?;
        let said = [out.stdout, out.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        let id = said.split("Device ID: ").nth(1).and_then(|rest| rest.split_whitespace().next());
        let id = id.ok_or_else(|| format!("syncthing generated no key: {said}"))?.to_owned();
        let client = crate::device::client();
        Ok(Node { runtime: self.runtime.clone(), client, home, id, listen: free_port()?, api: free_port()?, program: None })
    }
}

/// One syncthing.
struct Node {
    runtime: Handle,
    client: reqwest::Client,
    home: PathBuf,
    id: String,
    listen: u16,
    api: u16,
    program: Option<Program>,
}

impl Node {
    fn start(&mut self, program: &PathBuf, devices: &str, folders: &str) -> Result<(), Error> {
        let (listen, api) = (self.listen, self.api);
        let config = format!(
            r#"<configuration version="36">{folders}<device id="{}"/>{devices}
            <gui enabled="true" tls="false"><address>127.0.0.1:{api}</address><apikey>{KEY}</apikey></gui>
            <options><listenAddress>tcp://127.0.0.1:{listen}</listenAddress><globalAnnounceEnabled>false</globalAnnounceEnabled>
            <localAnnounceEnabled>false</localAnnounceEnabled><relaysEnabled>false</relaysEnabled><natEnabled>false</natEnabled>
            <urAccepted>-1</urAccepted><crashReportingEnabled>false</crashReportingEnabled><startBrowser>false</startBrowser>
            <autoUpgradeIntervalH>0</autoUpgradeIntervalH><announceLANAddresses>false</announceLANAddresses>
            <stunKeepaliveStartS>0</stunKeepaliveStartS><progressUpdateIntervalS>-1</progressUpdateIntervalS>
            <setLowPriority>false</setLowPriority></options></configuration>"#,
            self.id
        );
        std::fs::write(self.home.join("config.xml"), config)?;
        let mut command = Command::new(program);
        command.arg("serve").arg("--home").arg(&self.home).args(["--no-browser", "--no-restart", "--no-upgrade"]);
        // As if it had a monitor already: it would start itself once more, and what is ended then is only the monitor.
        command.args(["--no-default-folder", "--skip-port-probing"]).env("HOME", &self.home).env("STMONITORED", "yes");
        self.program = Some(Program::start(&mut command)?);
        wait_for_port(self.api, "syncthing")?;
        let begun = Instant::now();
        while self.ask(reqwest::Method::GET, "system/ping", None).is_err() {
            if begun.elapsed() > Duration::from_secs(30) {
                return Err("syncthing does not answer".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn ask(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Result<Value, Error> {
        let url = format!("http://127.0.0.1:{}/rest/{path}", self.api);
        let mut request = self.client.request(method, url).header("X-API-Key", KEY);
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.runtime.block_on(async {
            let text = request.send().await?.error_for_status()?.text().await?;
            Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
        })
    }

    fn scan(&self, folder: usize) -> Result<(), Error> {
        self.ask(reqwest::Method::POST, &format!("db/scan?folder=f{folder}"), None).map(drop)
    }

    /// Stops talking to the hub, or talks again.
    fn pause(&self, hub: &str, paused: bool) -> Result<(), Error> {
        self.ask(reqwest::Method::PATCH, &format!("config/devices/{hub}"), Some(json!({ "paused": paused }))).map(drop)
    }
}

struct Running {
    hub: Node,
    senders: Vec<Sender>,
    _folders: [TempDir; 2],
}

struct Sender {
    node: Node,
    files: PathBuf,
    given: u64,
    /// It was given much, which it has scanned, and waits to be connected.
    paused: bool,
}

fn device(node: &Node, paused: bool) -> String {
    let (id, port) = (&node.id, node.listen);
    format!(
        r#"<device id="{id}" compression="metadata"><address>tcp://127.0.0.1:{port}</address><paused>{paused}</paused></device>"#
    )
}

fn shared(n: usize, path: &std::path::Path, kind: &str, ids: [&str; 2]) -> String {
    let devices: String = ids.iter().map(|id| format!(r#"<device id="{id}"/>"#)).collect();
    let path = path.display();
    format!(
        r#"<folder id="f{n}" label="f{n}" path="{path}" type="{kind}" rescanIntervalS="0" fsWatcherEnabled="false">{devices}</folder>"#
    )
}

impl Peer for Syncthing {
    fn name(&self) -> String {
        format!("syncthing {}", self.version)
    }

    fn start(&self, senders: usize) -> Result<Box<dyn Session>, Error> {
        let folders = [folder(), folder()];
        let (to, from) = (folders[0].path(), folders[1].path());
        let mut hub = self.node(to.join("home"))?;
        let (mut all, mut devices, mut shares) = (Vec::new(), String::new(), String::new());
        for n in 0..senders {
            let mut node = self.node(from.join(format!("home-{n}")))?;
            let (files, received) = (from.join(n.to_string()), to.join(n.to_string()));
            for place in [&files, &received] {
                std::fs::create_dir(place)?;
                // The marker without which a folder counts as gone.
                std::fs::create_dir(place.join(".stfolder"))?;
            }
            let own = node.id.clone();
            let ids = [hub.id.as_str(), own.as_str()];
            node.start(&self.program, &device(&hub, true), &shared(n, &files, "sendonly", ids))?;
            devices += &device(&node, false).replace(&format!("tcp://127.0.0.1:{}", node.listen), "dynamic");
            shares += &shared(n, &received, "receiveonly", ids);
            all.push(Sender { node, files, given: 0, paused: true });
        }
        hub.start(&self.program, &devices, &shares)?;
        Ok(Box::new(Running { hub, senders: all, _folders: folders }))
    }
}

impl Session for Running {
    fn receiver(&self) -> u32 {
        self.hub.program.as_ref().map_or(0, Program::id)
    }

    fn give(&mut self, n: usize, content: &Content) -> Result<(), Error> {
        let sender = &mut self.senders[n];
        let more = content.records.len() + content.photos.len();
        sender.given += more as u64;
        if more > 10 {
            sender.node.pause(&self.hub.id, true)?;
            sender.paused = true;
        }
        write_files(&sender.files, content)?;
        if sender.paused { sender.node.scan(n) } else { Ok(()) }
    }

    fn hand_over(&mut self) -> Result<(), Error> {
        for (n, sender) in self.senders.iter_mut().enumerate() {
            if std::mem::take(&mut sender.paused) {
                sender.node.pause(&self.hub.id, false)?;
            } else {
                sender.node.scan(n)?;
            }
        }
        let begun = Instant::now();
        for (n, sender) in self.senders.iter().enumerate() {
            loop {
                let status = self.hub.ask(reqwest::Method::GET, &format!("db/status?folder=f{n}"), None)?;
                let number = |name: &str| status[name].as_u64().unwrap_or(u64::MAX);
                if (number("localFiles"), number("needTotalItems")) == (sender.given, 0) && status["state"] == "idle" {
                    break;
                }
                if begun.elapsed() > PATIENCE {
                    return Err(format!("not done after {} s", PATIENCE.as_secs()).into());
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        Ok(())
    }
}
