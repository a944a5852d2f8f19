//! A program that ends with its round: started with nothing on its input unless asked, ended by its own id.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::bench::Error;

/// A running program. It is ended when this is dropped.
#[derive(Debug)]
pub(super) struct Program(pub(super) Child);

impl Program {
    pub(super) fn start(command: &mut Command) -> Result<Self, Error> {
        let name = command.get_program().to_string_lossy().into_owned();
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Ok(Self(spawned.map_err(|error| format!("{name} does not start: {error}"))?))
    }

    pub(super) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that was free a moment ago.
pub(super) fn free_port() -> Result<u16, Error> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Waits until somebody listens there.
pub(super) fn wait_for_port(port: u16, program: &str) -> Result<(), Error> {
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if begun.elapsed() > Duration::from_secs(30) {
            return Err(format!("{program} does not answer").into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// The first line of what a program says when it is asked for its version.
pub(super) fn version(program: &str) -> Result<String, Error> {
    let out =
        Command::new(program).arg("--version").output().map_err(|error| format!("there is no program {program} ({error})"))?;
    Ok(String::from_utf8_lossy(&out.stdout).lines().next().unwrap_or_default().to_owned())
}
