//! CoMapeo core and PouchDB, which are libraries for Node: the scripts in `tests/bench-peers` make devices and a hub of them.
//!
//! A script is told what to do in lines of JSON and answers each with one. It ends when its input ends.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::process::{Program, free_port, wait_for_port};
use super::{PATIENCE, Peer, Session};
use crate::bench::Error;
use crate::bench::content::Content;
use crate::hub::folder;

/// Where the scripts of a peer are, if it is installed there.
fn scripts(peer: &str) -> Result<PathBuf, Error> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench-peers").join(peer);
    if !folder.join("node_modules").is_dir() {
        return Err(format!("it is not installed; run npm ci in tests/bench-peers/{peer}").into());
    }
    Ok(folder)
}

fn version_of(scripts: &Path, package: &str) -> Result<String, Error> {
    let text = std::fs::read(scripts.join("node_modules").join(package).join("package.json"))?;
    let about: Value = serde_json::from_slice(&text)?;
    Ok(about["version"].as_str().unwrap_or_default().to_owned())
}

/// A script that runs.
struct Script {
    child: Child,
    input: Option<ChildStdin>,
    answers: Receiver<String>,
}

impl Script {
    fn start(path: &Path) -> Result<Self, Error> {
        let mut command = Command::new("node");
        command.arg(path).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| format!("node does not start: {error}"))?;
        let (input, output) = (child.stdin.take(), child.stdout.take().ok_or("no output")?);
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, input, answers })
    }

    /// Orders something without waiting for it.
    fn order(&mut self, order: &Value) -> Result<(), Error> {
        let input = self.input.as_mut().ok_or("the script has ended")?;
        Ok(writeln!(input, "{order}")?)
    }

    /// The answer to the earliest order that has none yet.
    fn answer(&self) -> Result<Value, Error> {
        let line = self.answers.recv_timeout(PATIENCE).map_err(|_| format!("not done after {} s", PATIENCE.as_secs()))?;
        let answer: Value = serde_json::from_str(&line)?;
        match answer.get("ok") {
            Some(value) => Ok(value.clone()),
            None => {
                Err(answer["error"].as_str().unwrap_or("an answer without a reason").lines().next().unwrap_or_default().into())
            }
        }
    }

    fn ask(&mut self, order: &Value) -> Result<Value, Error> {
        self.order(order)?;
        self.answer()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An order to take up content, and the file that it reads.
fn giving(folder: &Path, content: &Content) -> Result<Value, Error> {
    let file = folder.join("records.ndjson");
    let lines = content.records.iter().map(|record| format!("{}\n", json!({ "id": record.id, "properties": record.set })));
    std::fs::write(&file, lines.collect::<String>())?;
    Ok(json!({ "do": "give", "records": file, "photos": content.photos }))
}

/// CoMapeo core: a hub that is its project's founder, and phones that it invites.
pub(super) struct CoMapeo {
    scripts: PathBuf,
    version: String,
}

impl CoMapeo {
    pub(super) fn find() -> Result<Self, Error> {
        let scripts = scripts("comapeo")?;
        Ok(Self { version: version_of(&scripts, "@comapeo/core")?, scripts })
    }
}

struct Comapeos {
    hub: Script,
    at: Value,
    phones: Vec<Script>,
    given: usize,
    photos: usize,
    /// Blocks of all photos.
    blocks: u64,
    folders: [TempDir; 2],
}

/// Bytes of a photo that CoMapeo keeps and sends as one.
const BLOCK_BYTES: u64 = 64 * 1024;

impl Peer for CoMapeo {
    fn name(&self) -> String {
        format!("CoMapeo core {}", self.version)
    }

    fn start(&self, senders: usize) -> Result<Box<dyn Session>, Error> {
        let folders = [folder(), folder()];
        let script = self.scripts.join("device.js");
        let mut hub = Script::start(&script)?;
        let at = hub.ask(&json!({ "do": "open", "folder": folders[0].path(), "name": "Hub", "type": "desktop" }))?;
        hub.ask(&json!({ "do": "found" }))?;
        let mut phones = Vec::new();
        for n in 0..senders {
            let mut phone = Script::start(&script)?;
            let place = folders[1].path().join(n.to_string());
            let opened = phone.ask(&json!({ "do": "open", "folder": place, "name": format!("Phone {n}"), "type": "mobile" }))?;
            phone.ask(&json!({ "do": "connect", "port": at["port"], "name": at["name"] }))?;
            hub.order(&json!({ "do": "invite", "device": opened["device"] }))?;
            phone.ask(&json!({ "do": "accept" }))?;
            hub.answer()?;
            phone.ask(&json!({ "do": "settle" }))?;
            hub.ask(&json!({ "do": "settle" }))?;
            phones.push(phone);
        }
        hub.ask(&json!({ "do": "start" }))?;
        Ok(Box::new(Comapeos { hub, at, phones, given: 0, photos: 0, blocks: 0, folders }))
    }
}

impl Session for Comapeos {
    fn receiver(&self) -> u32 {
        self.hub.child.id()
    }

    fn give(&mut self, sender: usize, content: &Content) -> Result<(), Error> {
        self.given += content.records.len() + content.photos.len();
        self.photos += content.photos.len();
        for photo in &content.photos {
            self.blocks += photo.metadata()?.len().div_ceil(BLOCK_BYTES);
        }
        let order = giving(self.folders[1].path(), content)?;
        self.phones[sender].ask(&order).map(drop)
    }

    fn between(&mut self) -> Result<(), Error> {
        self.phones.iter_mut().try_for_each(|phone| phone.ask(&json!({ "do": "leave" })).map(drop))
    }

    fn hand_over(&mut self) -> Result<(), Error> {
        for phone in &mut self.phones {
            phone.order(&json!({ "do": "connect", "port": self.at["port"], "name": self.at["name"] }))?;
            phone.order(&json!({ "do": "start" }))?;
        }
        let (given, blocks, phones) = (self.given, self.blocks, self.phones.len());
        self.hub.ask(&json!({ "do": "received", "observations": given, "blocks": blocks, "phones": phones }))?;
        for phone in &self.phones {
            phone.answer()?;
            phone.answer()?;
        }
        Ok(())
    }

    fn check(&mut self) -> Result<(), Error> {
        let read = self.hub.ask(&json!({ "do": "count" }))?;
        let expected = json!({ "observations": self.given, "photos": self.photos });
        if read == expected { Ok(()) } else { Err(format!("the hub can show {read} of {expected}").into()) }
    }
}

/// PouchDB to a pouchdb-server by CouchDB's protocol.
pub(super) struct PouchDb {
    scripts: PathBuf,
    version: String,
}

impl PouchDb {
    pub(super) fn find() -> Result<Self, Error> {
        let scripts = scripts("pouchdb")?;
        let [client, server] = [version_of(&scripts, "pouchdb")?, version_of(&scripts, "pouchdb-server")?];
        Ok(Self { version: format!("{client} to pouchdb-server {server}"), scripts })
    }
}

struct Pouches {
    server: Program,
    senders: Vec<Script>,
    /// Whether what a sender was given last are photos.
    photos: bool,
    given: u64,
    folders: [TempDir; 2],
}

impl Peer for PouchDb {
    fn name(&self) -> String {
        format!("PouchDB {}", self.version)
    }

    fn start(&self, senders: usize) -> Result<Box<dyn Session>, Error> {
        let folders = [folder(), folder()];
        let (port, place) = (free_port()?, folders[0].path());
        let server = self.scripts.join("node_modules/pouchdb-server/bin/pouchdb-server");
        let mut command = Command::new("node");
        command.arg(server).args(["--host", "127.0.0.1", "--no-stdout-logs", "--port", &port.to_string()]);
        command.arg("--dir").arg(place).arg("--config").arg(place.join("config.json")).current_dir(place);
        let server = Program::start(&mut command)?;
        wait_for_port(port, "pouchdb-server")?;
        let mut all = Vec::new();
        for n in 0..senders {
            let mut sender = Script::start(&self.scripts.join("sender.js"))?;
            let place = folders[1].path().join(n.to_string());
            sender.ask(&json!({ "do": "open", "folder": place, "url": format!("http://127.0.0.1:{port}/bench") }))?;
            all.push(sender);
        }
        Ok(Box::new(Pouches { server, senders: all, photos: false, given: 0, folders }))
    }
}

impl Session for Pouches {
    fn receiver(&self) -> u32 {
        self.server.id()
    }

    fn give(&mut self, sender: usize, content: &Content) -> Result<(), Error> {
        self.photos = !content.photos.is_empty();
        self.given += (content.records.len() + content.photos.len()) as u64;
        let order = giving(self.folders[1].path(), content)?;
        self.senders[sender].ask(&order).map(drop)
    }

    fn hand_over(&mut self) -> Result<(), Error> {
        for sender in &mut self.senders {
            sender.order(&json!({ "do": "sync", "photos": self.photos }))?;
        }
        self.senders.iter().try_for_each(|sender| sender.answer().map(drop))
    }

    fn check(&mut self) -> Result<(), Error> {
        let count = self.senders[0].ask(&json!({ "do": "count" }))?;
        if count.as_u64() == Some(self.given) { Ok(()) } else { Err(format!("{count} of {} documents", self.given).into()) }
    }
}
