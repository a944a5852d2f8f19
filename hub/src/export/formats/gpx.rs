//! `observations.gpx`, where it was asked for: what GPS devices and walking apps open (GPX 1.1).
//!
//! Each observation that has a place is a waypoint with title, time and notes, and one of three flags that nearly every device knows, the one
//! nearest to the colour of its category; one without a place is in the tables only.
//!
//! Each document of the kind `track` is a track; a long walk is several of them, which name the one that they continue. Its points stand under
//! `points` as the phone app writes them (`[lon, lat, accuracy_m, seconds since started_at]`), or as other programs do, under `points` or `locations`: as an
//! observation says its place (`lat`, `lon`, `altitude_m`, `at`), or as CoMapeo does (`coords` with `latitude`, `longitude`, `altitude`, and
//! `timestamp`). A part holds observations alone, and so no tracks.
//!
//! It is written as a stream, in the order that the format asks for: waypoints, then tracks.

use std::io::{self, Write};

use maloca_protocol::{Document, time};
use serde_json::Value;

use super::super::columns::{Columns, Flat};
use super::super::legend::{Colour, Legend, OTHERS};
use super::words;
use super::xml::escaped;

/// The kind of documents that are tracks.
pub const TRACK: &str = "track";

/// Writes waypoints and then tracks, one after the other.
pub struct Writer<W>(W);

impl<W: Write> Writer<W> {
    /// Begins the file. `made_at`: in the one form of a time.
    ///
    /// # Errors
    /// Where `out` refuses.
    pub fn new(mut out: W, title: &str, made_at: &str) -> io::Result<Self> {
        write!(
            out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<gpx xmlns=\"http://www.topografix.com/GPX/1/1\" version=\"1.1\" creator=\"Maloca\">\n\
             <metadata><name>{}</name><time>{made_at}</time></metadata>\n",
            escaped(title)
        )?;
        Ok(Self(out))
    }

    /// Writes an observation, if it has a place.
    ///
    /// # Errors
    /// Where `out` refuses.
    pub fn write(&mut self, legend: &Legend, columns: &Columns, flat: &Flat) -> io::Result<()> {
        let Some((lat, lon)) = flat.location else { return Ok(()) };
        let category = flat.said("category").as_str().unwrap_or_default();
        let sign = legend.sign(category).map(|(_, sign)| sign);
        write!(self.0, "<wpt lat=\"{lat}\" lon=\"{lon}\">")?;
        if let Some(altitude) = flat.said("altitude_m").as_f64() {
            write!(self.0, "<ele>{altitude}</ele>")?;
        }
        writeln!(
            self.0,
            "<time>{}</time><name>{}</name><desc>{}</desc><sym>{}</sym><type>{}</type></wpt>",
            escaped(&words::when(flat)),
            escaped(&words::title(legend, flat)),
            escaped(&words::lines(columns, flat).join("\n")),
            flag(sign.map_or(OTHERS, |sign| sign.colour)),
            escaped(sign.map_or(category, |sign| &sign.name)),
        )
    }

    /// Writes a document of the kind [`TRACK`], if it lists points.
    ///
    /// # Errors
    /// Where `out` refuses.
    pub fn track(&mut self, document: &Document) -> io::Result<()> {
        let list = ["points", "locations"].into_iter().find_map(|name| document.set.get(name).and_then(Value::as_array));
        let text = |name: &str| document.set.get(name).and_then(Value::as_str);
        let begun = text("started_at").and_then(time::parse_millis);
        let mut points = list.into_iter().flatten().filter_map(|said| walked(said, begun).or_else(|| place(said))).peekable();
        if points.peek().is_none() {
            return Ok(());
        }
        let name = text("name").unwrap_or(&document.created_at);
        let notes = text("notes").unwrap_or_default();
        writeln!(self.0, "<trk><name>{}</name><desc>{}</desc><trkseg>", escaped(name), escaped(notes))?;
        for Point { lat, lon, altitude, at } in points {
            write!(self.0, "<trkpt lat=\"{lat}\" lon=\"{lon}\">")?;
            if let Some(altitude) = altitude {
                write!(self.0, "<ele>{altitude}</ele>")?;
            }
            if let Some(at) = at {
                write!(self.0, "<time>{at}</time>")?;
            }
            writeln!(self.0, "</trkpt>")?;
        }
        writeln!(self.0, "</trkseg></trk>")
    }

    /// Ends the file.
    ///
    /// # Errors
    /// Where `out` refuses.
    pub fn finish(mut self) -> io::Result<W> {
        self.0.write_all(b"</gpx>\n")?;
        Ok(self.0)
    }
}

