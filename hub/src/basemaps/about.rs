//! What a map says of itself, reduced to what the page needs and may show.

use serde::Serialize;
use serde_json::Value;

/// Letters of an attribution that are kept.
const ATTRIBUTION: usize = 400;

/// Layers of a vector map that are named, and letters of each name.
const LAYERS: usize = 100;
const LAYER_NAME: usize = 100;

/// The form of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One file with directories, as Protomaps makes it.
    Pmtiles,
    /// SQLite.
    Mbtiles,
    /// A zip with its own style, as CoMapeo reads it.
    Smp,
}

impl Format {
    /// The ending of its files.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Pmtiles => "pmtiles",
            Self::Mbtiles => "mbtiles",
            Self::Smp => "smp",
        }
    }

    /// The format of files that end so, in any case.
    #[must_use]
    pub fn of_ending(ending: &str) -> Option<Self> {
        [Self::Pmtiles, Self::Mbtiles, Self::Smp].into_iter().find(|format| ending.eq_ignore_ascii_case(format.ending()))
    }
}

/// What its tiles are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Pictures.
    Raster,
    /// Shapes, which a style draws.
    Vector,
}

/// By which names a vector map calls what it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Schema {
    /// Basemaps of Protomaps.
    Protomaps,
    /// OpenMapTiles.
    Openmaptiles,
    /// By its own names.
    Other,
    /// It brings a style that knows.
    Own,
}

/// What a map says of itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct About {
    /// The form of the file.
    pub format: Format,
    /// What its tiles are.
    pub kind: Kind,
    /// By which names it calls what it shows.
    pub schema: Schema,
    /// The names of its layers; empty for pictures.
    pub layers: Vec<String>,
    /// West, south, east, north in degrees; `None` where it does not say, or says what cannot be.
    pub bounds: Option<[f64; 4]>,
    /// The first zoom that has tiles.
    pub minzoom: u8,
    /// The last one; closer, its tiles are stretched.
    pub maxzoom: u8,
    /// Whom it is from, as plain text.
    pub attribution: String,
}

impl About {
    /// What can be said of a map with these layers and bounds.
    #[must_use]
    pub fn of(format: Format, kind: Kind, layers: Vec<String>, bounds: [f64; 4], (minzoom, maxzoom): (u8, u8)) -> Self {
        let schema = schema(&layers);
        let minzoom = minzoom.min(super::DEEPEST);
        let maxzoom = maxzoom.clamp(minzoom, super::DEEPEST);
        Self { format, kind, schema, layers, bounds: sound(bounds), minzoom, maxzoom, attribution: String::new() }
    }
}

/// Bounds that are some on a map.
fn sound([west, south, east, north]: [f64; 4]) -> Option<[f64; 4]> {
    let is_place = [west, east].iter().all(|lon| lon.abs() <= 180.0) && [south, north].iter().all(|lat| lat.abs() <= 90.0);
    (is_place && west < east && south < north).then_some([west, south, east, north])
}

fn schema(layers: &[String]) -> Schema {
    let has = |name: &str| layers.iter().any(|layer| layer == name);
    if has("earth") && has("water") {
        Schema::Protomaps
    } else if has("water") && (has("transportation") || has("landcover")) || has("transportation") && has("place") {
        Schema::Openmaptiles
    } else {
        Schema::Other
    }
}

/// The names of the layers that TileJSON lists as `vector_layers`.
pub(super) fn layer_names(tilejson: &Value) -> Vec<String> {
    let layers = tilejson["vector_layers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let names = layers.iter().filter_map(|layer| layer["id"].as_str());
    names.filter(|name| name.len() <= LAYER_NAME).take(LAYERS).map(str::to_owned).collect()
}

/// An attribution as text: they are often written as HTML, with links that lead nowhere without internet.
pub(super) fn plain_text(html: &str) -> String {
    let mut text = String::new();
    let mut in_tag = false;
    for c in html.chars().take(20 * ATTRIBUTION) {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => in_tag = false,
            _ if in_tag || c.is_control() => {}
            _ => text.push(c),
        }
    }
    // The last one last, so that what stands for another sign is not read twice.
    for (entity, sign) in
        [("&copy;", "©"), ("&nbsp;", " "), ("&quot;", "\""), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]
    {
        text = text.replace(entity, sign);
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(ATTRIBUTION).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribution_is_text() {
        let html = "<a href=\"https://x\" onclick='alert(1)'>&copy; OpenStreetMap</a>\n contributors &amp;lt; <script>";
        assert_eq!(plain_text(html), "© OpenStreetMap contributors &lt;");
        assert_eq!(plain_text(&"é".repeat(9000)).chars().count(), ATTRIBUTION);
    }

    #[test]
    fn schemas_are_known_by_their_layers() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(schema(&names(&["earth", "water", "roads"])), Schema::Protomaps);
        assert_eq!(schema(&names(&["water", "transportation", "place"])), Schema::Openmaptiles);
        assert_eq!(schema(&names(&["concessions"])), Schema::Other);
        assert_eq!(schema(&[]), Schema::Other);
    }

    #[test]
    fn bounds_that_cannot_be_are_none() {
        assert_eq!(sound([-77.0, -7.0, -76.0, -6.0]), Some([-77.0, -7.0, -76.0, -6.0]));
        for bounds in [[0.0; 4], [10.0, 0.0, -10.0, 5.0], [f64::NAN, 0.0, 1.0, 1.0], [0.0, 0.0, 1e9, 1.0]] {
            assert_eq!(sound(bounds), None);
        }
    }
}
