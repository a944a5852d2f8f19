//! A table with places: CSV, or what spreadsheets call so, with a row for each observation.
//!
//! The columns of latitude and longitude are known by their names in four languages, in degrees with a point or a comma. A column `id` names the row,
//! else its content does; `media` names its photos, several of them after each other with `|`; `observed_at`, `date` or `fecha` tell when, where
//! they are a time or a day as computers write it. Every other filled cell is a property by the name of its column.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use jiff::{Timestamp, civil};
use maloca_protocol::{DocId, time};
use serde_json::{Map, json};

use super::{Failure, Out, folders_in, name_of, named};
use crate::export::lists::Bounded;

const LATITUDE: &[&str] = &["lat", "latitude", "latitud", "y"];
const LONGITUDE: &[&str] = &["lon", "lng", "long", "longitude", "longitud", "x"];
const ID: &[&str] = &["id", "uuid", "_id", "_uuid"];
const WHEN: &[&str] = &["observed_at", "timestamp", "datetime", "date", "fecha", "data"];
const MEDIA: &[&str] = &["media", "photo", "photos", "foto", "fotos"];

/// How much of a table is looked at to tell what separates its cells.
const FIRST_LINE: u64 = 64 * 1024;

/// The longest row, in bytes: one without an end would fill the memory.
const LONGEST_ROW: u64 = 1024 * 1024;

/// Reads a file.
pub(super) fn read(path: &Path, out: &mut Out<'_>) -> Result<(), Failure> {
    let broken = |error: &dyn std::fmt::Display| -> Failure { format!("{} cannot be read: {error}", path.display()).into() };
    let file = File::open(path).map_err(|error| broken(&error))?;
    let mut text = BufReader::with_capacity(1 << 16, file);
    // Spreadsheets begin what they write with a mark.
    if text.fill_buf().map_err(|error| broken(&error))?.starts_with(b"\xef\xbb\xbf") {
        text.consume(3);
    }
    let mut first = Vec::new();
    text.by_ref().take(FIRST_LINE).read_until(b'\n', &mut first).map_err(|error| broken(&error))?;
    let head = String::from_utf8_lossy(&first).into_owned();
    let separator = [b',', b';', b'\t'].into_iter().max_by_key(|mark| head.bytes().filter(|byte| byte == mark).count());
    let separator = separator.unwrap_or(b',');
    let room = Rc::new(Cell::new(LONGEST_ROW));
    let whole = Bounded { inner: io::Cursor::new(first).chain(text), room: Rc::clone(&room) };
    let mut rows = csv::ReaderBuilder::new().delimiter(separator).flexible(true).from_reader(whole);
    let columns: Vec<String> =
        rows.headers().map_err(|error| broken(&error))?.iter().map(|name| name.trim().to_owned()).collect();
    let at = |names: &[&str]| columns.iter().position(|column| names.contains(&column.to_lowercase().as_str()));
    let (Some(lat), Some(lon)) = (at(LATITUDE), at(LONGITUDE)) else {
        return Err(format!("{} has no columns `lat` and `lon`; name those of latitude and longitude so", path.display()).into());
    };
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    let mut table = Table {
        source: name_of(path),
        beside: folders_in(&folder),
        folder,
        lat,
        lon,
        id: at(ID),
        when: at(WHEN),
        media: at(MEDIA),
        columns,
        seen: HashMap::new(),
    };
    let mut row = csv::StringRecord::new();
    for number in 2_u64.. {
        room.set(LONGEST_ROW);
        match rows.read_record(&mut row) {
            Ok(false) => break,
            Ok(true) => table.take(number, &row, out)?,
            Err(error) if error.is_io_error() => return Err(broken(&error)),
            Err(_) => out.fault(format!("row {number} is no text, and was not taken"))?,
        }
    }
    Ok(())
}

struct Table {
    source: String,
    folder: PathBuf,
    beside: Vec<PathBuf>,
    columns: Vec<String>,
    lat: usize,
    lon: usize,
    id: Option<usize>,
    when: Option<usize>,
    media: Option<usize>,
    /// How often a row has come, by its id or content: two that are alike are two, and an id stands once.
    seen: HashMap<DocId, u32>,
}

