//! Observations as tiles of a map, under the one filter of [`crate::query`].
//!
//! `api/tiles` asks. It promises that the counts of a zoom's tiles add up to what [`crate::query::count`] says of the same filter and
//! `has=location`. A walk over all observations makes the tiles of a whole square of four by four, which is about what a screen
//! shows, and they are kept while nothing changes: moving the map over 100,000 observations is a walk now and then. Walks are made
//! one at a time, each on all cores, and what is kept is bounded.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{Mutex, OwnedMutexGuard};

mod encode; // the form on the wire
mod grid; // what is near on the screen becomes one mark

use grid::Grid;
pub use grid::TileId;

use crate::query::{self, Filter};
use crate::store::{self, Snapshot, StoreError};

/// Bytes of tiles that are kept.
const KEPT_BYTES: usize = 4 * 1024 * 1024;

/// Squares that are kept; an empty one takes no bytes, but a place in the list.
const KEPT_SQUARES: usize = 256;

/// The tiles of a square, by column and row.
type Square = Arc<BTreeMap<(u32, u32), Bytes>>;

#[derive(Debug, PartialEq)]
struct Key {
    first: TileId,
    filter: Filter,
    /// The head of the feed: another one may have changed anything.
    head: u64,
}

/// The maker of tiles, and what it has made.
#[derive(Default)]
pub struct Tiles(Arc<Mutex<VecDeque<(Key, Square)>>>);

impl Tiles {
    /// Waits for a turn. Whoever wants the next tile of a square that is being made waits for it here, and not on one of the threads
    /// that read the store for everybody.
    pub async fn turn(&self) -> Turn {
        Turn(Arc::clone(&self.0).lock_owned().await)
    }
}

/// A turn at making tiles.
pub struct Turn(OwnedMutexGuard<VecDeque<(Key, Square)>>);

impl Turn {
    /// The tile; nothing where nothing is. Blocks.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn tile(mut self, view: &Snapshot, filter: &Filter, id: TileId) -> Result<Option<Bytes>, StoreError> {
        let first = id.square();
        let key = Key { first, filter: filter.clone(), head: store::totals(view)?.head };
        let kept = &mut *self.0;
        let square = match kept.iter().position(|(other, _)| *other == key) {
            Some(index) => {
                // The newest asked stands last.
                let found = kept.remove(index);
                let square = found.as_ref().map(|(_, square)| Arc::clone(square)).unwrap_or_default();
                kept.extend(found);
                square
            }
            None => {
                let square = make(view, filter, first)?;
                // What is of another head is never asked for again, but by a page that was left open; it goes first.
                kept.retain(|(other, _)| other.head == key.head);
                kept.push_back((key, Arc::clone(&square)));
                while kept.len() > KEPT_SQUARES || kept.iter().map(|(_, square)| size(square)).sum::<usize>() > KEPT_BYTES {
                    kept.pop_front();
                }
                square
            }
        };
        Ok(square.get(&(id.x - first.x, id.y - first.y)).cloned())
    }
}

fn size(square: &Square) -> usize {
    square.values().map(Bytes::len).sum()
}

fn make(view: &Snapshot, filter: &Filter, first: TileId) -> Result<Square, StoreError> {
    let parts = query::gather(view, filter, || Grid::new(first), |grid, _, summary| grid.add(summary))?;
    let mut grid = Grid::new(first);
    for part in parts {
        grid.merge(part);
    }
    let broken = |error: mvt::Error| StoreError::Bug(format!("a tile could not be written: {error}"));
    let tiles = grid.tiles().into_iter().map(|(place, cells)| Ok((place, encode::tile(&cells).map_err(broken)?)));
    Ok(Arc::new(tiles.collect::<Result<_, StoreError>>()?))
}
