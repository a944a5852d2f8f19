//! `custody.ndjson`: when each record and each media file came to this hub, and who carried it. A line each: the media in the order of their hashes,
//! then the revisions in the order of `revisions.ndjson`.
//!
//! `{"rev":"<id>","at":"2026-11-21T05:28:00.000Z","by":"<device>","clock_offset_ms":-1200}`, with `media` for `rev` where it is a file, and
//! without the offset where the carrier did not tell its clock. It is what this hub says, not what anybody signed.

use std::fmt::Display;
use std::io::{self, Write};

use maloca_protocol::time;

use crate::store::rows::Arrival;

/// Bytes of a line, for the room that a drive needs.
pub const LINE_BYTES: u64 = 210;

/// Writes the line of a record or file: `what` is `rev` or `media`.
///
/// # Errors
/// What `out` refuses.
pub fn line(out: &mut impl Write, what: &str, id: impl Display, arrival: Arrival) -> io::Result<()> {
    let (at, by) = (time::format_millis(arrival.at), arrival.carrier);
    match arrival.clock_offset {
        None => writeln!(out, r#"{{"{what}":"{id}","at":"{at}","by":"{by}"}}"#),
        Some(offset) => writeln!(out, r#"{{"{what}":"{id}","at":"{at}","by":"{by}","clock_offset_ms":{offset}}}"#),
    }
}
