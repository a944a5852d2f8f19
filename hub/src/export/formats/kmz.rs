//! `observations.kmz`, where it was asked for: what Google Earth and phones open. A ZIP that holds one file, `doc.kml` (OGC KML 2.2).
//!
//! Each observation that has a place is a placemark with title, notes, point and time, in the colour of its category; one without a place is in the
//! tables only. No photo is inside: with them it would be as large as all of `data/media`, and no phone would open it. The notes name
//! the files of the bundle instead; a link could not lead out of the ZIP. Programs that show a description take it for HTML, so what
//! people wrote is escaped for that first.
//!
//! It is written as a stream, without going back: lengths follow what they are the lengths of.

use std::io::{self, Write};

use zip::result::ZipError;
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

use super::super::columns::{Columns, Flat};
use super::super::legend::{Colour, Legend, OTHERS};
use super::words;
use super::xml::escaped;

/// Writes placemarks one after the other.
pub struct Writer<W: Write>(ZipWriter<StreamWriter<W>>);

impl<W: Write> Writer<W> {
    /// Begins the file. `is_large`: what it holds may take more than 4 GB, which some programs cannot open.
    ///
    /// # Errors
    /// Where `out` refuses.
    pub fn new(out: W, title: &str, legend: &Legend, is_large: bool) -> io::Result<Self> {
        let mut zip = ZipWriter::new_stream(out);
        let how = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).large_file(is_large);
        zip.start_file("doc.kml", how).map_err(refused)?;
        let title = escaped(title);
        write!(
            zip,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<kml xmlns=\"http://www.opengis.net/kml/2.2\">\n<Document>\n<name>{title}</name>\n"
        )?;
        for (at, sign) in legend.signs().iter().enumerate() {
            style(&mut zip, &format!("c{at}"), sign.colour)?;
        }
        style(&mut zip, "others", OTHERS)?;
        Ok(Self(zip))
    }

    /// Writes a document, if it has a place.
    ///
    /// # Errors
    /// Where `out` refuses.
    pub fn write(&mut self, legend: &Legend, columns: &Columns, flat: &Flat) -> io::Result<()> {
        let Some((lat, lon)) = flat.location else { return Ok(()) };
        let sign = legend.sign(flat.said("category").as_str().unwrap_or_default());
        let style = sign.map_or_else(|| "others".to_owned(), |(at, _)| format!("c{at}"));
        let lines: Vec<String> = words::lines(columns, flat).iter().map(|line| html(line)).collect();
        writeln!(
            self.0,
            "<Placemark><name>{}</name><description>{}</description><TimeStamp><when>{}</when></TimeStamp><styleUrl>#{style}</styleUrl>\
             <Point><coordinates>{lon},{lat}</coordinates></Point></Placemark>",
            escaped(&words::title(legend, flat)),
            escaped(&lines.join("<br>")),
            escaped(&words::when(flat)),
        )
    }

    /// Ends the file.
    ///
    /// # Errors
    /// Where `out` refuses.
    pub fn finish(mut self) -> io::Result<W> {
        self.0.write_all(b"</Document>\n</kml>\n")?;
        Ok(self.0.finish().map_err(refused)?.into_inner())
    }
}

/// A style; KML writes a colour from the other end, and how much of it covers what is below first.
fn style(out: &mut impl Write, id: &str, [red, green, blue]: Colour) -> io::Result<()> {
    writeln!(out, "<Style id=\"{id}\"><IconStyle><color>ff{blue:02x}{green:02x}{red:02x}</color></IconStyle></Style>")
}

/// A text as HTML shows it.
fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\n', "<br>")
}

fn refused(error: ZipError) -> io::Error {
    match error {
        ZipError::Io(error) => error,
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _};

    use maloca_protocol::{DeviceKey, DocId, Draft, document};
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::super::columns::{About, flatten};
    use super::super::xml::tests::{holdable, read};
    use super::*;

    fn written(notes: &str, category: &str, hub: &str) -> String {
        let doc = DocId::from_source("kmz", "1");
        let mut draft = Draft::new("observation", doc, 1_790_000_000_000);
        let set = json!({ "category": category, "notes": notes, "location": { "lat": -6.5, "lon": -76.25 }, "observed_at": "2026-11-21T00:28:00-05:00" });
        draft.set = set.as_object().cloned().unwrap();
        let document = document::merge(doc, &[draft.sign(&DeviceKey::from_seed([1; 32])).unwrap()]).unwrap();
        let columns = Columns::of(&document);
        let mut legend = Legend::default();
        legend.see(&document);
        let legend = legend.whole();
        let mut writer = Writer::new(Vec::new(), hub, &legend, false).unwrap();
        writer.write(&legend, &columns, &flatten(&document, &About::default())).unwrap();
        let mut zip = zip::ZipArchive::new(Cursor::new(writer.finish().unwrap())).unwrap();
        let mut kml = String::new();
        zip.by_name("doc.kml").unwrap().read_to_string(&mut kml).unwrap();
        kml
    }

    #[test]
    fn a_placemark_has_its_time_place_and_colour() {
        let read = read(&written("una línea", "tala", "Río"));
        let text = |name: &str| read.iter().rfind(|(found, ..)| found == name).map(|(.., text)| text.as_str()).unwrap();
        assert_eq!(text("when"), "2026-11-21T05:28:00.000Z");
        assert_eq!((text("coordinates"), text("styleUrl"), text("name")), ("-76.25,-6.5", "#c0", "tala 2026-11-21"));
        assert_eq!(text("description"), "una línea");
    }

    proptest! {
        #[test]
        fn no_text_is_markup(notes in any::<String>(), category in "[<>&\"'\u{0}-\u{20}a-z]{0,9}", hub in any::<String>()) {
            let read = read(&written(&notes, &category, &hub));
            prop_assert_eq!(&read.iter().find(|(name, ..)| name == "name").unwrap().2, &holdable(&hub));
            let description = &read.iter().find(|(name, ..)| name == "description").unwrap().2;
            // Whoever takes it for HTML finds the text, too.
            let description = description.replace("<br>", "\n");
            prop_assert_eq!(quick_xml::escape::unescape(&description).unwrap(), holdable(&notes));
        }
    }
}
