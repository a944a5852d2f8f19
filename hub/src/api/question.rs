//! The query string by which observations are chosen: the same for lists, counts, categories, tiles of the map and exports.
//!
//! It promises that a value which cannot be meant is refused with a sentence, and never taken for "everything".

use maloca_protocol::{DeviceId, time};
use serde::Deserialize;

use super::ApiError;
use super::access::Caller;
use crate::export::carried;
use crate::hub::Hub;
use crate::query::area::CORNERS;
use crate::query::{Area, Filter, Has, Order, Outside, Sort, Stretch};
use crate::store::{StoreError, View};

/// Documents on a page where nothing is said, and at most.
const PAGE: usize = 50;
const LONGEST_PAGE: usize = 500;

/// The names by which observations are chosen; the others of a [`Question`] say how a list is given.
pub(super) const CHOOSING: [&str; 9] = ["category", "person", "from", "to", "q", "bbox", "within", "exported", "has"];

/// What a list, a count or a tile of observations may be asked, each member a name of the query string.
#[derive(Deserialize)]
pub(super) struct Question {
    pub(super) limit: Option<usize>,
    after: Option<String>,
    skip: Option<u64>,
    sort: Option<String>,
    order: Option<String>,
    kind: Option<String>,
    category: Option<String>,
    person: Option<DeviceId>,
    from: Option<String>,
    to: Option<String>,
    q: Option<String>,
    bbox: Option<String>,
    within: Option<String>,
    exported: Option<String>,
    has: Option<String>,
    deleted: Option<String>,
    pub(super) format: Option<String>,
}

impl Question {
    /// What is wanted, as far as it can be read without the store.
    pub(super) fn wanted(&self, touched_by: Option<DeviceId>) -> Result<Wanted, ApiError> {
        let has = self.has.as_deref().unwrap_or_default().split(',').filter(|word| !word.is_empty()).map(|word| match word {
            "media" => Ok(Has::Media),
            "conflict" => Ok(Has::Conflict),
            "location" => Ok(Has::Location),
            "incomplete" => Ok(Has::Incomplete),
            _ => Err(ApiError::bad_request("`has` knows media, conflict, location and incomplete, separated by commas.")),
        });
        let exported = match self.exported.as_deref() {
            None | Some("") => None,
            Some("yes") => Some(true),
            Some("no") => Some(false),
            Some(_) => return Err(ApiError::bad_request("`exported` is yes or no.")),
        };
        let filter = Filter {
            kind: self.kind.clone(),
            from: self.from.as_deref().map(moment).transpose()?,
            to: self.to.as_deref().map(moment).transpose()?,
            category: self.category.clone(),
            person: self.person,
            has: has.collect::<Result<_, _>>()?,
            bbox: self.bbox.as_deref().map(bbox).transpose()?,
            q: self.q.clone().filter(|q| !q.trim().is_empty()),
            deleted: self.deleted.as_deref() == Some("include"),
            within: self.within.as_deref().map(area).transpose()?,
            // Known once the ledger is read.
            exported: None,
            touched_by,
            doc: None,
        };
        Ok(Wanted { filter, exported })
    }

    /// Which page of the list.
    pub(super) fn stretch(&self) -> Result<Stretch, ApiError> {
        let sort = match self.sort.as_deref() {
            None | Some("received") => Sort::Received,
            Some("observed") => Sort::Observed,
            Some(_) => return Err(ApiError::bad_request("`sort` is received or observed.")),
        };
        let order = match self.order.as_deref() {
            None | Some("newest") => Order::Newest,
            Some("oldest") => Order::Oldest,
            Some(_) => return Err(ApiError::bad_request("`order` is newest or oldest.")),
        };
        let limit = self.limit.unwrap_or(PAGE).clamp(1, LONGEST_PAGE);
        Ok(Stretch { sort, order, after: self.after.clone(), skip: self.skip.unwrap_or_default(), limit })
    }
}

/// A day (its beginning, UTC) or a time.
fn moment(text: &str) -> Result<i64, ApiError> {
    let wrong = || ApiError::bad_request("`from` and `to` are days like 2026-11-21 or times like 2026-11-21T05:28:00Z.");
    if let Ok(stamp) = text.parse::<jiff::Timestamp>() {
        return Ok(stamp.as_millisecond());
    }
    time::parse_millis(&format!("{text}T00:00:00.000Z")).ok_or_else(wrong)
}

fn bbox(text: &str) -> Result<[f64; 4], ApiError> {
    let wrong = || ApiError::bad_request("`bbox` is west,south,east,north in degrees.");
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|number| number.trim().parse()).collect();
    let numbers = numbers.map_err(|_| wrong())?;
    let numbers: [f64; 4] = numbers.try_into().map_err(|_| wrong())?;
    if numbers.iter().all(|number| number.is_finite()) { Ok(numbers) } else { Err(wrong()) }
}

fn area(text: &str) -> Result<Area, ApiError> {
    let wrong = || {
        let most = CORNERS;
        ApiError::bad_request(format!(
            "`within` is lon lat,lon lat,… with `;` between the rings of a polygon and `|` between polygons, in degrees, {most} corners at most."
        ))
    };
    Area::parse(text).ok_or_else(wrong)
}

/// A filter that may still want to know what is on a drive.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    filter: Filter,
    exported: Option<bool>,
}

impl Wanted {
    /// The filter for a snapshot.
    pub(super) fn filter(&self, view: &impl View) -> Result<Filter, StoreError> {
        let outside = |wanted| Ok::<_, StoreError>((wanted, Outside::of(view, carried::on_drives(view)?)?));
        let exported = self.exported.map(outside).transpose()?;
        Ok(Filter { exported, ..self.filter.clone() })
    }
}

/// Whose documents alone the caller may read; `None` for everybody's.
pub(super) fn reader(hub: &Hub, caller: Caller) -> Option<DeviceId> {
    match caller {
        Caller::Device { id, .. } if !hub.settings().devices_read_all => Some(id),
        _ => None,
    }
}
