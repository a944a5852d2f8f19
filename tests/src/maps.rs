//! Small maps, made for tests: the forms that a manager may bring, written by other programs' libraries than the hub reads them with.
//!
//! Stories call it, and the browser's stories by the program `make_map`. All show the land around Tarapoto: a square of earth with a
//! river, a road, a forest and a village, or tiles of one colour.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Write as _};
use std::path::Path;

use flate2::Compression as Level;
use flate2::write::GzEncoder;
use image::{ImageFormat, Rgb, RgbImage};
use mvt::{GeomEncoder, GeomType, Tile};
use pmtiles::{Compression, PmTilesWriter, TileCoord, TileType};
use rusqlite::Connection;
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Tiles by zoom, column and row.
pub type Tiles = BTreeMap<(u8, u32, u32), Vec<u8>>;

/// West, south, east, north of what the maps show.
pub const BOUNDS: [f64; 4] = [-78.0, -8.0, -75.0, -5.0];

/// The colour of [`picture`]: nothing on the pages has it.
pub const COLOUR: [u8; 3] = [214, 40, 190];

/// Written as people do it, in HTML.
pub const ATTRIBUTION: &str = "<a href=\"https://example.org\">&copy; Example</a> & <script>alert(1)</script>contributors";

/// The tiles of these zooms that lie in [`BOUNDS`].
pub fn places(zooms: std::ops::RangeInclusive<u8>) -> impl Iterator<Item = (u8, u32, u32)> {
    zooms.flat_map(|z| {
        let wide = f64::from(1_u32 << z);
        let column = move |lon: f64| ((lon + 180.0) / 360.0 * wide) as u32;
        let row = move |lat: f64| {
            let lat = lat.to_radians();
            ((1.0 - (lat.tan() + 1.0 / lat.cos()).ln() / std::f64::consts::PI) / 2.0 * wide) as u32
        };
        let [west, south, east, north] = BOUNDS;
        (column(west)..=column(east)).flat_map(move |x| (row(north)..=row(south)).map(move |y| (z, x, y)))
    })
}

/// A tile of one colour.
///
/// # Panics
/// Never: memory is written to.
#[must_use]
pub fn picture() -> Vec<u8> {
    let mut png = Cursor::new(Vec::new());
    RgbImage::from_pixel(256, 256, Rgb(COLOUR)).write_to(&mut png, ImageFormat::Png).expect("memory");
    png.into_inner()
}

/// Pictures all over [`BOUNDS`].
#[must_use]
pub fn pictures(zooms: std::ops::RangeInclusive<u8>) -> Tiles {
    let tile = picture();
    places(zooms).map(|place| (place, tile.clone())).collect()
}

