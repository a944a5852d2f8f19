//! Observations on the map, gathered into cells: what is near on the screen is one mark with a count.
//!
//! [`super::Tiles`] fills one from a walk over all observations. Pure. A grid covers a square of tiles of one zoom, so that one walk
//! serves all that a screen shows of it. Positions are those of Web Mercator: 0 to 1 from west to east and from north to south.

use std::collections::BTreeMap;
use std::f64::consts::PI;

use maloca_protocol::DocId;
use maloca_protocol::document::State;

use crate::store::rows::Summary;

/// The deepest zoom.
const DEEPEST: u8 = 22;

/// From this zoom on a mark is for what is within a step or two of each other, not for what is near on the screen.
const CLOSE_UP: u8 = 15;

/// Latitude at which the square world ends.
const EDGE: f64 = 85.051_128_78;

/// A tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TileId {
    /// Zoom: the world is `2^z` tiles wide.
    pub z: u8,
    /// From the west.
    pub x: u32,
    /// From the north.
    pub y: u32,
}

impl TileId {
    /// A tile, if there is such a one.
    #[must_use]
    pub const fn new(z: u8, x: u32, y: u32) -> Option<Self> {
        if z <= DEEPEST && x < 1 << z && y < 1 << z { Some(Self { z, x, y }) } else { None }
    }

    /// The first tile of the square of up to four by four in which it lies.
    #[must_use]
    pub const fn square(self) -> Self {
        Self { z: self.z, x: self.x & !3, y: self.y & !3 }
    }
}

/// Where a place lies in the square world.
fn mercator((lat, lon): (f64, f64)) -> (f64, f64) {
    let last = 1.0 - f64::EPSILON;
    let lat = lat.clamp(-EDGE, EDGE).to_radians();
    let y = 0.5 - (PI / 4.0 + lat / 2.0).tan().ln() / (2.0 * PI);
    (((lon + 180.0) / 360.0).clamp(0.0, last), y.clamp(0.0, last))
}

/// An observation that is alone in its cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Single {
    pub(super) doc: DocId,
    pub(super) category: String,
    pub(super) state: State,
    pub(super) has_media: bool,
}

/// What is in a cell.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Cell {
    pub(super) count: u64,
    /// Sums of the positions within the tile, each 0 to 1.
    sum: (f64, f64),
    pub(super) single: Option<Single>,
}

impl Cell {
    /// Where its mark stands in the tile, 0 to 1 from west and north: in the middle of what it stands for.
    pub(super) fn position(&self) -> (f64, f64) {
        let count = self.count.max(1) as f64;
        (self.sum.0 / count, self.sum.1 / count)
    }

    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.sum = (self.sum.0 + other.sum.0, self.sum.1 + other.sum.1);
        self.single = if self.count == 1 { other.single } else { None };
    }
}

/// Cells of a square of tiles.
#[derive(Debug)]
pub(super) struct Grid {
    first: TileId,
    /// By tile, as column and row in the square, and by cell.
    cells: BTreeMap<(u32, u32, u32), Cell>,
}

impl Grid {
    /// An empty grid for the square that begins with this tile.
    pub(super) const fn new(first: TileId) -> Self {
        Self { first, cells: BTreeMap::new() }
    }

    /// Cells along each side of a tile: bounds what a tile can hold.
    const fn cells_along(&self) -> f64 {
        if self.first.z < CLOSE_UP { 16.0 } else { 64.0 }
    }

    pub(super) fn add(&mut self, summary: &Summary) {
        let Some(place) = summary.location else { return };
        let (x, y) = mercator(place);
        let across = f64::from(1_u32 << self.first.z);
        let (x, y) = (x * across, y * across);
        let (column, row) = (x.floor() as u32, y.floor() as u32);
        let (Some(column), Some(row)) = (column.checked_sub(self.first.x), row.checked_sub(self.first.y)) else { return };
        if column > 3 || row > 3 {
            return;
        }
        let (x, y) = (x.fract(), y.fract());
        let along = self.cells_along();
        let cell = ((y * along).floor() * along + (x * along).floor()) as u32;
        let cell = self.cells.entry((column, row, cell)).or_default();
        cell.count += 1;
        cell.sum = (cell.sum.0 + x, cell.sum.1 + y);
        cell.single = (cell.count == 1).then(|| Single {
            doc: summary.doc,
            category: summary.category.clone(),
            state: summary.state,
            has_media: summary.has_media,
        });
    }