/// A point of a track.
#[derive(Debug, PartialEq)]
struct Point {
    lat: f64,
    lon: f64,
    altitude: Option<f64>,
    at: Option<String>,
}

/// Reads a point as the phone app writes it. `begun`: when the track was, milliseconds since 1970.
fn walked(said: &Value, begun: Option<i64>) -> Option<Point> {
    let [lon, lat, _accuracy, seconds, ..] = said.as_array()?.as_slice() else { return None };
    let at = begun.zip(seconds.as_f64()).and_then(|(begun, seconds)| begun.checked_add((seconds * 1000.0) as i64));
    on_earth(Point { lat: lat.as_f64()?, lon: lon.as_f64()?, altitude: None, at: at.and_then(written) })
}

/// A time in the one form, if it is one that a calendar has.
fn written(at: i64) -> Option<String> {
    jiff::Timestamp::from_millisecond(at).is_ok().then(|| time::format_millis(at))
}

fn on_earth(point: Point) -> Option<Point> {
    (point.lat.abs() <= 90.0 && point.lon.abs() <= 180.0).then_some(point)
}

/// Reads a point as other programs write it.
fn place(said: &Value) -> Option<Point> {
    let coords = said.get("coords").unwrap_or(said);
    let number = |names: [&str; 2]| names.into_iter().find_map(|name| coords.get(name)?.as_f64());
    let (lat, lon) = (number(["lat", "latitude"])?, number(["lon", "longitude"])?);
    let at = ["at", "timestamp"].into_iter().find_map(|name| said.get(name)).and_then(|at| match at {
        Value::String(text) => text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond),
        other => other.as_i64(),
    });
    on_earth(Point { lat, lon, altitude: number(["altitude_m", "altitude"]), at: at.and_then(written) })
}

/// The flag that is nearest to a colour.
fn flag([red, green, blue]: Colour) -> &'static str {
    if red >= green && red >= blue {
        "Flag, Red"
    } else if green >= blue {
        "Flag, Green"
    } else {
        "Flag, Blue"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use maloca_protocol::{DeviceKey, DocId, Draft, document};
    use serde_json::json;

    use super::super::xml::tests::read;

    #[test]
    fn a_track_is_read_in_each_way_of_saying_a_place() {
        let phones = json!([-76.2, -6.4, 8, 61]);
        let ours = json!({ "lat": -6.5, "lon": -76.25, "altitude_m": 300, "at": "2026-11-21T00:28:00-05:00" });
        let theirs =
            json!({ "timestamp": 1_790_000_000_000_i64, "coords": { "latitude": -6.6, "longitude": -76.3, "altitude": 310.5 } });
        let doc = DocId::from_source("gpx", "1");
        let mut draft = Draft::new(TRACK, doc, 0);
        let points = json!([phones, ours, theirs, { "lat": 91, "lon": 0 }, "nowhere", [0, 91, 1, 1], [0, 1]]);
        draft.set = json!({ "name": "a & <b>", "started_at": "2026-11-21T05:00:00.000Z", "points": points })
            .as_object()
            .cloned()
            .unwrap();
        let document = document::merge(doc, &[draft.sign(&DeviceKey::from_seed([1; 32])).unwrap()]).unwrap();
        let mut writer = Writer::new(Vec::new(), "<hub>", "2026-11-21T05:28:00.000Z").unwrap();
        writer.track(&document).unwrap();
        let text = String::from_utf8(writer.finish().unwrap()).unwrap();
        let found = read(&text);
        let all = |name: &str| found.iter().filter(|(found, ..)| found == name).collect::<Vec<_>>();
        assert_eq!(all("trkpt").len(), 3);
        assert_eq!((all("name")[0].2.as_str(), all("name")[1].2.as_str()), ("<hub>", "a & <b>"));
        let times: Vec<&str> = all("time").iter().map(|found| found.2.as_str()).skip(1).take(2).collect();
        assert_eq!(
            (all("ele")[1].2.as_str(), &times[..]),
            ("310.5", &["2026-11-21T05:01:01.000Z", "2026-11-21T05:28:00.000Z"][..])
        );
    }

    #[test]
    fn each_colour_has_a_flag() {
        assert_eq!(
            (flag([0xb3, 0x26, 0x1e]), flag([0x2f, 0x6b, 0x3c]), flag(OTHERS)),
            ("Flag, Red", "Flag, Green", "Flag, Blue")
        );
    }
}
