//! What is here, at one glance.

use axum::extract::State;
use axum::http::StatusCode;
use maloca_protocol::{limits, time};
use serde::{Deserialize, Serialize};

use super::super::body::Json;
use super::super::{ApiError, empty};
use super::pairing::urls;
use crate::devices::turned_away::TurnedAway;
use crate::disk::Need;
use crate::export::ledger;
use crate::hub::{Hub, Settings};
use crate::query::index::cut;
use crate::store::rows::AuthorRow;
use crate::store::view::ViewExt as _;
use crate::store::{self, StoreError, T, View};

/// The hub in four words.
#[derive(Serialize)]
pub(in super::super) struct ShownHub {
    id: maloca_protocol::DeviceId,
    name: String,
    project: maloca_protocol::ProjectId,
    version: &'static str,
    devices_read_all: bool,
}

#[derive(Serialize)]
struct Counts {
    observations: u64,
    media_held: u64,
    media_bytes: u64,
    media_wanted: u64,
    media_wanted_bytes: u64,
    quarantined: u64,
    conflicts: u64,
}

#[derive(Serialize)]
struct ShownDisk {
    free_bytes: u64,
    total_bytes: u64,
    full: bool,
    /// What must be freed before anything new is taken in.
    needed_bytes: u64,
}

/// Whether phones can come in.
#[derive(Serialize)]
struct ShownService {
    /// The manager lets all devices wait.
    paused: bool,
}

/// A device that tried to come in and could not.
#[derive(Serialize)]
struct ShownAway {
    device: maloca_protocol::DeviceId,
    name: Option<String>,
    code: String,
    at: String,
    times: u64,
}

#[derive(Serialize)]
struct Trouble {
    code: &'static str,
    detail: String,
}

/// The answer of `GET /admin/overview`.
#[derive(Serialize)]
pub(in super::super) struct Overview {
    hub: ShownHub,
    now: String,
    counts: Counts,
    drives: ledger::Drives,
    disk: ShownDisk,
    service: ShownService,
    /// Devices that have not joined, the latest first.
    turned_away: Vec<ShownAway>,
    trouble: Vec<Trouble>,
}

fn shown_hub(hub: &Hub) -> ShownHub {
    let Settings { name, devices_read_all, .. } = hub.settings();
    ShownHub { id: hub.id(), name, project: hub.project, version: env!("CARGO_PKG_VERSION"), devices_read_all }
}

/// The overview of a snapshot.
pub(in super::super) fn of(hub: &Hub, view: &impl View) -> Result<Overview, StoreError> {
    let totals = store::totals(view)?;
    let (mut wanted, mut wanted_bytes) = (0, 0_u64);
    // Wanted media are counted by author: the authors are few, the media may be many.
    view.scan_prefix(T::Authors, &[], &mut |key, payload| {
        let row: AuthorRow = crate::store::view::decode(T::Authors, key, payload)?;
        wanted += row.wanted;
        wanted_bytes = wanted_bytes.saturating_add(row.wanted_bytes);
        Ok(std::ops::ControlFlow::Continue(()))
    })?;
    let room = hub.disk.room();
    let needed_bytes = hub.disk.lacks(0, Need::New);
    let full = needed_bytes > 0;
    let mut trouble = Vec::new();
    if full {
        let needed = needed_bytes.div_ceil(1_000_000);
        let detail =
            format!("The disk of this laptop is full. New records stay on the phones until at least {needed} MB are free.");
        trouble.push(Trouble { code: "disk_full", detail });
    }
    let places = hub.store.rotten_places();
    if places > 0 {
        let detail = format!(
            "The database of this laptop has gone bad in {places} places, and something that is here may not be shown. Copy \
             everything to a drive, run `maloca verify`, and do not trust this disk any longer."
        );
        trouble.push(Trouble { code: "database_damaged", detail });
    }
    if hub.clock.is_impossible() {
        let day = &hub.clock.text()[..10];
        let detail = format!(
            "The clock of this laptop says {day}, which cannot be. Set it: until then everything that comes in, and every copy, bears \
             a wrong date. Nothing is lost by it."
        );
        trouble.push(Trouble { code: "clock_impossible", detail });
    }
    Ok(Overview {
        hub: shown_hub(hub),
        now: hub.clock.text(),
        counts: Counts {
            observations: totals.observations,
            media_held: totals.media_held,
            media_bytes: totals.media_bytes,
            media_wanted: wanted,
            media_wanted_bytes: wanted_bytes,
            quarantined: totals.quarantined,
            conflicts: totals.conflicts,
        },
        drives: ledger::drives(view)?,
        disk: ShownDisk {
            free_bytes: room.map_or(0, |room| room.free),
            total_bytes: room.map_or(0, |room| room.total),
            full,
            needed_bytes,
        },
        service: ShownService { paused: hub.service.is_paused() },
        turned_away: turned_away(hub),
        trouble,
    })
}

