//! The last lines of the log, kept in memory for whoever is asked for help.
//!
//! The command line lets the log be written here too; `api` gives it to the manager as a part of the log bundle. It promises to keep
//! no more than [`KEPT_BYTES`], and to lose nothing of what goes to standard error.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, PoisonError};

/// How much is kept: a day of a quiet hub, an hour of a troubled one.
pub const KEPT_BYTES: usize = 256 * 1024;

/// What was written lately.
pub struct Journal(Mutex<Lines>);

#[derive(Default)]
struct Lines {
    lines: VecDeque<String>,
    bytes: usize,
}

/// The journal of this process: the log has one way out, too.
pub static JOURNAL: Journal = Journal(Mutex::new(Lines { lines: VecDeque::new(), bytes: 0 }));

impl Journal {
    fn lock(&self) -> std::sync::MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an entry, and lets the oldest go where there are too many.
    pub fn keep(&self, entry: &[u8]) {
        let mut entry = String::from_utf8_lossy(entry).into_owned();
        entry.truncate(entry.floor_char_boundary(KEPT_BYTES / 4));
        let mut kept = self.lock();
        kept.bytes += entry.len();
        kept.lines.push_back(entry);
        while kept.bytes > KEPT_BYTES {
            let Some(oldest) = kept.lines.pop_front() else { return };
            kept.bytes -= oldest.len();
        }
    }

    /// What is kept, the oldest first.
    #[must_use]
    pub fn text(&self) -> String {
        self.lock().lines.iter().map(String::as_str).collect()
    }
}

/// Writes each entry of the log to the journal.
pub struct Pen;

impl io::Write for Pen {
    fn write(&mut self, entry: &[u8]) -> io::Result<usize> {
        JOURNAL.keep(entry);
        Ok(entry.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_stay_and_the_memory_is_bounded() {
        let journal = Journal(Mutex::new(Lines::default()));
        for n in 0..20_000 {
            journal.keep(format!("line {n} \u{1f33f}\n").as_bytes());
        }
        let text = journal.text();
        assert!(text.len() <= KEPT_BYTES && text.len() > KEPT_BYTES - 100, "{}", text.len());
        assert!(text.ends_with("line 19999 \u{1f33f}\n"));
        journal.keep(&vec![b'x'; 2 * KEPT_BYTES]);
        assert!(journal.lock().bytes <= KEPT_BYTES && journal.text().ends_with('x'));
    }
}
