//! TestHub: the real binary, on loopback, on a data folder of its own.
//!
//! Stories start it and talk to it. It promises: the hub answers on loopback only; it ends with the test, and only it does;
//! when a test fails, its log is printed.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::lan::PATIENCE;

/// The joining code of every test hub.
pub const CODE: &str = "tests-only";

/// The program under test: `$MALOCA_BIN`, else the one built beside this test.
///
/// # Panics
/// Where it was not built; `make test` builds it first.
#[must_use]
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("MALOCA_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().expect("the test's own path");
    let built = test.ancestors().map(|folder| folder.join("maloca")).find(|path| path.is_file());
    built.expect("the program maloca beside the tests; build it with `cargo build --release`")
}

/// Runs the program with arguments, to its end.
///
/// # Panics
/// Where it does not start.
pub fn maloca<I: IntoIterator<Item = S>, S: AsRef<std::ffi::OsStr>>(args: I) -> Output {
    Command::new(binary()).args(args).env_remove("MALOCA_DATA").output().expect("maloca starts")
}

/// A data folder that goes with the test.
#[must_use]
pub fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("maloca-test-").tempdir().expect("a temporary folder")
}

/// A data folder in memory where there is room for it, for what does not test the disk.
#[must_use]
pub fn fast_folder() -> tempfile::TempDir {
    const ROOM: u64 = 2 << 30;
    let memory = Path::new("/dev/shm");
    let has_room = nix::sys::statfs::statfs(memory).is_ok_and(|stat| {
        stat.filesystem_type() == nix::sys::statfs::TMPFS_MAGIC
            && stat.blocks_available() * u64::try_from(stat.block_size()).unwrap_or_default() >= ROOM
    });
    let mut builder = tempfile::Builder::new();
    builder.prefix("maloca-test-");
    let made = if has_room { builder.tempdir_in(memory) } else { builder.tempdir() };
    made.expect("a temporary folder")
}

/// Holds a data folder whose hub has ended against itself, with the program's own `verify`.
///
/// # Panics
/// Where it finds anything.
pub fn verify(data: &Path) {
    let output = maloca([std::ffi::OsStr::new("verify"), data.as_os_str()]);
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "maloca verify: {}", String::from_utf8_lossy(&said));
}

/// A running hub.
pub struct TestHub {
    child: Child,
    ready: Value,
    data: PathBuf,
    log: Arc<Mutex<String>>,
}

impl TestHub {
    /// Starts a hub that lets devices join with [`CODE`].
    #[must_use]
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// Starts a hub with more arguments.
    ///
    /// # Panics
    /// Where it does not become ready.
    #[must_use]
    pub fn start_with(data: &Path, more: &[&str]) -> Self {
        Self::try_start(data, more).unwrap_or_else(|(status, log)| panic!("the hub ended with {status}:\n{log}"))
    }

    /// Starts a hub that may refuse to.
    ///
    /// # Errors
    /// How it ended, and what it said.
    ///
    /// # Panics
    /// Where the program cannot be run at all.
    pub fn try_start(data: &Path, more: &[&str]) -> Result<Self, (ExitStatus, String)> {
        Self::spawn(Self::command(data).args(more), data)
    }

    /// The command that starts a hub on loopback which lets devices join with [`CODE`], for whoever adds to it before
    /// [`TestHub::spawn`].
    ///
    /// # Panics
    /// Where the program was not built.
    #[must_use]
    pub fn command(data: &Path) -> Command {
        let mut command = Command::new(binary());
        command.arg("serve").arg("--data").arg(data);
        command.args(["--listen", "127.0.0.1:0", "--interface", "lo", "--name", "Test", "--ready-json", "--joining-code", CODE]);
        command
    }

