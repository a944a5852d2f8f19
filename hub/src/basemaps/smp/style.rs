//! A stranger's style, made safe: it names nothing outside its own archive, nothing that moves or is three-dimensional, and no
//! attribution in markup (the map's is told apart, as text). What is unknown is left out; what is left draws.

use serde_json::{Map, Value, json};

use super::super::about::plain_text;

/// By which a style names what lies in the archive.
const INSIDE: &str = "smp://maps.v1/";

/// Layers that are drawn under observations.
const LAYERS: &[&str] = &["background", "fill", "line", "symbol", "raster", "circle", "heatmap", "hillshade"];

/// Sources and layers that a style may have.
const MOST: usize = 1000;

/// The style without what is not safe or not here; `None` where it is none.
pub(super) fn safe(style: &Value) -> Option<Value> {
    if style["version"] != 8 {
        return None;
    }
    let sources = style["sources"].as_object()?.iter().take(MOST);
    let sources: Map<String, Value> = sources.filter_map(|(id, source)| Some((id.clone(), safe_source(source)?))).collect();
    let layers = style["layers"].as_array()?.iter().take(MOST);
    let layers: Vec<Value> = layers.filter(|layer| is_drawn(layer, &sources)).cloned().collect();
    let mut made = json!({ "version": 8, "sources": sources, "layers": layers });
    for member in ["glyphs", "sprite"] {
        if let Some(inside) = safe_sprite(&style[member]) {
            made[member] = inside;
        }
    }
    for member in ["smp:bounds", "smp:maxzoom"] {
        if let Some(value) = style["metadata"].get(member) {
            made["metadata"][member] = value.clone();
        }
    }
    Some(made)
}

fn safe_source(source: &Value) -> Option<Value> {
    let mut made = json!({ "type": source["type"] });
    match source["type"].as_str()? {
        "vector" | "raster" => {
            let tiles = source["tiles"].as_array()?.iter().filter(|tiles| inside(tiles).is_some());
            let tiles: Vec<&Value> = tiles.take(1).collect();
            if tiles.is_empty() {
                return None;
            }
            made["tiles"] = json!(tiles);
            for member in ["minzoom", "maxzoom", "tileSize"] {
                if let Some(number) = source[member].as_u64() {
                    made[member] = number.into();
                }
            }
            if let Some(scheme @ ("xyz" | "tms")) = source["scheme"].as_str() {
                made["scheme"] = scheme.into();
            }
            if source["bounds"].as_array().is_some_and(|bounds| bounds.len() == 4 && bounds.iter().all(Value::is_number)) {
                made["bounds"] = source["bounds"].clone();
            }
        }
        "geojson" if source["data"].is_object() || inside(&source["data"]).is_some() => made["data"] = source["data"].clone(),
        _ => return None,
    }
    if let Some(attribution) = source["attribution"].as_str() {
        made["attribution"] = plain_text(attribution).into();
    }
    Some(made)
}

fn is_drawn(layer: &Value, sources: &Map<String, Value>) -> bool {
    let kind = layer["type"].as_str().unwrap_or_default();
    let has_source = layer["source"].as_str().is_some_and(|source| sources.contains_key(source));
    LAYERS.contains(&kind) && layer["id"].is_string() && (kind == "background" || has_source)
}

/// One address, or a list of `{id, url}`, of the archive.
fn safe_sprite(sprite: &Value) -> Option<Value> {
    if inside(sprite).is_some() {
        return Some(sprite.clone());
    }
    let list = sprite.as_array()?.iter().filter(|one| one["id"].is_string() && inside(&one["url"]).is_some());
    Some(list.map(|one| json!({ "id": one["id"], "url": one["url"] })).collect())
}

fn inside(address: &Value) -> Option<&str> {
    address.as_str()?.strip_prefix(INSIDE)
}

/// A safe style whose archive is reached under `base`.
pub(super) fn at(style: &Value, base: &str) -> Value {
    let mut style = style.clone();
    let lead = |address: &mut Value| {
        if let Some(path) = inside(address) {
            *address = format!("{base}{path}").into();
        }
    };
    for (_, source) in style["sources"].as_object_mut().into_iter().flatten() {
        for member in ["tiles", "data"] {
            match source.get_mut(member) {
                Some(Value::Array(tiles)) => tiles.iter_mut().for_each(lead),
                Some(address) => lead(address),
                None => {}
            }
        }
    }
    for member in ["glyphs", "sprite"] {
        match style.get_mut(member) {
            Some(Value::Array(sprites)) => sprites.iter_mut().filter_map(|sprite| sprite.get_mut("url")).for_each(lead),
            Some(address) => lead(address),
            None => {}
        }
    }
    style
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_in_the_archive_is_left() {
        let tiles =
            |address: &str| json!({ "type": "vector", "tiles": [address], "attribution": "<b onclick=x>me</b>", "maxzoom": 3 });
        let style = json!({
            "version": 8,
            "name": "A map",
            "metadata": { "smp:bounds": [1, 2, 3, 4], "more": "x" },
            "glyphs": "https://fonts.example/{fontstack}/{range}.pbf",
            "sprite": [{ "id": "a", "url": "smp://maps.v1/sprites/a" }, { "id": "b", "url": "https://b.example" }],
            "terrain": { "source": "dem" },
            "sources": {
                "in": tiles("smp://maps.v1/s/0/{z}/{x}/{y}.mvt.gz"),
                "out": tiles("https://tiles.example/{z}/{x}/{y}.mvt"),
                "film": { "type": "video", "urls": ["smp://maps.v1/x.mp4"] },
                "json": { "type": "geojson", "data": "https://data.example" },
            },
            "layers": [
                { "id": "ground", "type": "background" },
                { "id": "here", "type": "fill", "source": "in", "source-layer": "x" },
                { "id": "gone", "type": "fill", "source": "out" },
                { "id": "solid", "type": "fill-extrusion", "source": "in" },
                "no layer",
            ],
        });
        let made = at(&safe(&style).unwrap(), "/files/");
        let expected = json!({
            "version": 8,
            "metadata": { "smp:bounds": [1, 2, 3, 4] },
            "sprite": [{ "id": "a", "url": "/files/sprites/a" }],
            "sources": {
                "in": { "type": "vector", "tiles": ["/files/s/0/{z}/{x}/{y}.mvt.gz"], "attribution": "me", "maxzoom": 3 },
            },
            "layers": [{ "id": "ground", "type": "background" }, { "id": "here", "type": "fill", "source": "in", "source-layer": "x" }],
        });
        assert_eq!(made, expected);
        for bad in [json!(null), json!([]), json!({ "version": 8 }), json!({ "version": 7, "sources": {}, "layers": [] })] {
            assert_eq!(safe(&bad), None);
        }
    }
}
