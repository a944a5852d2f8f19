//! What the analysis page asks: counts by week and category, and bare places, under the filter of a list.

use axum::extract::State;
use maloca_protocol::{DocId, time};
use serde::{Deserialize, Serialize};

use super::ApiError;
use super::access::Caller;
use super::body::{Asked, Json};
use super::question::{Question, reader};
use crate::hub::Hub;
use crate::query::counts::{self, By, Point};

/// Places in one answer, at most: some 2 MB, and what an old laptop's browser computes with in a second or two.
const MOST_POINTS: usize = 20_000;

/// Minutes from UTC to the farthest zone.
const FARTHEST_ZONE: i64 = 14 * 60;

/// How counts are grouped.
#[derive(Deserialize)]
pub(super) struct Grouping {
    /// `week`, `category`, or both with a comma.
    by: Option<String>,
    /// Minutes by which the reader's clock is ahead of UTC.
    zone: Option<i64>,
}

impl Grouping {
    fn by(&self) -> Result<By, ApiError> {
        let zone = self.zone.unwrap_or_default();
        if zone.abs() > FARTHEST_ZONE {
            return Err(ApiError::bad_request("`zone` is the number of minutes by which the reader's clock is ahead of UTC."));
        }
        let mut by = By::default();
        for word in self.by.as_deref().unwrap_or_default().split(',') {
            match word {
                "week" => by.week = Some(zone),
                "category" => by.category = true,
                _ => return Err(ApiError::bad_request("`by` is week, category, or both with a comma between.")),
            }
        }
        Ok(by)
    }
}

/// A group and how many are in it.
#[derive(Serialize)]
pub(super) struct ShownGroup {
    /// The Monday on which the week begins, `2026-11-16`; where grouped by week.
    #[serde(skip_serializing_if = "Option::is_none")]
    week: Option<String>,
    /// Where grouped by category.
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    count: u64,
}

/// The answer of `GET /observations/counts`.
#[derive(Serialize)]
pub(super) struct Counts {
    /// By week, then by category; only those in which there is something.
    groups: Vec<ShownGroup>,
    /// Observations of groups for which there was no room.
    left: u64,
}

/// `GET /observations/counts`
pub(super) async fn groups(
    State(hub): State<Hub>,
    caller: Caller,
    Asked(question): Asked<Question>,
    Asked(grouping): Asked<Grouping>,
) -> Result<Json<Counts>, ApiError> {
    let (wanted, by) = (question.wanted(reader(&hub, caller))?, grouping.by()?);
    let (groups, left) = hub.store.read(move |view| counts::groups(view, &wanted.filter(view)?, by)).await?;
    let day = |days: i64| time::format_millis(days.saturating_mul(24 * 60 * 60 * 1000))[..10].to_owned();
    let show = |(group, count): (counts::Group, u64)| ShownGroup { week: group.week.map(day), category: group.category, count };
    Ok(Json(Counts { groups: groups.into_iter().map(show).collect(), left }))
}

/// A place.
#[derive(Serialize)]
pub(super) struct ShownPoint {
    doc: DocId,
    lat: f64,
    lon: f64,
    category: String,
}

/// The answer of `GET /observations/points`.
#[derive(Serialize)]
pub(super) struct Points {
    /// The newest first.
    points: Vec<ShownPoint>,
    /// Whether there are more than these.
    more: bool,
}

/// `GET /observations/points`: where the observations of a list's filter are, the newest of them, and nothing else of them.
pub(super) async fn points(
    State(hub): State<Hub>,
    caller: Caller,
    Asked(question): Asked<Question>,
) -> Result<Json<Points>, ApiError> {
    let wanted = question.wanted(reader(&hub, caller))?;
    let limit = question.limit.unwrap_or(MOST_POINTS).clamp(1, MOST_POINTS);
    let (points, more) = hub.store.read(move |view| counts::points(view, &wanted.filter(view)?, limit)).await?;
    let show = |Point { doc, place: (lat, lon), category }: Point| ShownPoint { doc, lat, lon, category };
    Ok(Json(Points { points: points.into_iter().map(show).collect(), more }))
}
