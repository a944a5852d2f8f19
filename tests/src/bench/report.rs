//! BENCHMARKS.md: what was measured, where, when and by what, with a word on how to read it.
//!
//! `src/bin/bench.rs` writes it after a whole run and never after a part of one, so that its numbers are of one day and machine.

use std::fmt::Write as _;
use std::path::Path;

use maloca_protocol::time;

use super::Error;
use super::cost::machine;

/// What the sections came to, as Markdown.
#[derive(Debug, Default)]
pub struct Sections {
    /// Side by side.
    pub peers: String,
    /// At growing sizes.
    pub scale: String,
    /// The picture of it, an SVG.
    pub picture: String,
    /// Many devices.
    pub devices: String,
    /// To a drive.
    pub export: String,
    /// How long all of it took, seconds.
    pub took: f64,
}

/// Writes the report and its picture into the project.
///
/// # Errors
/// Where it cannot be written.
pub fn write(sections: &Sections) -> Result<(), Error> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::create_dir_all(root.join("docs"))?;
    std::fs::write(root.join("docs/bench-scale.svg"), &sections.picture)?;
    Ok(std::fs::write(root.join("BENCHMARKS.md"), text(sections))?)
}

fn text(sections: &Sections) -> String {
    let mut text = String::from(HEAD);
    let _ = writeln!(text, "| | |\n|---|---|\n| date | {} |", &time::format_millis(time::now_millis())[..10]);
    for (what, is) in machine(&std::env::temp_dir()) {
        let _ = writeln!(text, "| {what} | {is} |");
    }
    for (program, argument) in [("rustc", "--version"), ("node", "--version")] {
        let said = std::process::Command::new(program).arg(argument).output();
        let said = said.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned()).unwrap_or_default();
        let _ = writeln!(text, "| {program} | {said} |");
    }
    let _ = writeln!(text, "| command | `make bench` |\n| it took | {:.0} minutes |\n", (sections.took / 60.0).ceil());
    let _ = write!(
        text,
        "{PEERS}{}\n{SCALE}{}\n![Cost against size](docs/bench-scale.svg)\n\n{DEVICES}{}\n{EXPORT}{}",
        sections.peers, sections.scale, sections.devices, sections.export
    );
    text
}

const HEAD: &str = "# Benchmarks

Written by `make bench`; do not edit by hand. `tests/bench quick` gives a short version on the terminal, and
`tests/bench peers`, `scale`, `devices` and `export` give single sections.

## How to read this

All of it runs on one machine over the loopback, senders and receiver on the same cores, so times are those of a machine that does both
halves of the work. Compare ratios rather than seconds: the machine's speed divides out of them. Every number is the median
of its rounds, and each round begins on empty folders on the disk named below (not in memory) with a receiver just started.

";

const PEERS: &str = "## Side by side

The clock runs from the moment when the senders begin until they know that the receiver has everything; what a sender does before
that, such as storing and hashing its own records, is not counted. Records have 1,000 bytes of properties each; what a system adds of
its own is its cost. Every peer is set up to its advantage where it has a choice (see `tests/src/bench/peers/` and `tests/bench-peers/`).

- **× ours**: how many times this hub's; above 1 the peer needs more.
- **CPU, memory, written**: of the receiving process alone, as the kernel counts: CPU in steps of 10 ms, memory at its peak during this work,
  bytes that it caused to be written to disk.
- **wire**: bytes on the loopback, both directions, headers included; **× content** is how much more that is than what had to travel.
- **flushes**: how often the receiver asked the disk to keep what was written (fsync, fdatasync, syncfs, msync, sync_file_range), counted by
  strace in a round of its own. Where it says **none**, a power cut soon after \"done\" can take away everything just received; such
  a peer is fast because it has not finished.
- What is signed: this hub and CoMapeo check each record's signature; the others check nothing of the kind.
- A contact is a new connection for rsync and CoMapeo core, and goes on over an open one for the others.

";

const SCALE: &str = "## Cost against size

One hub whose store grows. *acknowledged*: signed records a second that are durable and answered, from the size before to this one, four devices
sending batches of 1,000 over https. *first page*: the newest 50 observations. *filtered page*: the newest 50 of one category.
*count*: how many there are of another, which looks at each. *ready*: from the program's start, after it was killed with
`kill -9`, to its ready line. A record is 1,000 bytes in its signed form.

";

const DEVICES: &str = "## Many devices at once

All connected by https, each sending its next request when the last is answered. Where flushes take longer, a library loaded before the hub's own
makes every fsync, fdatasync and syncfs sleep first (`tests/bench-peers/slow-flush.c`). The senders' own work takes a good part of this machine's cores.

";

const EXPORT: &str = "## To a drive

An export writes a bundle and then reads back every byte of it; `cp -r` and `sync -f` copy the same bundle and read nothing back. Above 1, the export is faster.

";
