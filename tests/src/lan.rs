//! TestLan: a village's network made of Linux network namespaces, without root and without touching the machine's own.
//!
//! Tests of discovery call [`in_a_lan`]: it runs the test once more inside namespaces of its own (`unshare -Urnm`), where
//! it may make machines, cables and firewalls. It promises that nothing sent inside can leave, that everything ends with
//! the test, and that a test which cannot run here says so in a line `SKIPPED: <why>`.

use std::fmt::Debug;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Set in the inner run, to the name of the test.
const INSIDE: &str = "MALOCA_LAN";

/// Names a file to which skipped tests append their line.
const SKIPS: &str = "MALOCA_SKIPS";

/// Longer than anything takes; whoever waits, waits for a condition and gives up after this.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Says, past the test runner's capture, that a test did not run, and notes it for whoever counts.
pub fn skip(test: &str, why: &str) {
    let line = format!("SKIPPED: {test}: {why}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(file) = std::env::var_os(SKIPS) {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(file);
        file.and_then(|mut file| file.write_all(line.as_bytes())).expect("the file named by MALOCA_SKIPS can be appended to");
    }
}

/// Runs `body` inside namespaces of its own. `test` is the whole name of the calling test, by which it is found again;
/// `tools` are programs without which it is skipped.
///
/// # Panics
/// When the test fails inside.
pub fn in_a_lan(test: &str, tools: &[&str], body: impl FnOnce(Lan)) {
    inside(test, tools, || body(Lan::here()));
}

/// As [`in_a_lan`], for what needs namespaces but no network: mounts of its own, say. What was said inside, where it ran.
///
/// # Panics
/// When the test fails inside.
pub fn inside(test: &str, tools: &[&str], body: impl FnOnce()) -> Option<String> {
    if std::env::var(INSIDE).is_ok_and(|inside| inside == test) {
        body();
        return None;
    }
    if let Some(why) = refusal(tools) {
        skip(test, &why);
        return None;
    }
    let itself = std::env::current_exe().expect("the test's own path");
    let output = Command::new("unshare")
        .args(["-Urnm", "--kill-child"])
        .arg(itself)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(INSIDE, test)
        .output()
        .expect("unshare has just worked");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "inside the namespaces:\n{said}");
    Some(said)
}

/// Why this machine gives no namespaces, or lacks a program; `None` where all is well.
#[must_use]
pub fn refusal(tools: &[&str]) -> Option<String> {
    for tool in [&["unshare", "ip"], tools].concat() {
        if Command::new(tool).arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
            return Some(format!("there is no program {tool}"));
        }
    }
    // Tried with all that a test needs, since some systems allow the namespaces but none of the rights inside.
    let attempt = "mount -t tmpfs lan /run && ip netns add a && ip netns exec a ip link set lo up";
    match Command::new("unshare").args(["-Urnm", "sh", "-c", attempt]).output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!("namespaces are refused here: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Some(format!("unshare does not start: {error}")),
    }
}

/// The network of one test. Machines are namespaces, known by name.
#[derive(Debug)]
pub struct Lan(());

impl Lan {
    /// The network of this process, which must be in namespaces of its own.
    ///
    /// # Panics
    /// Where it is not.
    #[must_use]
    pub fn here() -> Self {
        // `ip netns` keeps its namespaces under /run, which here is ours alone and goes with us.
        sh("mount -t tmpfs lan /run && ip link set lo up");
        Self(())
    }

    /// A machine with nothing but loopback.
    pub fn machine(&self, name: &str) {
        sh(&format!("ip netns add {name}"));
        self.on(name, "ip link set lo up");
    }

