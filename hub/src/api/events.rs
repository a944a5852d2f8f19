//! The page's live events (SSE): what changed, told at most four times a second, and never more than fits a screen.
//!
//! A stream begins with `hello`, at which the page fetches what it shows; whatever was missed before does not matter. A
//! listener that is too slow is told `hello` again instead of being fed from a growing queue.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, stream};
use maloca_protocol::{DeviceId, DocId, MediaHash};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, MissedTickBehavior};

use super::ApiError;
use super::admin::{overview, pairing};
use crate::export::jobs::ExportJob;
use crate::feed;
use crate::hub::{Hub, Nudge};
use crate::store::{Committed, StoreError};

/// How often what has gathered is told.
const TICK: Duration = Duration::from_millis(250);

/// How often the overview is made anew while things change: it counts.
const OVERVIEW_EVERY: Duration = Duration::from_secs(1);

/// Names in one event; more are counted only, and the page fetches its list.
const NAMES: usize = 50;

/// What has changed and was not told yet.
#[derive(Default)]
struct Gathered {
    hello: bool,
    pairing: bool,
    overview: bool,
    devices: BTreeSet<DeviceId>,
    docs: BTreeSet<DocId>,
    /// The newest state of each export that changed.
    exports: BTreeMap<String, ExportJob>,
    media: BTreeSet<MediaHash>,
}

struct Listener {
    hub: Hub,
    committed: broadcast::Receiver<std::sync::Arc<Committed>>,
    nudges: broadcast::Receiver<Nudge>,
    exports: broadcast::Receiver<ExportJob>,
    ticks: tokio::time::Interval,
    gathered: Gathered,
    overview_at: Option<Instant>,
    ready: VecDeque<Event>,
}

/// `GET /events`
pub(super) async fn stream(
    State(hub): State<Hub>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + Send + use<>>, ApiError> {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let gathered = Gathered { hello: true, overview: true, ..Gathered::default() };
    let listener = Listener {
        committed: hub.store.committed(),
        nudges: hub.nudge.listen(),
        exports: hub.exports.listen(),
        ticks,
        gathered,
        overview_at: None,
        ready: VecDeque::new(),
        hub,
    };
    let events = stream::unfold(listener, |mut listener| async move {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

impl Listener {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let shutdown = self.hub.shutdown.clone();
            tokio::select! {
                () = shutdown.cancelled() => return None,
                told = self.committed.recv() => self.gathered.committed(told),
                nudge = self.nudges.recv() => self.gathered.nudged(nudge),
                job = self.exports.recv() => self.gathered.exported(job),
                _ = self.ticks.tick() => self.tell().await,
            }
        }
    }

    async fn tell(&mut self) {
        let due = self.overview_at.is_none_or(|at| at.elapsed() >= OVERVIEW_EVERY);
        let gathered = std::mem::take(&mut self.gathered);
        if gathered.overview && !due {
            self.gathered.overview = true;
        }
        let overview = gathered.overview && due;
        if overview {
            self.overview_at = Some(Instant::now());
        }
        if gathered.is_empty() && !overview {
            return;
        }
        let hub = self.hub.clone();
        let shared = hub.clone();
        match hub.store.read(move |view| Ok(gathered.events(&shared, view, overview))).await {
            Ok(Ok(events)) => self.ready.extend(events),
            Ok(Err(error)) | Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the page could not be told what changed");
                self.gathered.hello = true;
            }
        }
    }
}

impl Gathered {
    fn committed(&mut self, told: Result<std::sync::Arc<Committed>, RecvError>) {
        let Ok(told) = told else {
            self.hello = true;
            return;
        };
        self.overview = true;
        self.devices.extend(&told.devices);
        self.docs.extend(&told.docs);
        self.media.extend(&told.media);
    }

    fn nudged(&mut self, nudge: Result<Nudge, RecvError>) {
        match nudge {
            Ok(Nudge::Device(id)) => {
                self.devices.insert(id);
            }
            Ok(Nudge::Pairing) => self.pairing = true,
            Ok(Nudge::Overview) => self.overview = true,
            Err(_) => self.hello = true,
        }
    }

    fn exported(&mut self, job: Result<ExportJob, RecvError>) {
        match job {
            Ok(job) => drop(self.exports.insert(job.id.clone(), job)),
            Err(_) => self.hello = true,
        }
    }

    fn is_empty(&self) -> bool {
        !self.hello
            && !self.pairing
            && self.exports.is_empty()
            && self.devices.is_empty()
            && self.docs.is_empty()
            && self.media.is_empty()
    }

    fn events(self, hub: &Hub, view: &crate::store::Snapshot, overview: bool) -> Result<Vec<Event>, StoreError> {
        let mut events = Vec::new();
        if self.hello {
            events.push(event("hello", &serde_json::json!({ "head": feed::head(view, hub.epoch)? })));
        }
        for id in &self.devices {
            if let Some(card) = hub.devices.card(view, id)? {
                events.push(event("device", &card));
            }
        }
        if !self.docs.is_empty() {
            let count = crate::store::totals(view)?.observations;
            let docs: Vec<&DocId> = self.docs.iter().take(NAMES).collect();
            events.push(event("observations", &serde_json::json!({ "count": count, "docs": docs })));
        }
        if !self.media.is_empty() {
            let hashes: Vec<&MediaHash> = self.media.iter().take(NAMES).collect();
            events.push(event("media", &serde_json::json!({ "hashes": hashes })));
        }
        events.extend(self.exports.values().map(|job| event("export", job)));
        if self.pairing {
            events.push(event("pairing", &pairing::shown(hub)));
        }
        if overview {
            events.push(event("overview", &overview::of(hub, view)?));
        }
        Ok(events)
    }
}

fn event(name: &str, data: &impl serde::Serialize) -> Event {
    Event::default().event(name).data(serde_json::to_string(data).unwrap_or_default())
}
