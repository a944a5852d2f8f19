//! How often a receiver asked the disk to keep what was written: what a power cut would leave of it.
//!
//! `peers` counts on a round of its own, because strace slows what it watches. A receiver that flushes nothing is marked, since its
//! speed was bought with what a power cut takes away.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use super::Error;

/// The calls by which a file's bytes, a file's name or a whole filesystem are made to last.
const CALLS: &str = "trace=fsync,fdatasync,syncfs,sync_file_range,sync,msync";

/// strace, attached to a receiver.
#[derive(Debug)]
pub struct Watch {
    strace: Child,
    table: tempfile::NamedTempFile,
}

impl Watch {
    /// Attaches to a process, all its threads and what it starts.
    ///
    /// # Errors
    /// Where there is no strace, or where the kernel forbids it.
    pub fn start(process: u32) -> Result<Self, Error> {
        let table = tempfile::NamedTempFile::new()?;
        let mut command = Command::new("strace");
        command.args(["-f", "-c", "-U", "name,calls", "-e", CALLS, "-p"]).arg(process.to_string()).arg("-o").arg(table.path());
        let mut strace = command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("strace does not start: {error}"))?;
        let mut said = String::new();
        let mut stderr = BufReader::new(strace.stderr.take().ok_or("no stderr")?);
        stderr.read_line(&mut said)?;
        // Read on, or it would end at its next word.
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        if !said.contains("attached") {
            let _ = strace.kill();
            strace.wait()?;
            return Err(format!("strace cannot attach: {}", said.trim()).into());
        }
        Ok(Self { strace, table })
    }

    /// Detaches and tells how many flushes there were.
    ///
    /// # Errors
    /// Where strace does not end or left no table.
    pub fn stop(mut self) -> Result<u64, Error> {
        let process = nix::unistd::Pid::from_raw(self.strace.id().try_into()?);
        nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGINT)?;
        self.strace.wait()?;
        let table = std::fs::read_to_string(self.table.path())?;
        let calls = table.lines().filter_map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next()?;
            if CALLS.split(['=', ',']).any(|call| call == name) { words.next()?.parse::<u64>().ok() } else { None }
        });
        Ok(calls.sum())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.strace.kill();
        let _ = self.strace.wait();
    }
}
