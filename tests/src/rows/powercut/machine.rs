//! A machine: user-mode-linux on this machine's files, read-only, with a disk of its own and a console that is read here.
//!
//! The row boots it, reads what it says, and cuts its power. It promises that a cut leaves no process of it behind, and that
//! it ends with the test.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::{Disk, Lie, guest};

/// Longer than a boot, or looking everything up, takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// See the module.
pub(super) struct Machine {
    child: Child,
    console: Receiver<String>,
    /// What it acknowledged.
    told: Vec<String>,
    /// All else that it said.
    said: Vec<String>,
}

impl Machine {
    /// Switches it on. `told` is all that was acknowledged by those before it.
    pub(super) fn boot(disk: &Disk, boot: u64, told: &[String], is_last: bool) -> Self {
        let folder = disk.folder.path();
        std::fs::write(folder.join(guest::TOLD), told.concat()).expect("a file");
        let init = std::env::current_exe().expect("the own path");
        let init = init.ancestors().map(|folder| folder.join("powercut_guest")).find(|path| path.is_file());
        let init = init.expect("the program powercut_guest beside this; build it with `cargo build --release`");
        let (path, image) = (folder.display(), disk.image());
        // In a namespace of processes of its own, so that all of the machine goes at once, and with us.
        let mut command = Command::new("unshare");
        command.args(["-p", "--fork", "--kill-child", "linux.uml", "mem=512M", "quiet"]);
        command.args(["root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", "con=null", "con0=null,fd:1"]);
        command.arg(format!("init={}", init.display())).arg(format!("ubd0={}", image.display())).arg(format!("uml_dir={path}/"));
        command.args(["--", &path.to_string(), &disk.seed.to_string(), &boot.to_string()]);
        command.args(is_last.then_some(guest::LAST)).args((disk.lie == Lie::AckOnSend).then_some(guest::ACK_ON_SEND));
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("unshare starts");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, console) = channel();
        std::thread::spawn(move || {
            output
                .split(b'\n')
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned()))
        });
        Self { child, console, told: Vec::new(), said: Vec::new() }
    }

    /// Waits until it says this; the rest of that line.
    ///
    /// # Panics
    /// Where it fails, ends, or does not come to it in time.
    pub(super) fn until(&mut self, word: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let line = self.console.recv_timeout(deadline.saturating_duration_since(Instant::now()));
            let Ok(line) = line else { panic!("the machine never came to {word:?}; it said:\n{}", self.said.join("\n")) };
            match self.hear(line) {
                Some((said, rest)) if said == word => return rest,
                Some((said, _)) if said == "failed" => panic!("the machine failed; it said:\n{}", self.said.join("\n")),
                _ => {}
            }
        }
    }

    /// A line of the console: kept where it is an acknowledgement, given back where it tells how far the machine is.
    fn hear(&mut self, line: String) -> Option<(String, String)> {
        // The end mark tells a whole line from one that was cut off.
        let Some(whole) = line.strip_prefix("@ ").and_then(|line| line.strip_suffix(" .")) else {
            self.said.push(line);
            return None;
        };
        let (word, rest) = whole.split_once(' ').unwrap_or((whole, ""));
        if guest::IS_KEPT.contains(&word) {
            self.told.push(format!("{whole}\n"));
            return None;
        }
        Some((word.to_owned(), rest.to_owned()))
    }

    /// Cuts its power; what it has acknowledged until then.
    ///
    /// # Panics
    /// Where it had failed before.
    pub(super) fn cut(mut self) -> Vec<String> {
        self.end();
        // The console's end is the proof that nobody is left who could write to the disk.
        loop {
            let line = match self.console.recv_timeout(PATIENCE) {
                Ok(line) => line,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("a part of the machine goes on without power"),
            };
            if self.hear(line).is_some_and(|(word, _)| word == "failed") {
                panic!("the machine failed; it said:\n{}", self.said.join("\n"));
            }
        }
        std::mem::take(&mut self.told)
    }

    fn end(&mut self) {
        // It may have ended already. Its children are killed by the kernel when it is.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.end();
    }
}
