//! The lists of a bundle, read with bounds: whoever wrote them may have meant to fill this machine's memory.
//!
//! [`super::check`] and [`crate::import::bundle`] read with this.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead as _, Read as _};
use std::rc::Rc;

/// Bytes of a manifest's line, at most: a hash, and the longest path that any system knows, in its longest spelling.
const LONGEST_LINE: u64 = 64 * 1024;

/// File and hash of each row of a list of media; `None` for one that is damaged. What cannot be read further ends it so.
pub(crate) fn media(list: File) -> impl Iterator<Item = Option<(String, String)>> {
    let room = Rc::new(Cell::new(LONGEST_LINE));
    let rows = csv::ReaderBuilder::new().flexible(true).from_reader(Bounded { inner: list, room: Rc::clone(&room) });
    let mut is_over = false;
    rows.into_records().map_while(move |row| {
        room.set(LONGEST_LINE);
        if is_over {
            return None;
        }
        is_over = row.as_ref().is_err_and(csv::Error::is_io_error);
        Some(row.ok().and_then(|row| Some((row.get(0)?.to_owned(), row.get(1)?.to_owned()))))
    })
}

/// A reader that gives no more than there is room for: a row that never ends would otherwise be gathered in memory.
pub(crate) struct Bounded<R> {
    pub(crate) inner: R,
    /// Bytes that may still come.
    pub(crate) room: Rc<Cell<u64>>,
}

impl<R: io::Read> io::Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.room.get() == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "has a row without end"));
        }
        let read = self.inner.read(into)?;
        self.room.set(self.room.get().saturating_sub(read as u64));
        Ok(read)
    }
}

/// How much of `bag-info.txt` is read.
const INFO_BYTES: u64 = 64 * 1024;

/// What a bundle says of itself in `bag-info.txt`, none of it proven.
pub(crate) struct Info(String);

impl Info {
    /// Reads it.
    pub(crate) fn read(file: File) -> io::Result<Self> {
        let mut text = String::new();
        file.take(INFO_BYTES).read_to_string(&mut text)?;
        Ok(Self(text))
    }

    /// What stands behind a label.
    pub(crate) fn said(&self, label: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(label)?.strip_prefix(':')).map(str::trim)
    }
}

/// The lines of a text of strangers; one that is longer than any path can be is an error and ends the text.
pub(super) fn lines(mut text: impl io::BufRead) -> impl Iterator<Item = io::Result<String>> {
    let mut is_over = false;
    std::iter::from_fn(move || {
        let mut line = Vec::new();
        match (&mut text).take(LONGEST_LINE).read_until(b'\n', &mut line) {
            _ if is_over => None,
            Ok(0) => None,
            Ok(_) if line.last() != Some(&b'\n') && line.len() as u64 == LONGEST_LINE => {
                is_over = true;
                Some(Err(io::Error::new(io::ErrorKind::InvalidData, "has a line without end")))
            }
            Ok(_) => {
                let text = line.strip_suffix(b"\n").unwrap_or(&line);
                Some(Ok(String::from_utf8_lossy(text.strip_suffix(b"\r").unwrap_or(text)).into_owned()))
            }
            Err(error) => Some(Err(error)),
        }
    })
}
