//! Styled Map Package, version 1, as CoMapeo makes it: a zip with `style.json`, and what that names by `smp://maps.v1/path`: tiles,
//! pictures of signs, letters. The style is made safe ([`style`]) before anybody gets it.

use serde_json::Value;

use super::MapError;
use super::about::{About, Format, Kind, Schema, plain_text};
use super::bytes::{self, TILE_BYTES};
use super::tile::{MVT, Piece};
use crate::files::Handle;

mod archive; // the zip
mod style; // a stranger's style, made safe

use archive::Archive;

/// What the file begins with.
pub(super) const MAGIC: &[u8] = b"PK\x03\x04";

/// The largest style, unpacked.
const STYLE: usize = 4 * 1024 * 1024;

/// What a file of an archive goes out as, by its ending: the only endings that go out at all.
const TYPES: &[(&str, &str, Option<&str>)] = &[
    (".mvt.gz", MVT, Some("gzip")),
    (".pbf.gz", "application/x-protobuf", Some("gzip")),
    (".mvt", MVT, None),
    (".pbf", "application/x-protobuf", None),
    (".png", "image/png", None),
    (".jpg", "image/jpeg", None),
    (".jpeg", "image/jpeg", None),
    (".webp", "image/webp", None),
    (".json", "application/json", None),
];

/// An open file.
pub(super) struct Smp {
    archive: Archive,
    style: Value,
    about: About,
}

impl Smp {
    pub(super) fn open(file: Box<dyn Handle>) -> Result<Self, MapError> {
        let archive = Archive::open(file)?;
        if let Some(version) = archive.read("VERSION", 100)?
            && String::from_utf8_lossy(&version).trim().split('.').next() != Some("1")
        {
            return Err(MapError::Unreadable("a newer SMP version"));
        }
        let style = archive.read("style.json", STYLE)?.ok_or(MapError::Damaged("it has no style.json"))?;
        let style: Value = serde_json::from_slice(&style).map_err(|_| MapError::Damaged("its style.json is no JSON"))?;
        let style = style::safe(&style).ok_or(MapError::Damaged("its style.json is no style"))?;
        let about = about(&style);
        Ok(Self { archive, style, about })
    }

    pub(super) const fn about(&self) -> &About {
        &self.about
    }

    /// The style; what it names lies under `base`.
    pub(super) fn style(&self, base: &str) -> Value {
        style::at(&self.style, base)
    }

    /// A file that the style names. `None` where there is none, or none of a kind that goes out.
    pub(super) fn file(&self, path: &str) -> Result<Option<Piece>, MapError> {
        let Some(&(_, media_type, encoding)) = TYPES.iter().find(|(ending, ..)| path.ends_with(ending)) else { return Ok(None) };
        let Some(bytes) = self.archive.read(path, TILE_BYTES)? else { return Ok(None) };
        if media_type.starts_with("image/") && bytes::picture(&bytes).is_none() {
            return Err(MapError::Damaged("a tile is no picture"));
        }
        Ok(Some(Piece { bytes, media_type, encoding }))
    }
}

fn about(style: &Value) -> About {
    let sources: Vec<&Value> = style["sources"].as_object().map(|sources| sources.values().collect()).unwrap_or_default();
    let of_type = |kind: &str| sources.iter().any(|source| source["type"] == kind);
    let kind = if of_type("vector") || of_type("geojson") { Kind::Vector } else { Kind::Raster };
    let zoom = |source: &Value, name: &str| source[name].as_u64().and_then(|zoom| u8::try_from(zoom).ok());
    let minzoom = sources.iter().filter_map(|source| zoom(source, "minzoom")).min().unwrap_or(0);
    let told = style["metadata"]["smp:maxzoom"].as_u64().and_then(|zoom| u8::try_from(zoom).ok());
    let maxzoom = sources.iter().filter_map(|source| zoom(source, "maxzoom")).max().or(told).unwrap_or(super::DEEPEST);
    let box_of = |value: &Value| {
        let numbers = value.as_array().map(Vec::as_slice).unwrap_or_default();
        std::array::from_fn(|at| numbers.get(at).and_then(Value::as_f64).unwrap_or(f64::NAN))
    };
    let mut bounds: [f64; 4] = box_of(&style["metadata"]["smp:bounds"]);
    if bounds.iter().any(|number| number.is_nan()) {
        let all = sources.iter().map(|source| box_of(&source["bounds"]));
        // A number that is none loses against every other.
        bounds = all.fold([f64::NAN; 4], |a, b| [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])]);
    }
    let said: Vec<String> = sources.iter().filter_map(|source| source["attribution"].as_str()).map(plain_text).collect();
    let mut about = About::of(Format::Smp, kind, Vec::new(), bounds, (minzoom, maxzoom));
    about.schema = Schema::Own;
    about.attribution = plain_text(&said.join(" "));
    about
}
