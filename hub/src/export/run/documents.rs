//! The observations in all formats, side by side: each document is read once, and every file gets its line of it.
//!
//! [`super::fill`] calls [`write`] when the media are there, so that it is known which are damaged.

use std::io::Write as _;
use std::ops::ControlFlow;

use maloca_protocol::time;

use super::media::Damaged;
use super::plan::Plan;
use super::{Source, Watch, also, drive_failed, lists};
use crate::export::columns::{About, flatten};
use crate::export::formats::{csv, datapackage, geojson, gpkg, json, qgis, xlsx};
use crate::export::scope::Chosen;
use crate::export::write::Bag;
use crate::export::{Done, ExportError, bundle};
use crate::query;

/// The layer for map programs.
const GEOPACKAGE: &str = "data/observations.gpkg";

/// For offices.
const WORKBOOK: &str = "data/observations.xlsx";

/// Writes the observations in all formats side by side, and the list of media that are missing.
pub(super) fn write(
    source: &Source,
    chosen: &Chosen,
    damaged: &Damaged,
    plan: Plan,
    bag: &mut Bag,
    done: &mut Done,
    watch: &Watch<'_>,
) -> Result<(), ExportError> {
    let failed = drive_failed(bag);
    let (places, made_at) = (&chosen.places, time::format_millis(done.at));
    let (Plan { columns, legend, .. }, fit) = (&plan, plan.fit.clone());
    let mut as_json = json::Writer::new(bag.create("data/observations.json")?).map_err(&failed)?;
    let mut as_geojson = geojson::Writer::new(bag.create("data/observations.geojson")?).map_err(&failed)?;
    let mut as_csv = csv::Writer::new(bag.create("data/observations.csv")?, columns.names()).map_err(&failed)?;
    let mut as_gpkg = gpkg::Writer::new(&bag.place(GEOPACKAGE), columns, &made_at).map_err(&failed)?;
    let mut as_xlsx = xlsx::Writer::new(bag.root(), columns).map_err(&failed)?;
    let mut besides = also::Besides::begin(source, fit, legend, chosen.order.bytes(), bag, &made_at)?;
    let columns_attached = bundle::ATTACHMENT_COLUMNS.iter().copied();
    let mut attached = csv::Writer::new(bag.create(bundle::ATTACHMENT_LIST)?, columns_attached).map_err(&failed)?;
    let columns_missing = bundle::MISSING_COLUMNS.iter().copied();
    let mut missing = csv::Writer::new(bag.create(bundle::MISSING_LIST)?, columns_missing).map_err(&failed)?;
    // The walk knows errors of the store only; one of the drive is kept here and ends it.
    let mut stopped: Option<ExportError> = None;
    query::each(&source.view, &source.filter, &mut |found| {
        let one = || -> Result<(), ExportError> {
            let about = About::of(&source.view, &found, &source.names, &mut |kept| lists::place(source, places, damaged, kept))?;
            let flat = flatten(&found.document, &about);
            as_json.write(columns, &flat, &found.document).map_err(&failed)?;
            as_geojson.write(columns, &flat).map_err(&failed)?;
            as_csv.write(columns, &flat).map_err(&failed)?;
            as_gpkg.write(columns, &flat).map_err(&failed)?;
            as_xlsx.write(columns, &flat).map_err(&failed)?;
            besides.write(legend, columns, &flat).map_err(&failed)?;
            lists::attached(source, places, damaged, &found, &mut attached)?;
            if about.missing > 0 {
                done.missing += about.missing;
                lists::missing(source, damaged, &found, &mut missing)?;
            }
            done.observations += 1;
            watch.step(|progress| progress.observations += 1)
        };
        match { one }() {
            Ok(()) => Ok(ControlFlow::Continue(())),
            Err(error) => {
                stopped = Some(error);
                Ok(ControlFlow::Break(()))
            }
        }
    })?;
    stopped.map_or(Ok(()), Err)?;
    for out in [as_json.finish(), as_geojson.finish(), as_csv.finish(), attached.finish(), missing.finish()] {
        bag.add(out.map_err(&failed)?)?;
    }
    let mut out = bag.create(bundle::DATA_PACKAGE)?;
    let described = datapackage::describe(&source.origin, &done.bundle, &made_at, columns, &source.also);
    serde_json::to_writer_pretty(&mut out, &described).map_err(|error| failed(error.into()))?;
    bag.add(out)?;
    besides.finish(source, bag)?;
    let project = qgis::project(&source.origin.hub_name, legend, as_gpkg.bounds());
    let mut out = bag.create(bundle::QGIS_PROJECT)?;
    out.write_all(project.as_bytes()).map_err(&failed)?;
    bag.add(out)?;
    as_gpkg.finish(&qgis::Style::of(legend)).map_err(&failed)?;
    bag.adopt(GEOPACKAGE)?;
    as_xlsx.finish(&bag.place(WORKBOOK)).map_err(&failed)?;
    bag.adopt(WORKBOOK)
}