impl Table {
    fn take(&mut self, number: u64, row: &csv::StringRecord, out: &mut Out<'_>) -> Result<(), Failure> {
        let cell = |at: usize| row.get(at).map(str::trim).filter(|cell| !cell.is_empty());
        if (0..row.len()).all(|at| cell(at).is_none()) {
            return Ok(());
        }
        let doc = match self.id.and_then(cell) {
            Some(id) => {
                let doc = id.parse().unwrap_or_else(|_| DocId::from_source(&self.source, id));
                if self.seen.insert(doc, 1).is_some() {
                    return out.fault(format!("row {number} has the id {id} of an earlier one, and was not taken"));
                }
                doc
            }
            None => {
                let mut hasher = blake3::Hasher::new();
                for cell in row {
                    hasher.update(&(cell.len() as u64).to_be_bytes()).update(cell.as_bytes());
                }
                let content = hasher.finalize().to_hex();
                let before = self.seen.entry(DocId::from_source(&self.source, &content)).or_default();
                *before += 1;
                DocId::from_source(&self.source, &format!("{content}.{before}"))
            }
        };
        let mut set = Map::new();
        let known = [Some(self.lat), Some(self.lon), self.id, self.media];
        for (at, name) in self.columns.iter().enumerate().filter(|(at, name)| !known.contains(&Some(*at)) && !name.is_empty()) {
            set.extend(cell(at).map(|cell| (name.clone(), cell.into())));
        }
        let degrees = |at: usize, most: f64| {
            let number = cell(at)?.replace(',', ".").parse::<f64>().ok()?;
            (number.abs() <= most).then_some(number)
        };
        match (degrees(self.lat, 90.0), degrees(self.lon, 180.0)) {
            (Some(lat), Some(lon)) => {
                set.insert("location".into(), json!({ "lat": lat, "lon": lon, "source": "import" }));
            }
            _ if cell(self.lat).is_some() || cell(self.lon).is_some() => {
                out.fault(format!("row {number}: latitude and longitude are no degrees; it has no place"))?;
            }
            _ => {}
        }
        if let Some(at) = self.when.and_then(cell).and_then(instant) {
            set.insert("observed_at".into(), time::format_millis(at.as_millisecond()).into());
        }
        let mut media = Vec::new();
        for name in self
            .media
            .and_then(cell)
            .into_iter()
            .flat_map(|names| names.split('|'))
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            match named(&self.folder, &self.beside, name) {
                Ok(path) if media.contains(&path) => {}
                Ok(path) => media.push(path),
                Err(why) => out.fault(format!("row {number}: a photo was not taken: {why}"))?,
            }
        }
        out.item(doc, set, media)
    }
}

/// A time, or the beginning of a day, in UTC where nothing else is said.
fn instant(text: &str) -> Option<Timestamp> {
    let local = || {
        let at: civil::DateTime = text.replace(' ', "T").parse().or_else(|_| text.parse::<civil::Date>().map(Into::into)).ok()?;
        Some(at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    };
    text.parse().ok().or_else(local)
}

#[cfg(test)]
mod tests {
    use super::super::Item;
    use super::*;

    fn rows(text: &[u8]) -> (Vec<Item>, Vec<String>, Result<(), String>) {
        super::super::tests::all("walk.csv", text)
    }

    #[test]
    fn what_a_spreadsheet_writes_is_read() {
        let text = "\u{feff}id;Latitud;Longitud;fecha;category;notas;foto\r\n\
                    7;-6,48;-76,36;2026-11-20;tala;\"dos; tres\";a.jpg|../b.jpg\r\n\
                    7;1;1;;;;\r\n;;;;;;\r\n8;91;0;soon;;;\r\n";
        let (items, faults, done) = rows(text.as_bytes());
        assert_eq!((items.len(), faults.len(), done), (2, 3, Ok(())), "{faults:?}");
        let first = &items[0];
        assert_eq!(first.doc, DocId::from_source("walk", "7"));
        assert_eq!(first.set["location"], json!({ "lat": -6.48, "lon": -76.36, "source": "import" }));
        assert_eq!((&first.set["observed_at"], &first.set["notas"]), (&json!("2026-11-20T00:00:00.000Z"), &json!("dos; tres")));
        assert_eq!(first.media.len(), 1);
        assert!(
            !items[1].set.contains_key("location")
                && !items[1].set.contains_key("observed_at")
                && items[1].set["fecha"] == "soon"
        );
    }

    #[test]
    fn rows_without_an_id_are_known_by_their_content() {
        let text = b"lat,lon,what\n1,2,a\n1,2,a\n3,4,b\n";
        let (items, faults, _) = rows(text);
        assert!(faults.is_empty() && items.len() == 3 && items[0].doc != items[1].doc);
        assert!(rows(text).0.iter().zip(&items).all(|(again, item)| again.doc == item.doc));
    }

    #[test]
    fn what_is_no_such_table_is_said() {
        assert!(rows(b"a,b\n1,2\n").2.is_err_and(|why| why.contains("no columns `lat` and `lon`")));
        assert!(rows(b"").2.is_err());
        let (items, faults, done) = rows(b"lat,lon,a\n1,2,\xff\xfe\n3,4,x\n");
        assert_eq!((items.len(), faults.len(), done), (1, 1, Ok(())));
    }
}