/// A shape of a vector tile: its layer, its tags, what it is, and its corners in 4096ths of the tile.
type Shape = (&'static str, &'static [(&'static str, &'static str)], GeomType, &'static [(f64, f64)]);

const SQUARE: &[(f64, f64)] = &[(0.0, 0.0), (4096.0, 0.0), (4096.0, 4096.0), (0.0, 4096.0)];
const RIVER: &[(f64, f64)] = &[(0.0, 1000.0), (2000.0, 1400.0), (4096.0, 1000.0)];
const ROAD: &[(f64, f64)] = &[(0.0, 3000.0), (4096.0, 3000.0)];
const WOOD: &[(f64, f64)] = &[(500.0, 1800.0), (1800.0, 1800.0), (1800.0, 2800.0), (500.0, 2800.0)];
const LAKE: &[(f64, f64)] = &[(2500.0, 1800.0), (3600.0, 1800.0), (3600.0, 2600.0), (2500.0, 2600.0)];
const VILLAGE: &[(f64, f64)] = &[(2048.0, 3000.0)];

/// The land, by the names of Protomaps.
pub const PROTOMAPS: &[Shape] = &[
    ("earth", &[("kind", "earth")], GeomType::Polygon, SQUARE),
    ("landuse", &[("kind", "forest")], GeomType::Polygon, WOOD),
    ("water", &[("kind", "lake")], GeomType::Polygon, LAKE),
    ("water", &[("kind", "river"), ("name", "Río Huallaga")], GeomType::Linestring, RIVER),
    ("roads", &[("kind", "major_road"), ("name", "Carretera")], GeomType::Linestring, ROAD),
    ("places", &[("kind", "locality"), ("name", "San Antonio")], GeomType::Point, VILLAGE),
];

/// The same, by the names of OpenMapTiles.
pub const OPENMAPTILES: &[Shape] = &[
    ("landcover", &[("class", "wood")], GeomType::Polygon, WOOD),
    ("water", &[("class", "lake")], GeomType::Polygon, LAKE),
    ("waterway", &[("class", "river"), ("name", "Río Huallaga")], GeomType::Linestring, RIVER),
    ("transportation", &[("class", "primary")], GeomType::Linestring, ROAD),
    ("place", &[("class", "village"), ("name", "San Antonio")], GeomType::Point, VILLAGE),
];

/// A vector tile of these shapes, in gzip.
///
/// # Panics
/// Never: the shapes are sound.
#[must_use]
pub fn vector(shapes: &[Shape]) -> Vec<u8> {
    let mut tile = Tile::new(4096);
    let names: std::collections::BTreeSet<&str> = shapes.iter().map(|(layer, ..)| *layer).collect();
    for name in names {
        let mut layer = tile.create_layer(name);
        for (_, tags, kind, corners) in shapes.iter().filter(|(layer, ..)| *layer == name) {
            let mut shape = GeomEncoder::new(*kind);
            for (x, y) in *corners {
                shape = shape.point(*x, *y).expect("a place in the tile");
            }
            let mut feature = layer.into_feature(shape.encode().expect("a sound shape"));
            for (key, value) in *tags {
                feature.add_tag_string(key, value);
            }
            layer = feature.into_layer();
        }
        tile.add_layer(layer).expect("each layer once");
    }
    gzip(&tile.to_bytes().expect("memory"))
}

/// The land all over [`BOUNDS`].
#[must_use]
pub fn land(shapes: &[Shape], zooms: std::ops::RangeInclusive<u8>) -> Tiles {
    let tile = vector(shapes);
    places(zooms).map(|place| (place, tile.clone())).collect()
}

/// Bytes in gzip.
///
/// # Panics
/// Never: memory is written to.
#[must_use]
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Level::default());
    packer.write_all(bytes).expect("memory");
    packer.finish().expect("memory")
}

fn layers(shapes: &[Shape]) -> Value {
    let names: std::collections::BTreeSet<&str> = shapes.iter().map(|(layer, ..)| *layer).collect();
    names.into_iter().map(|id| json!({ "id": id, "fields": {} })).collect()
}

fn zooms(tiles: &Tiles) -> (u8, u8) {
    let zooms = || tiles.keys().map(|(z, ..)| *z);
    (zooms().min().unwrap_or_default(), zooms().max().unwrap_or_default())
}

/// A `.pmtiles`, its tiles as they are given; `shapes` of a vector map name its layers.
///
/// # Panics
/// Where the disk refuses.
pub fn pmtiles(path: &Path, tiles: &Tiles, shapes: Option<&[Shape]>) {
    let (kind, packing) = match shapes {
        Some(_) => (TileType::Mvt, Compression::Gzip),
        None => (TileType::Png, Compression::None),
    };
    let metadata = json!({ "attribution": ATTRIBUTION, "vector_layers": layers(shapes.unwrap_or_default()) });
    let [west, south, east, north] = BOUNDS;
    let (minzoom, maxzoom) = zooms(tiles);
    let mut writer = PmTilesWriter::new(kind)
        .precompressed(packing)
        .min_zoom(minzoom)
        .max_zoom(maxzoom)
        .bounds(west, south, east, north)
        .metadata(metadata.to_string())
        .create(File::create(path).expect("a file"))
        .expect("room");
    for ((z, x, y), tile) in tiles {
        writer.add_tile(TileCoord::new(*z, *x, *y).expect("a tile"), tile).expect("room");
    }
    writer.finalize().expect("room");
}

