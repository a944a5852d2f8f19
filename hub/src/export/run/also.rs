//! The formats that a person asked for besides those which every bundle has.
//!
//! [`super::documents`] begins them, hands each document on, and ends them.

use std::io::{self, Write as _};
use std::ops::ControlFlow;

use super::{Source, drive_failed};
use crate::export::ExportError;
use crate::export::also::Also;
use crate::export::columns::{Columns, Flat};
use crate::export::formats::shapefile::{self, Fit};
use crate::export::formats::{csv, gpx, kmz};
use crate::export::legend::Legend;
use crate::export::write::{Bag, Out};
use crate::query::{self, Filter};

/// Bytes of revisions from which on a KMZ may hold more than a plain ZIP can: it holds about as much as they are.
const LARGE: u64 = 2 << 30;

/// Those that were asked for, while they are written.
pub(super) struct Besides {
    kmz: Option<kmz::Writer<Out>>,
    gpx: Option<gpx::Writer<Out>>,
    shapefile: Option<shapefile::Writer<Out>>,
}

impl Besides {
    /// Begins them. `revisions`: the bytes of those of the export.
    pub(super) fn begin(
        source: &Source,
        fit: Option<Fit>,
        legend: &Legend,
        revisions: u64,
        bag: &mut Bag,
        made_at: &str,
    ) -> Result<Self, ExportError> {
        let failed = drive_failed(bag);
        let title = &source.origin.hub_name;
        let mut besides = Self { kmz: None, gpx: None, shapefile: None };
        if source.also.contains(&Also::Kmz) {
            let out = bag.create(Also::Kmz.path())?;
            besides.kmz = Some(kmz::Writer::new(out, title, legend, revisions > LARGE).map_err(&failed)?);
        }
        if source.also.contains(&Also::Gpx) {
            besides.gpx = Some(gpx::Writer::new(bag.create(Also::Gpx.path())?, title, made_at).map_err(&failed)?);
        }
        if let Some(fit) = fit {
            let files = [bag.create(&beside("shp"))?, bag.create(&beside("shx"))?, bag.create(&beside("dbf"))?];
            besides.shapefile = Some(shapefile::Writer::new(files, fit, made_at).map_err(&failed)?);
        }
        Ok(besides)
    }

    /// Writes a document.
    pub(super) fn write(&mut self, legend: &Legend, columns: &Columns, flat: &Flat) -> io::Result<()> {
        self.kmz.as_mut().map_or(Ok(()), |kmz| kmz.write(legend, columns, flat))?;
        self.gpx.as_mut().map_or(Ok(()), |gpx| gpx.write(legend, columns, flat))?;
        self.shapefile.as_mut().map_or(Ok(()), |shapefile| shapefile.write(columns, flat))
    }

    /// Ends them, and writes what stands after or beside the documents.
    pub(super) fn finish(self, source: &Source, bag: &mut Bag) -> Result<(), ExportError> {
        let failed = drive_failed(bag);
        if let Some(kmz) = self.kmz {
            bag.add(kmz.finish().map_err(&failed)?)?;
        }
        if let Some(mut gpx) = self.gpx {
            tracks(source, &mut gpx, &failed)?;
            bag.add(gpx.finish().map_err(&failed)?)?;
        }
        let Some(shapefile) = self.shapefile else { return Ok(()) };
        let shapefile::Written { files, fields } = shapefile.finish().map_err(&failed)?;
        for out in files {
            bag.add(out)?;
        }
        for (ending, text) in [("prj", shapefile::PROJECTION), ("cpg", shapefile::ENCODING)] {
            let mut out = bag.create(&beside(ending))?;
            out.write_all(text.as_bytes()).map_err(&failed)?;
            bag.add(out)?;
        }
        let columns = shapefile::FIELD_COLUMNS.iter().copied();
        let mut list = csv::Writer::new(bag.create(shapefile::FIELD_LIST)?, columns).map_err(&failed)?;
        for row in fields {
            list.row(row).map_err(&failed)?;
        }
        bag.add(list.finish().map_err(&failed)?)
    }
}

/// A file of the Shapefile by its ending.
fn beside(ending: &str) -> String {
    format!("{}{ending}", Also::Shapefile.path().trim_end_matches("shp"))
}

/// Adds the tracks that the bundle holds: all, or what is new for the drive. A part is of observations.
fn tracks(source: &Source, gpx: &mut gpx::Writer<Out>, failed: &dyn Fn(io::Error) -> ExportError) -> Result<(), ExportError> {
    if source.scope.part().is_some() {
        return Ok(());
    }
    let filter = Filter { kind: Some(gpx::TRACK.to_owned()), ..source.filter.clone() };
    let mut stopped = Ok(());
    query::each(&source.view, &filter, &mut |found| {
        stopped = gpx.track(&found.document);
        Ok(if stopped.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    stopped.map_err(failed)
}