    /// Takes in what another walk has gathered for the same square.
    pub(super) fn merge(&mut self, other: Self) {
        for (key, cell) in other.cells {
            self.cells.entry(key).or_default().add(cell);
        }
    }

    /// The cells of each tile that has any.
    pub(super) fn tiles(self) -> BTreeMap<(u32, u32), Vec<Cell>> {
        let mut tiles: BTreeMap<(u32, u32), Vec<Cell>> = BTreeMap::new();
        for ((column, row, _), cell) in self.cells {
            tiles.entry((column, row)).or_default().push(cell);
        }
        tiles
    }
}

#[cfg(test)]
mod tests {
    use maloca_protocol::DeviceId;
    use proptest::prelude::*;

    use super::*;

    fn at(n: usize, place: (f64, f64)) -> Summary {
        Summary {
            doc: DocId::from_source("grid", &n.to_string()),
            deleted: false,
            state: State::Whole,
            has_media: false,
            observed_at: 0,
            location: Some(place),
            person: DeviceId([0; 32]),
            kind: "observation".into(),
            category: "logging".into(),
        }
    }

    #[test]
    fn places_lie_where_the_world_has_them() {
        let near = |(a, b): (f64, f64), (c, d): (f64, f64)| (a - c).abs() < 1e-9 && (b - d).abs() < 1e-9;
        assert!(near(mercator((0.0, 0.0)), (0.5, 0.5)));
        assert!(near(mercator((EDGE, -180.0)), (0.0, 0.0)));
        // Tarapoto is in tile 4/4/8 of every map of the world.
        let (x, y) = mercator((-6.48, -76.36));
        assert_eq!(((x * 16.0).floor(), (y * 16.0).floor()), (4.0, 8.0));
        assert_eq!(TileId::new(4, 16, 0), None);
        assert_eq!(TileId::new(23, 0, 0), None);
    }

    proptest! {
        /// Whatever the zoom: over all squares each observation is counted once, and in two parts as in one.
        #[test]
        fn every_observation_is_on_the_map_once(
            places in prop::collection::vec((-90.0..=90.0_f64, -180.0..=180.0_f64), 1..60), z in 0_u8..4, split in 0_usize..60,
        ) {
            let summaries: Vec<Summary> = places.iter().enumerate().map(|(n, place)| at(n, *place)).collect();
            let across = 1_u32 << z;
            let mut total = 0;
            for x in (0..across).step_by(4) {
                for y in (0..across).step_by(4) {
                    let first = TileId { z, x, y };
                    let (mut whole, mut part, mut rest) = (Grid::new(first), Grid::new(first), Grid::new(first));
                    for (n, summary) in summaries.iter().enumerate() {
                        whole.add(summary);
                        if n < split { part.add(summary) } else { rest.add(summary) }
                    }
                    part.merge(rest);
                    let (whole, part) = (whole.tiles(), part.tiles());
                    let counts = |tiles: &BTreeMap<(u32, u32), Vec<Cell>>| -> Vec<(u64, Option<DocId>)> {
                        tiles.values().flatten().map(|cell| (cell.count, cell.single.as_ref().map(|single| single.doc))).collect()
                    };
                    prop_assert_eq!(counts(&whole), counts(&part));
                    for cell in whole.values().flatten() {
                        let (x, y) = cell.position();
                        prop_assert!((0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y));
                        prop_assert_eq!(cell.single.is_some(), cell.count == 1);
                        total += cell.count;
                    }
                }
            }
            prop_assert_eq!(total, summaries.len() as u64);
        }
    }
}
