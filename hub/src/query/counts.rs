//! Counts by week and category, and bare places: what an analysis of many observations is made of, without the observations.
//!
//! `api/counts` asks. It promises: the counts under a filter add up to what [`super::count`] says of it, as long as nothing is left over,
//! and what is left over is told; memory is bounded by the number of groups or places.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use maloca_protocol::DocId;

use super::filter::{Filter, Order, Sort};
use super::list::{admitted, gather, walk};
use crate::store::rows::Summary;
use crate::store::{StoreError, View};

/// Groups that are told apart: two centuries of weeks. Strangers may write any time and any category.
const MOST_GROUPS: usize = 10_000;

/// A day in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// What is counted together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Group {
    /// The Monday on which its week begins, in days since 1970.
    pub week: Option<i64>,
    /// Its category.
    pub category: Option<String>,
}

/// By what is grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct By {
    /// By weeks that begin on Monday, in a zone so many minutes east of UTC.
    pub week: Option<i64>,
    /// By category.
    pub category: bool,
}

impl By {
    fn group(self, summary: &Summary) -> Group {
        Group {
            week: self.week.map(|minutes| monday(summary.observed_at.saturating_add(minutes * 60_000))),
            category: self.category.then(|| summary.category.clone()),
        }
    }
}

/// The last Monday, in days since 1970; the first of January 1970 was a Thursday.
const fn monday(millis: i64) -> i64 {
    let day = millis.div_euclid(DAY);
    day - (day + 3).rem_euclid(7)
}

/// How many documents of each group the filter lets through, in the order of groups; and how many are in groups that found no room.
///
/// # Errors
/// Where the store fails.
pub fn groups(view: &(impl View + Sync), filter: &Filter, by: By) -> Result<(Vec<(Group, u64)>, u64), StoreError> {
    type Counts = (BTreeMap<Group, u64>, u64);
    let add = |(counts, left): &mut Counts, group: Group, count: u64| {
        if let Some(before) = counts.get_mut(&group) {
            *before += count;
        } else if counts.len() < MOST_GROUPS {
            counts.insert(group, count);
        } else {
            *left += count;
        }
    };
    let parts = gather(view, filter, Counts::default, |counts, _, summary| add(counts, by.group(summary), 1))?;
    let mut all = Counts::default();
    for (counts, left) in parts {
        all.1 += left;
        for (group, count) in counts {
            add(&mut all, group, count);
        }
    }
    Ok((all.0.into_iter().collect(), all.1))
}

/// Where a document is.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The document.
    pub doc: DocId,
    /// Latitude and longitude in degrees.
    pub place: (f64, f64),
    /// Its category.
    pub category: String,
}

/// The newest documents that the filter lets through and that have a place, at most `limit`; and whether there are more.
///
/// # Errors
/// Where the store fails.
pub fn points(view: &impl View, filter: &Filter, limit: usize) -> Result<(Vec<Point>, bool), StoreError> {
    let (mut points, mut more) = (Vec::new(), false);
    walk(view, Sort::Received, Order::Newest, None, &mut |_, seq, summary| {
        let Some(place) = summary.location else { return Ok(ControlFlow::Continue(())) };
        let counts = filter.admits(seq, summary) && (filter.is_cheap() || admitted(view, filter, seq, summary)?.is_some());
        if !counts {
            return Ok(ControlFlow::Continue(()));
        }
        if points.len() == limit {
            more = true;
            return Ok(ControlFlow::Break(()));
        }
        points.push(Point { doc: summary.doc, place, category: summary.category.clone() });
        Ok(ControlFlow::Continue(()))
    })?;
    Ok((points, more))
}

#[cfg(test)]
mod tests {
    use maloca_protocol::time;

    use super::*;

    #[test]
    fn weeks_begin_on_monday() {
        let day = |text: &str| monday(time::parse_millis(text).expect("a time"));
        assert_eq!(day("2026-11-16T00:00:00.000Z"), day("2026-11-22T23:59:59.999Z"));
        assert_eq!(day("2026-11-23T00:00:00.000Z"), day("2026-11-16T00:00:00.000Z") + 7);
        assert_eq!((monday(0), monday(-1), monday(4 * DAY)), (-3, -3, 4));
        // A clock that is beyond all bounds is no reason to fail.
        let far = Summary {
            doc: DocId::from_source("far", "1"),
            deleted: false,
            state: maloca_protocol::document::State::Whole,
            has_media: false,
            observed_at: i64::MAX,
            location: None,
            person: maloca_protocol::DeviceId([0; 32]),
            kind: "observation".into(),
            category: String::new(),
        };
        assert!(By { week: Some(840), category: false }.group(&far).week.is_some());
    }
}
