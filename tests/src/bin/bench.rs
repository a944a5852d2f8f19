//! `make bench`: measures this hub, beside peers where there are any. The sections are in `maloca_tests::bench`; run it by `tests/bench`,
//! which installs the peers and gives it a network of its own.

use std::time::Instant;

use maloca_tests::bench::report::{self, Sections};
use maloca_tests::bench::{Error, Extent, devices, export, peers, progress, scale};

const USAGE: &str = "usage: tests/bench [quick] [ROUNDS] [peers] [scale] [devices] [export]";
const SECTIONS: [&str; 4] = ["peers", "scale", "devices", "export"];

fn main() -> Result<(), Error> {
    let (mut quick, mut rounds, mut wanted) = (false, None, Vec::new());
    for word in std::env::args().skip(1) {
        match (word.as_str(), word.parse::<usize>()) {
            ("quick", _) => quick = true,
            (_, Ok(number)) if number > 0 => rounds = Some(number),
            (section, _) if SECTIONS.contains(&section) => wanted.push(word),
            (strange, _) => return Err(format!("there is no section {strange}; {USAGE}").into()),
        }
    }
    let whole = !quick && wanted.is_empty() && rounds.is_none();
    let wants = |section: &str| wanted.is_empty() || wanted.iter().any(|word| word == section);
    let extent = Extent { rounds: rounds.unwrap_or(if quick { 3 } else { 5 }), whole: !quick };
    let begun = Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut sections = Sections::default();
    let show = |section: &str, text: &str| println!("\n## {section}\n\n{text}");
    if wants("peers") {
        sections.peers = peers::run(runtime.handle(), extent)?.markdown();
        show("side by side", &sections.peers);
    }
    if wants("scale") {
        let points = scale::run(runtime.handle(), extent)?;
        (sections.scale, sections.picture) = (scale::markdown(&points), scale::picture(&points));
        show("cost against size", &sections.scale);
    }
    if wants("devices") {
        sections.devices = devices::run(runtime.handle(), extent)?;
        show("many devices at once", &sections.devices);
    }
    if wants("export") {
        sections.export = export::run(runtime.handle(), extent)?;
        show("to a drive", &sections.export);
    }
    sections.took = begun.elapsed().as_secs_f64();
    if whole {
        report::write(&sections)?;
        progress("BENCHMARKS.md and docs/bench-scale.svg are written");
    }
    Ok(())
}