    /// Starts a hub by a command of the caller's making, which must print the ready line.
    ///
    /// # Errors
    /// How it ended, and what it said.
    ///
    /// # Panics
    /// Where the program cannot be run at all, or says something else than that it is ready.
    pub fn spawn(command: &mut Command, data: &Path) -> Result<Self, (ExitStatus, String)> {
        let mut child = command
            .env("MALOCA_LOG", "info,maloca_hub=debug")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("maloca starts");
        let log = Arc::new(Mutex::new(String::new()));
        let (stderr, shared) = (child.stderr.take().expect("piped"), Arc::clone(&log));
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                shared.lock().expect("no panic under the lock").push_str(&(line + "\n"));
            }
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line of text");
        if line.is_empty() {
            let status = child.wait().expect("the hub's end");
            let _ = reader.join();
            let log = log.lock().expect("no panic under the lock").clone();
            return Err((status, log));
        }
        let ready = serde_json::from_str(&line).unwrap_or_else(|error| panic!("no ready line ({error}): {line}"));
        Ok(Self { child, ready, data: data.to_owned(), log })
    }

    fn said(&self, member: &str) -> &str {
        self.ready[member].as_str().unwrap_or_else(|| panic!("the ready line says nothing of {member}"))
    }

    /// Where it answers plain http: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn http(&self) -> &str {
        self.said("http")
    }

    /// Where it answers https.
    #[must_use]
    pub fn https(&self) -> &str {
        self.said("https")
    }

    /// Its key, hex.
    #[must_use]
    pub fn id(&self) -> &str {
        self.said("hub")
    }

    /// The port of UDP and HTTP.
    ///
    /// # Panics
    /// Where the ready line does not say it.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.ready["port"].as_u64().and_then(|port| port.try_into().ok()).expect("a port in the ready line")
    }

    /// Its data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// How many files and sockets it has open.
    ///
    /// # Panics
    /// Where the system does not tell.
    #[must_use]
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.process())).expect("our own child's descriptors").count()
    }

    /// How many sockets it has open, listening ones included.
    ///
    /// # Panics
    /// Where the system does not tell.
    #[must_use]
    pub fn open_sockets(&self) -> usize {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.process())).expect("our own child's descriptors");
        // One that is closed meanwhile has no target any more.
        open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
            .filter(|target| target.to_string_lossy().starts_with("socket:"))
            .count()
    }

    /// The memory that it has in use, in bytes.
    ///
    /// # Panics
    /// Where the system does not tell.
    #[must_use]
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process())).expect("our own child's state");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line on memory");
        line.trim().trim_end_matches("kB").trim().parse::<u64>().expect("a number") * 1024
    }

    /// The command line's secret, by which a test is the manager.
    ///
    /// # Panics
    /// Where the hub has not written it.
    #[must_use]
    pub fn control(&self) -> String {
        let text = std::fs::read_to_string(self.data.join("control.json")).expect("the hub's control file");
        let written: Value = serde_json::from_str(&text).expect("JSON");
        written["token"].as_str().expect("a token").to_owned()
    }

    /// What it has logged so far.
    ///
    /// # Panics
    /// Never, unless the reader of the log has.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().expect("no panic under the lock").clone()
    }

    /// Waits until the log says `text`.
    ///
    /// # Panics
    /// Where it does not say it in time.
    pub fn wait_for_log(&self, text: &str) {
        let begun = std::time::Instant::now();
        while !self.log().contains(text) {
            assert!(begun.elapsed() < PATIENCE, "the log never said {text:?}:\n{}", self.log());
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// Ends it as a power button would not: `kill -9`.
    ///
    /// # Panics
    /// Where the system refuses.
    pub fn kill(mut self) {
        self.end();
    }

    /// As [`TestHub::kill`], for whom it is a part of something larger and another hub is put in its place.
    ///
    /// # Panics
    /// Where the system refuses.
    pub fn end(&mut self) {
        self.child.kill().expect("the hub is ours to kill");
        self.child.wait().expect("the hub's end");
    }

    /// Ends it kindly, and waits.
    ///
    /// # Panics
    /// Where it does not end in time.
    pub fn stop(mut self) -> ExitStatus {
        let process = nix::unistd::Pid::from_raw(self.child.id().try_into().expect("a process id"));
        nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGTERM).expect("the hub is ours to end");
        let begun = std::time::Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the hub's state") {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "the hub does not end:\n{}", self.log());
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

impl Drop for TestHub {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of the hub on {} ---\n{}", self.data.display(), self.log());
        }
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
