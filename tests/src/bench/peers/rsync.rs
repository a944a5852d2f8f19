//! rsync: the same content as files, `rsync -a` to a daemon on loopback. It knows no records, signs nothing and flushes nothing.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::process::{Program, free_port, version, wait_for_port};
use super::{Peer, Session};
use crate::bench::Error;
use crate::bench::content::Content;
use crate::hub::folder;

pub(super) struct Rsync(String);

struct Running {
    daemon: Program,
    port: u16,
    senders: Vec<PathBuf>,
    folders: [TempDir; 2],
}

impl Rsync {
    pub(super) fn find() -> Result<Self, Error> {
        let said = version("rsync")?;
        Ok(Self(said.split_whitespace().nth(2).unwrap_or_default().to_owned()))
    }
}

impl Peer for Rsync {
    fn name(&self) -> String {
        format!("rsync {}", self.0)
    }

    fn start(&self, senders: usize) -> Result<Box<dyn Session>, Error> {
        let folders = [folder(), folder()];
        let port = free_port()?;
        let mut config = format!("address = 127.0.0.1\nport = {port}\nuse chroot = no\nmax verbosity = 0\n");
        if nix::unistd::geteuid().is_root() {
            config += "uid = 0\ngid = 0\n";
        }
        for n in 0..senders {
            for (at, folder) in folders.iter().enumerate() {
                std::fs::create_dir(folder.path().join(n.to_string()))?;
                if at == 0 {
                    config += &format!("[{n}]\npath = {}/{n}\nread only = no\n", folder.path().display());
                }
            }
        }
        let file = folders[0].path().join("rsyncd.conf");
        std::fs::write(&file, config)?;
        let daemon = Program::start(Command::new("rsync").args(["--daemon", "--no-detach", "--config"]).arg(file))?;
        wait_for_port(port, "the rsync daemon")?;
        let senders = (0..senders).map(|n| folders[1].path().join(n.to_string())).collect();
        Ok(Box::new(Running { daemon, port, senders, folders }))
    }
}

impl Session for Running {
    fn receiver(&self) -> u32 {
        self.daemon.id()
    }

    fn give(&mut self, sender: usize, content: &Content) -> Result<(), Error> {
        write_files(&self.senders[sender], content)
    }

    fn hand_over(&mut self) -> Result<(), Error> {
        let mut copies = Vec::new();
        for (n, from) in self.senders.iter().enumerate() {
            let target = format!("rsync://127.0.0.1:{}/{n}/", self.port);
            copies.push(
                Command::new("rsync").arg("-a").arg(format!("{}/", from.display())).arg(target).stdin(Stdio::null()).spawn()?,
            );
        }
        for mut copy in copies {
            let status = copy.wait()?;
            if !status.success() {
                return Err(format!("rsync: {status}").into());
            }
        }
        Ok(())
    }

    fn check(&mut self) -> Result<(), Error> {
        let counts = self.folders.iter().map(|folder| {
            let count = |n| Ok(std::fs::read_dir(folder.path().join(format!("{n}")))?.count());
            (0..self.senders.len()).map(count).sum::<Result<usize, std::io::Error>>()
        });
        let counts = counts.collect::<Result<Vec<_>, _>>()?;
        if counts[0] == counts[1] { Ok(()) } else { Err(format!("files: {counts:?}").into()) }
    }
}

/// A file for each record, and the photos as they are, without copying them.
pub(super) fn write_files(folder: &std::path::Path, content: &Content) -> Result<(), Error> {
    for record in &content.records {
        std::fs::write(folder.join(format!("{}.json", record.id)), record.json())?;
    }
    for photo in &content.photos {
        std::fs::hard_link(photo, folder.join(photo.file_name().ok_or("a photo without a name")?))?;
    }
    Ok(())
}