    /// A cable between two machines, each end given as machine, interface and address with prefix. Returns when both ends are up.
    pub fn cable(&self, one: (&str, &str, &str), other: (&str, &str, &str)) {
        let ((a, a_name, a_address), (b, b_name, b_address)) = (one, other);
        sh(&format!("ip link add {a_name} netns {a} type veth peer name {b_name} netns {b}"));
        for (machine, name, address) in [(a, a_name, a_address), (b, b_name, b_address)] {
            self.on(machine, &format!("ip addr add {address} dev {name}"));
            self.on(machine, &format!("ip link set {name} up"));
        }
        for (machine, name, _) in [one, other] {
            until("a cable is up", || self.on(machine, &format!("ip -o link show {name}")).contains("LOWER_UP"));
        }
    }

    /// A cable from this process's own namespace, whose end is given as interface and address, to a machine.
    pub fn cable_from_here(&self, one: (&str, &str), other: (&str, &str, &str)) {
        let ((name, address), (machine, other_name, other_address)) = (one, other);
        sh(&format!("ip link add {name} type veth peer name {other_name} netns {machine}"));
        sh(&format!("ip addr add {address} dev {name} && ip link set {name} up"));
        self.on(machine, &format!("ip addr add {other_address} dev {other_name}"));
        self.on(machine, &format!("ip link set {other_name} up"));
        until("a cable is up", || sh(&format!("ip -o link show {name}")).contains("LOWER_UP"));
    }

    /// Runs a line of shell on a machine; what it printed.
    pub fn on(&self, machine: &str, line: &str) -> String {
        sh(&format!("ip netns exec {machine} {line}"))
    }

    /// Drops what comes in for `destination` on a machine. Needs the tool `nft`.
    pub fn drop_incoming(&self, machine: &str, destination: &str) {
        self.on(machine, "nft add table ip lan");
        self.on(machine, "nft 'add chain ip lan input { type filter hook input priority 0; }'");
        self.on(machine, &format!("nft add rule ip lan input ip daddr {destination} drop"));
    }

    /// Starts a program on a machine.
    #[must_use]
    pub fn start(&self, machine: &str, program: &str, arguments: &[&str]) -> Node {
        let mut command = Command::new("ip");
        // `ip netns exec` becomes the program, so the child is the program itself.
        command.args(["netns", "exec", machine, program]).args(arguments);
        Node::start(command)
    }
}

/// A program that was started, and the lines that it prints. Dropping it ends it.
#[derive(Debug)]
pub struct Node {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Node {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
        let output = BufReader::new(child.stdout.take().expect("it was piped"));
        let (sender, lines) = channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines, seen: Vec::new() }
    }

    /// The next line that begins with `word`, without it; other lines are passed over.
    ///
    /// # Panics
    /// When it does not come within [`PATIENCE`], or the program ends before.
    pub fn line(&mut self, word: &str) -> String {
        match self.line_within(word, PATIENCE) {
            Ok(line) => line,
            Err(why) => panic!("no line \"{word}\" ({why}); it printed: {:#?}", self.seen),
        }
    }

    /// As [`Node::line`], for at most `patience`.
    ///
    /// # Errors
    /// Whether the time was over or the program.
    pub fn line_within(&mut self, word: &str, patience: Duration) -> Result<String, RecvTimeoutError> {
        let deadline = Instant::now() + patience;
        loop {
            let line = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now()))?;
            self.seen.push(line.clone());
            if let Some(rest) = line.strip_prefix(word) {
                return Ok(rest.trim().to_owned());
            }
        }
    }

    /// Asks it to end, by closing its input, and waits for that.
    ///
    /// # Panics
    /// When it does not end within [`PATIENCE`], or fails.
    pub fn stop(mut self) {
        drop(self.child.stdin.take());
        until("a program that was asked to stop has ended", || self.child.try_wait().expect("our own child").is_some());
        let status = self.child.wait().expect("our own child");
        assert!(status.success(), "{status}; it printed: {:#?}", self.seen);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks until `condition` holds.
///
/// # Panics
/// After [`PATIENCE`], naming what was waited for.
pub fn until(what: impl Debug, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain for {what:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Runs a line of shell; what it printed.
///
/// # Panics
/// Where it fails.
pub fn sh(line: &str) -> String {
    let output = Command::new("sh").args(["-c", line]).output().expect("there is a shell");
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
