//! The zip of a package, read by its central directory.
//!
//! A package of a region has hundreds of thousands of entries. The crates for zips hold some 300 bytes for each; here it is
//! sixteen, a name's hash and where its entry is, and the entry itself is read when it is asked for. It promises that no path
//! leads out of the archive, for there is none on disk: a name is looked up or not found.

use flate2::read::DeflateDecoder;

use super::super::MapError;
use super::super::bytes;
use crate::files::Handle;

/// Entries that an archive may have: 32 MB of memory.
const ENTRIES: u64 = 2_000_000;

/// The end of the directory, without its comment, and the longest comment.
const END: usize = 22;
const COMMENT: u64 = 65_535;

/// The end of a directory of more than 4 GB or 65,535 entries, and what leads to it.
const END_64: usize = 56;
const LOCATOR_64: usize = 20;

/// An entry of the directory, and the header before its bytes, without names and more.
const ENTRY: usize = 46;
const LOCAL: usize = 30;

/// Bytes of the directory that are read at once; an entry has at most three times 64 KiB and [`ENTRY`].
const PIECE: usize = 1024 * 1024;
const LONGEST_ENTRY: usize = ENTRY + 3 * 65_535;

const BAD: MapError = MapError::Damaged("its zip directory cannot be read");

/// An archive that is open.
pub(super) struct Archive {
    file: Box<dyn Handle>,
    /// By the hash of its name, where its entry lies in the file. Sorted.
    entries: Vec<(u64, u64)>,
}

/// A part of the file.
struct Span {
    at: u64,
    len: u64,
    count: u64,
}

/// What an entry says of its file.
struct Entry {
    method: u16,
    packed: u64,
    header_at: u64,
}

impl Archive {
    pub(super) fn open(file: Box<dyn Handle>) -> Result<Self, MapError> {
        let span = find_directory(&*file)?;
        let mut entries = Vec::new();
        let (mut at, mut left) = (span.at, span.len);
        let mut piece: Vec<u8> = Vec::new();
        let mut used = 0;
        for _ in 0..span.count {
            if piece.len() - used < LONGEST_ENTRY && left > 0 {
                piece.drain(..used);
                at += used as u64;
                used = 0;
                let more = left.min(PIECE as u64);
                piece.extend(bytes::read(&*file, at + piece.len() as u64, more, PIECE)?);
                left -= more;
            }
            let rest = piece.get(used..).ok_or(BAD)?;
            let len = entry_len(rest)?;
            let name = rest.get(ENTRY..ENTRY + usize::from(short(rest, 28))).ok_or(BAD)?;
            if is_unsafe(name) {
                return Err(MapError::Damaged("it has a file whose name leads out of it"));
            }
            entries.push((hash(name), at + used as u64));
            used += len;
        }
        entries.sort_unstable();
        entries.shrink_to_fit();
        Ok(Self { file, entries })
    }

    /// The bytes of a file, unpacked; `None` where there is none by this name.
    pub(super) fn read(&self, name: &str, most: usize) -> Result<Option<Vec<u8>>, MapError> {
        let wanted = hash(name.as_bytes());
        let first = self.entries.partition_point(|(hash, _)| *hash < wanted);
        for &(_, at) in self.entries[first..].iter().take_while(|(hash, _)| *hash == wanted) {
            if let Some(entry) = self.entry(at, name.as_bytes())? {
                return self.unpack(&entry, most).map(Some);
            }
        }
        Ok(None)
    }

    /// The entry at a place, if it is of this name.
    fn entry(&self, at: u64, name: &[u8]) -> Result<Option<Entry>, MapError> {
        let fixed = bytes::read(&*self.file, at, ENTRY as u64, ENTRY)?;
        let (name_len, extra_len) = (short(&fixed, 28), short(&fixed, 30));
        let rest = bytes::read(&*self.file, at + ENTRY as u64, u64::from(name_len) + u64::from(extra_len), 2 * 65_535)?;
        let (own, extra) = rest.split_at(name_len.into());
        if own != name {
            return Ok(None);
        }
        if short(&fixed, 8) & 1 == 1 {
            return Err(MapError::Unreadable("a password"));
        }
        let mut wide = Wide::of(extra);
        let mut number = |at| match long(&fixed, at) {
            u32::MAX => wide.next(),
            number => Ok(number.into()),
        };
        // In the order in which the wide ones stand: unpacked, packed, place.
        let _unpacked = number(24)?;
        let (packed, header_at) = (number(20)?, number(42)?);
        Ok(Some(Entry { method: short(&fixed, 10), packed, header_at }))
    }