fn turned_away(hub: &Hub) -> Vec<ShownAway> {
    let recent = hub.door.recent(hub.clock.now()).into_iter();
    recent
        .map(|TurnedAway { device, name, code, at, times }| ShownAway { device, name, code, at: time::format_millis(at), times })
        .collect()
}

/// `GET /admin/overview`
pub(in super::super) async fn get(State(hub): State<Hub>) -> Result<Json<Overview>, ApiError> {
    let shared = hub.clone();
    Ok(Json(hub.store.read(move |view| of(&shared, view)).await?))
}

/// What may be changed of the hub.
#[derive(Deserialize)]
pub(in super::super) struct Change {
    name: Option<String>,
    devices_read_all: Option<bool>,
}

/// `PATCH /admin/hub`
pub(in super::super) async fn change_hub(State(hub): State<Hub>, Json(change): Json<Change>) -> Result<Json<ShownHub>, ApiError> {
    let mut settings = hub.settings();
    if let Some(name) = change.name {
        let name = cut(name.trim(), limits::HUB_NAME_BYTES);
        if name.is_empty() {
            return Err(ApiError::bad_request("The hub needs a name of 1 to 64 bytes."));
        }
        name.clone_into(&mut settings.name);
    }
    settings.devices_read_all = change.devices_read_all.unwrap_or(settings.devices_read_all);
    hub.set(settings).await?;
    Ok(Json(shown_hub(&hub)))
}

/// The answer of `POST /admin/link`.
#[derive(Serialize)]
pub(in super::super) struct Link {
    token: String,
    port: u16,
}

/// `POST /admin/link`: a new one-time link, for `maloca open`.
pub(in super::super) async fn link(State(hub): State<Hub>) -> Json<Link> {
    Json(Link { token: hub.sessions.link(hub.clock.now()), port: hub.ports().http })
}

/// What is told of the service.
#[derive(Deserialize)]
pub(in super::super) struct Pause {
    paused: bool,
}

/// `PATCH /admin/service`: lets all devices wait, or come again.
pub(in super::super) async fn pause(State(hub): State<Hub>, Json(change): Json<Pause>) -> StatusCode {
    hub.service.pause(change.paused);
    hub.nudge.overview();
    empty()
}

/// The answer of `POST /admin/search`.
#[derive(Serialize)]
pub(in super::super) struct Searched {
    /// Where phones reach this hub; none where the machine is in no network.
    urls: Vec<String>,
    /// Who asked lately where the hub is, the latest first.
    asked: Vec<ShownAsked>,
}

#[derive(Serialize)]
struct ShownAsked {
    address: std::net::Ipv4Addr,
    interface: String,
    at: String,
}

/// `POST /admin/search`: looks at the networks anew and calls out again; says where the hub is reached, and who has asked.
pub(in super::super) async fn search(State(hub): State<Hub>) -> Json<Searched> {
    hub.service.search();
    let asked = hub.service.asked().into_iter().map(|asked| {
        let since = asked.last.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let at = time::format_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        ShownAsked { address: asked.address, interface: asked.interface, at }
    });
    Json(Searched { urls: urls(&hub), asked: asked.collect() })
}
