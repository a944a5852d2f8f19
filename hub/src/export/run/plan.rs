//! What has to be known of the documents before any is written: which columns there are, which categories, and for a Shapefile how wide everything is.
//!
//! [`super::run`] makes it, before it asks the drive for room. The documents are walked through once for it, and once more where a Shapefile was asked for.

use std::ops::ControlFlow;

use super::media::Damaged;
use super::{Source, lists};
use crate::export::also::Also;
use crate::export::columns::{About, Collector, Columns, flatten};
use crate::export::formats::{qgis, shapefile};
use crate::export::legend::Legend;
use crate::export::places::Places;
use crate::query;
use crate::store::StoreError;

/// What is known before.
pub(super) struct Plan {
    pub(super) columns: Columns,
    pub(super) legend: Legend,
    /// For a Shapefile, where one was asked for.
    pub(super) fit: Option<shapefile::Fit>,
    /// How many times as long as the revisions the other files may get that were asked for.
    besides: u64,
}

impl Plan {
    pub(super) fn of(source: &Source, places: &Places) -> Result<Self, StoreError> {
        let (view, filter) = (&source.view, &source.filter);
        let (mut collector, mut legend) = (Collector::default(), source.legend.clone());
        query::each(view, filter, &mut |found| {
            collector.see(&found.document);
            legend.see(&found.document);
            Ok(ControlFlow::Continue(()))
        })?;
        let columns = collector.columns();
        let mut fit = source.also.contains(&Also::Shapefile).then(|| shapefile::Fit::new(&columns));
        if let Some(fit) = &mut fit {
            // What turns out to be damaged is left out of a cell, which makes it shorter and never longer.
            let none = Damaged::new();
            query::each(view, filter, &mut |found| {
                let about = About::of(view, &found, &source.names, &mut |kept| lists::place(source, places, &none, kept))?;
                fit.see(&columns, &flatten(&found.document, &about));
                Ok(ControlFlow::Continue(()))
            })?;
        }
        let besides = source.also.iter().map(|also| longer(*also)).sum();
        Ok(Self { columns, legend: legend.whole(), fit, besides })
    }

    /// Room that is needed for what is not in every bundle, and for the legend.
    pub(super) fn bytes(&self, revisions: u64) -> u64 {
        let signs = self.legend.signs().len() as u64;
        self.besides * revisions + self.fit.as_ref().map_or(0, shapefile::Fit::bytes) + signs * qgis::SIGN_BYTES
    }

    /// The longest file of a Shapefile.
    pub(super) fn largest(&self) -> u64 {
        self.fit.as_ref().map_or(0, shapefile::Fit::table_bytes)
    }
}

/// How many times as long as the revisions a file may get. A KMZ repeats less of a document than its revisions do, and is packed. In a GPX a point of
/// a walk takes 86 bytes, and as a phone writes it 28.
const fn longer(also: Also) -> u64 {
    match also {
        Also::Kmz => 1,
        Also::Gpx => 4,
        // It is measured beforehand.
        Also::Shapefile => 0,
    }
}