/// An `.mbtiles`, with its tiles in a view over two tables, as map programs that save room write it.
///
/// # Panics
/// Where the disk refuses.
pub fn mbtiles(path: &Path, tiles: &Tiles, shapes: Option<&[Shape]>) {
    let mut database = Connection::open(path).expect("a file");
    let schema = "CREATE TABLE metadata (name TEXT, value TEXT);
                  CREATE TABLE map (zoom_level INTEGER, tile_column INTEGER, tile_row INTEGER, tile_id INTEGER);
                  CREATE UNIQUE INDEX map_index ON map (zoom_level, tile_column, tile_row);
                  CREATE TABLE images (tile_id INTEGER PRIMARY KEY, tile_data BLOB);
                  CREATE VIEW tiles AS SELECT zoom_level, tile_column, tile_row, tile_data FROM map JOIN images USING (tile_id);";
    database.execute_batch(schema).expect("room");
    let change = database.transaction().expect("a change");
    let (minzoom, maxzoom) = zooms(tiles);
    let metadata = [
        ("name", "Tarapoto".to_owned()),
        ("format", if shapes.is_some() { "pbf" } else { "png" }.to_owned()),
        ("bounds", BOUNDS.map(|degrees| degrees.to_string()).join(",")),
        ("minzoom", minzoom.to_string()),
        ("maxzoom", maxzoom.to_string()),
        ("attribution", ATTRIBUTION.to_owned()),
        ("json", json!({ "vector_layers": layers(shapes.unwrap_or_default()) }).to_string()),
    ];
    for row in metadata {
        change.execute("INSERT INTO metadata VALUES (?, ?)", row).expect("room");
    }
    let mut ids: BTreeMap<&[u8], usize> = BTreeMap::new();
    for ((z, x, y), tile) in tiles {
        let next = ids.len();
        let id = *ids.entry(tile).or_insert(next);
        if id == next {
            change.execute("INSERT INTO images VALUES (?, ?)", (id as i64, tile)).expect("room");
        }
        let from_south = (1_u32 << z) - 1 - y;
        change.execute("INSERT INTO map VALUES (?, ?, ?, ?)", (z, x, from_south, id as i64)).expect("room");
    }
    change.commit().expect("room");
}

/// A `.smp` with a vector map under a style of its own, in red: nothing on the pages draws land so.
///
/// # Panics
/// Where the disk refuses.
pub fn smp(path: &Path, tiles: &Tiles) {
    let (minzoom, maxzoom) = zooms(tiles);
    let source = json!({
        "type": "vector", "tiles": ["smp://maps.v1/s/0/{z}/{x}/{y}.mvt.gz"], "bounds": BOUNDS,
        "minzoom": minzoom, "maxzoom": maxzoom, "attribution": ATTRIBUTION,
    });
    let [red, green, blue] = COLOUR;
    let style = json!({
        "version": 8,
        "metadata": { "smp:bounds": BOUNDS, "smp:maxzoom": maxzoom },
        "glyphs": "smp://maps.v1/fonts/{fontstack}/{range}.pbf.gz",
        "sprite": "smp://maps.v1/sprites/default/sprite",
        "sources": { "land": source, "elsewhere": { "type": "raster", "tiles": ["https://tiles.example/{z}/{x}/{y}.png"] } },
        "layers": [
            { "id": "earth", "type": "fill", "source": "land", "source-layer": "earth",
              "paint": { "fill-color": format!("rgb({red},{green},{blue})") } },
            { "id": "places", "type": "symbol", "source": "land", "source-layer": "places",
              "layout": { "text-field": ["get", "name"], "text-font": ["Open Sans Regular"], "icon-image": "village" } },
            { "id": "far", "type": "raster", "source": "elsewhere" },
        ],
    });
    let mut sprite = Cursor::new(Vec::new());
    RgbImage::from_pixel(16, 16, Rgb([20, 20, 20])).write_to(&mut sprite, ImageFormat::Png).expect("memory");
    let signs = json!({ "village": { "x": 0, "y": 0, "width": 16, "height": 16, "pixelRatio": 1 } }).to_string().into_bytes();
    let mut files = vec![
        ("VERSION".to_owned(), b"1.0\n".to_vec()),
        ("style.json".to_owned(), style.to_string().into_bytes()),
        ("sprites/default/sprite.json".to_owned(), signs.clone()),
        ("sprites/default/sprite.png".to_owned(), sprite.get_ref().clone()),
        ("sprites/default/sprite@2x.json".to_owned(), signs),
        ("sprites/default/sprite@2x.png".to_owned(), sprite.into_inner()),
        ("fonts/Open Sans Regular/0-255.pbf.gz".to_owned(), gzip(b"letters")),
    ];
    files.extend(tiles.iter().map(|((z, x, y), tile)| (format!("s/0/{z}/{x}/{y}.mvt.gz"), tile.clone())));
    archive(path, &files);
}

/// A zip of these files: what has an ending of its own packing is stored, the rest deflated.
///
/// # Panics
/// Where the disk refuses.
pub fn archive(path: &Path, files: &[(String, Vec<u8>)]) {
    let mut zip = ZipWriter::new(File::create(path).expect("a file"));
    for (name, bytes) in files {
        let packed = name.ends_with(".gz") || name.ends_with(".png");
        let method = if packed { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        zip.start_file(name, SimpleFileOptions::default().compression_method(method)).expect("room");
        zip.write_all(bytes).expect("room");
    }
    zip.finish().expect("room");
}
