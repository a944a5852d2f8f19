//! What is asked for. The names are those of the API's query string.

use maloca_protocol::document::State;
use maloca_protocol::{DeviceId, DocId};

use super::area::Area;
use super::outside::Outside;
use crate::store::rows::Summary;

/// What a list goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// By the place of the document's last revision in the feed; rests on no clock.
    #[default]
    Received,
    /// By what its people say.
    Observed,
}

/// From which end a list is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
}

/// Something that a document must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Has {
    /// At least one attachment.
    Media,
    /// A conflict.
    Conflict,
    /// A place on Earth.
    Location,
    /// A parent that is missing.
    Incomplete,
}

/// Which documents. The default is: all observations that are not deleted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    /// Sort of document; `observation` where nothing is said.
    pub kind: Option<String>,
    /// Not observed before this, milliseconds since 1970.
    pub from: Option<i64>,
    /// Observed before this, milliseconds since 1970.
    pub to: Option<i64>,
    /// `set.category`.
    pub category: Option<String>,
    /// The author of the first revision.
    pub person: Option<DeviceId>,
    /// Everything that it must have.
    pub has: Vec<Has>,
    /// West, south, east, north in degrees; west may be greater than east, across the date line.
    pub bbox: Option<[f64; 4]>,
    /// Where its place must lie.
    pub within: Option<Area>,
    /// Whether all of it is, or is not, on a drive; and what is not.
    pub exported: Option<(bool, Outside)>,
    /// A text that one of its properties contains, whatever its case.
    pub q: Option<String>,
    /// Whether deleted ones are listed too.
    pub deleted: bool,
    /// Only documents to which this device wrote: what a device may see by itself.
    pub touched_by: Option<DeviceId>,
    /// Only this document.
    pub doc: Option<DocId>,
}

impl Filter {
    /// What the summary and the place of the last revision in the feed can tell; [`Filter::q`] and [`Filter::touched_by`] need more.
    #[must_use]
    pub fn admits(&self, seq: u64, summary: &Summary) -> bool {
        summary.kind == self.kind.as_deref().unwrap_or("observation")
            && (self.deleted || !summary.deleted)
            && self.from.is_none_or(|from| summary.observed_at >= from)
            && self.to.is_none_or(|to| summary.observed_at < to)
            && self.category.as_ref().is_none_or(|category| *category == summary.category)
            && self.person.is_none_or(|person| person == summary.person)
            && self.doc.is_none_or(|doc| doc == summary.doc)
            && self.has.iter().all(|has| match has {
                Has::Media => summary.has_media,
                Has::Conflict => summary.state == State::Conflict,
                Has::Location => summary.location.is_some(),
                Has::Incomplete => summary.state == State::Incomplete,
            })
            && self.exported.as_ref().is_none_or(|(wanted, outside)| *wanted != outside.has(&summary.doc, seq))
            && self.bbox.is_none_or(|bbox| summary.location.is_some_and(|place| contains(&bbox, place)))
            && self.within.as_ref().is_none_or(|area| summary.location.is_some_and(|place| area.contains(place)))
    }

    /// Whether the summary alone decides.
    #[must_use]
    pub const fn is_cheap(&self) -> bool {
        self.q.is_none() && self.touched_by.is_none()
    }

    /// Whether nothing is asked but what the totals already know.
    #[must_use]
    pub const fn is_everything(&self) -> bool {
        self.is_cheap()
            && self.kind.is_none()
            && self.from.is_none()
            && self.to.is_none()
            && self.category.is_none()
            && self.person.is_none()
            && self.has.is_empty()
            && self.bbox.is_none()
            && self.within.is_none()
            && self.exported.is_none()
            && self.doc.is_none()
            && !self.deleted
    }
}

fn contains([west, south, east, north]: &[f64; 4], (lat, lon): (f64, f64)) -> bool {
    let across = west > east;
    let in_width = if across { lon >= *west || lon <= *east } else { lon >= *west && lon <= *east };
    in_width && lat >= *south && lat <= *north
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_may_cross_the_date_line() {
        let box_ = [170.0, -20.0, -170.0, 0.0];
        assert!(contains(&box_, (-10.0, 175.0)));
        assert!(contains(&box_, (-10.0, -175.0)));
        assert!(!contains(&box_, (-10.0, 0.0)));
        assert!(!contains(&box_, (10.0, 175.0)));
    }
}