    fn unpack(&self, entry: &Entry, most: usize) -> Result<Vec<u8>, MapError> {
        let local = bytes::read(&*self.file, entry.header_at, LOCAL as u64, LOCAL)?;
        if !local.starts_with(b"PK\x03\x04") {
            return Err(BAD);
        }
        let skip = LOCAL as u64 + u64::from(short(&local, 26)) + u64::from(short(&local, 28));
        let at = entry.header_at.checked_add(skip).ok_or(BAD)?;
        let packed = bytes::read(&*self.file, at, entry.packed, most)?;
        match entry.method {
            0 => Ok(packed),
            8 => bytes::to_end(DeflateDecoder::new(packed.as_slice()), most),
            _ => Err(MapError::Unreadable("a zip compression other than deflate")),
        }
    }
}

/// The numbers of 64 bits that stand in an entry's extra field (id 1), in order.
struct Wide<'a>(&'a [u8]);

impl<'a> Wide<'a> {
    fn of(mut extra: &'a [u8]) -> Self {
        while extra.len() >= 4 {
            let (head, rest) = extra.split_at(4);
            let len = usize::from(short(head, 2)).min(rest.len());
            if short(head, 0) == 1 {
                return Self(&rest[..len]);
            }
            extra = &rest[len..];
        }
        Self(&[])
    }

    fn next(&mut self) -> Result<u64, MapError> {
        let (number, rest) = self.0.split_at_checked(8).ok_or(BAD)?;
        self.0 = rest;
        Ok(wide(number, 0))
    }
}

/// Where the directory is: its end stands at the end of the file, with a comment behind it at most.
fn find_directory(file: &dyn Handle) -> Result<Span, MapError> {
    let len = file.len()?;
    let look = len.min(END as u64 + COMMENT);
    let tail = bytes::read(file, len - look, look, END + COMMENT as usize)?;
    let is_end =
        |at: &usize| tail[*at..].starts_with(b"PK\x05\x06") && at + END + usize::from(short(&tail, at + 20)) == tail.len();
    let last = tail.len().checked_sub(END).ok_or(MapError::CutOff)?;
    let end = (0..=last).rev().find(is_end).ok_or(MapError::CutOff)?;
    let mut span =
        Span { count: short(&tail, end + 10).into(), len: long(&tail, end + 12).into(), at: long(&tail, end + 16).into() };
    let end_at = len - look + end as u64;
    if span.count == 0xffff || span.len == 0xffff_ffff || span.at == 0xffff_ffff {
        span = find_directory_64(file, end_at)?.unwrap_or(span);
    }
    if span.count > ENTRIES {
        return Err(MapError::Damaged("it has absurdly many files"));
    }
    // Each entry takes so much at least: no room is taken for what cannot be there.
    let is_inside = span.at.checked_add(span.len).is_some_and(|end| end <= end_at);
    if !is_inside || span.count > span.len / ENTRY as u64 {
        return Err(BAD);
    }
    Ok(span)
}

fn find_directory_64(file: &dyn Handle, end_at: u64) -> Result<Option<Span>, MapError> {
    let Some(at) = end_at.checked_sub(LOCATOR_64 as u64) else { return Ok(None) };
    let locator = bytes::read(file, at, LOCATOR_64 as u64, LOCATOR_64)?;
    if !locator.starts_with(b"PK\x06\x07") {
        return Ok(None);
    }
    let end = bytes::read(file, wide(&locator, 8), END_64 as u64, END_64)?;
    if !end.starts_with(b"PK\x06\x06") {
        return Err(BAD);
    }
    Ok(Some(Span { count: wide(&end, 32), len: wide(&end, 40), at: wide(&end, 48) }))
}

/// How long the entry at the beginning of `rest` is.
fn entry_len(rest: &[u8]) -> Result<usize, MapError> {
    if rest.len() < ENTRY || !rest.starts_with(b"PK\x01\x02") {
        return Err(BAD);
    }
    let len = ENTRY + [28, 30, 32].iter().map(|&at| usize::from(short(rest, at))).sum::<usize>();
    if len > rest.len() { Err(BAD) } else { Ok(len) }
}

/// The format's own rule, though here no name is ever a path on the disk.
fn is_unsafe(name: &[u8]) -> bool {
    name.starts_with(b"/")
        || name.get(1) == Some(&b':')
        || name.contains(&b'\\')
        || name.split(|byte| *byte == b'/').any(|part| part == b"..")
}

/// Eight bytes of BLAKE3: no archive is made so that names fall together, and if they do, the name itself decides.
fn hash(name: &[u8]) -> u64 {
    wide(&blake3::hash(name).as_bytes()[..8], 0)
}

fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn long(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn wide(bytes: &[u8], at: usize) -> u64 {
    u64::from(long(bytes, at)) | u64::from(long(bytes, at + 4)) << 32
}
