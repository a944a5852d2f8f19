//! What came out of the comparison, as Markdown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::WORK;
use crate::bench::cost::Cost;

/// How one peer did one piece of work.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// One for each round.
    pub costs: Vec<Cost>,
    /// How often it asked the disk to keep what was written.
    pub flushes: Option<u64>,
    /// Why flushes could not be counted.
    pub uncounted: Option<String>,
    /// Why it has no more rounds, or none.
    pub failed: Option<String>,
}

/// The whole comparison.
#[derive(Debug, Clone, Default)]
pub struct Peers {
    /// Who took part, in order; the first is this hub.
    pub names: Vec<String>,
    /// Who could not, and why.
    pub missing: Vec<(String, String)>,
    /// For each piece of work, the bytes that cannot but travel.
    pub content: BTreeMap<String, u64>,
    /// By work and peer.
    pub measured: BTreeMap<(String, String), Measured>,
}

impl Peers {
    /// A table for each piece of work.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        for work in WORK.iter().filter(|work| self.content.contains_key(**work)) {
            let content = self.content[*work] as f64;
            let _ = writeln!(text, "### {work}\n");
            text += "| | rounds | wall | × ours | CPU | × ours | memory | wire | × content | written | flushes |\n";
            text += "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";
            let ours = self.names.first().and_then(|name| self.of(work, name)).map(|measured| Cost::median(&measured.costs));
            for name in &self.names {
                if let Some(measured) = self.of(work, name) {
                    text += &row(name, measured, ours.unwrap_or_default(), content);
                }
            }
            text.push('\n');
        }
        for (name, why) in &self.missing {
            let _ = writeln!(text, "- **{name}** is missing: {why}");
        }
        let reasons = self.measured.iter().filter_map(|((work, peer), measured)| {
            let flushes = measured.uncounted.as_ref().map(|why| format!("flushes were not counted: {why}"));
            Some(format!("- **{peer}**, {work}: {}\n", measured.failed.clone().or(flushes)?))
        });
        text + &reasons.collect::<String>()
    }

    fn of(&self, work: &str, peer: &str) -> Option<&Measured> {
        self.measured.get(&(work.to_owned(), peer.to_owned()))
    }
}

fn row(name: &str, measured: &Measured, ours: Cost, content: f64) -> String {
    let flushes = match measured.flushes {
        Some(0) if content > 0.0 => "**none**".to_owned(),
        Some(count) => thousands(count as f64),
        None => "?".into(),
    };
    if measured.costs.is_empty() {
        return format!("| {name} | 0 | – | – | – | – | – | – | – | – | {flushes} |\n");
    }
    let cost = Cost::median(&measured.costs);
    let over = if content > 0.0 { format!("{:.2}", cost.wire / content) } else { "–".into() };
    format!(
        "| {name} | {} | {} | {} | {:.2} s | {} | {:.0} MB | {} | {over} | {} | {flushes} |\n",
        measured.costs.len(),
        seconds(cost.wall),
        ratio(cost.wall, ours.wall),
        cost.cpu,
        ratio(cost.cpu, ours.cpu),
        cost.memory / 1e6,
        bytes(cost.wire),
        bytes(cost.written),
    )
}

/// How many times the one is of the other.
#[must_use]
pub fn ratio(value: f64, of: f64) -> String {
    if of <= 0.0 { "–".into() } else { format!("{:.2}", value / of) }
}

/// Seconds, to the millisecond where that says something.
#[must_use]
pub fn seconds(value: f64) -> String {
    if value < 0.1 { format!("{:.1} ms", value * 1e3) } else { format!("{value:.2} s") }
}

/// Bytes in the unit that fits.
#[must_use]
pub fn bytes(value: f64) -> String {
    match value {
        0.0..1e3 => format!("{value:.0} B"),
        1e3..1e6 => format!("{:.1} KB", value / 1e3),
        1e6..1e9 => format!("{:.1} MB", value / 1e6),
        _ => format!("{:.2} GB", value / 1e9),
    }
}

/// A whole number with its thousands apart.
#[must_use]
pub fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
