//! A tile's marks as a Mapbox vector tile, the form that map programs read.
//!
//! One layer, `observations`, of points. Each has `count`; where that is 1 also `doc`, `category`, `state` (whole, conflict or
//! incomplete) and `media` (true or false).

use bytes::Bytes;
use maloca_protocol::document::State;
use mvt::{GeomEncoder, GeomType, Tile};

use super::grid::Cell;

/// Steps along a tile's side.
const EXTENT: u32 = 4096;

/// The layer's name.
const LAYER: &str = "observations";

/// The tile.
///
/// # Errors
/// None that these points can cause; the encoder's own are handed on.
pub(super) fn tile(cells: &[Cell]) -> Result<Bytes, mvt::Error> {
    let mut tile = Tile::new(EXTENT);
    let mut layer = tile.create_layer(LAYER);
    for cell in cells {
        let (x, y) = cell.position();
        let step = |part: f64| (part * f64::from(EXTENT)).round();
        let point = GeomEncoder::new(GeomType::Point).point(step(x), step(y))?.encode()?;
        let mut feature = layer.into_feature(point);
        feature.add_tag_uint("count", cell.count);
        if let Some(single) = &cell.single {
            feature.add_tag_string("doc", &single.doc.to_string());
            feature.add_tag_string("category", &single.category);
            feature.add_tag_string("state", word(single.state));
            feature.add_tag_bool("media", single.has_media);
        }
        layer = feature.into_layer();
    }
    tile.add_layer(layer)?;
    Ok(tile.to_bytes()?.into())
}

const fn word(state: State) -> &'static str {
    match state {
        State::Whole => "whole",
        State::Conflict => "conflict",
        State::Incomplete => "incomplete",
    }
}
