//! How the hub is, for programs and for whoever helps from afar: numbers in the form that monitoring reads, and a log bundle.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use super::super::ApiError;
use super::super::body::Json;
use super::overview;
use crate::devices::log::{self, Sum};
use crate::hub::Hub;
use crate::journal::JOURNAL;
use crate::store::{self, Snapshot, StoreError};

/// The text form of Prometheus and OpenMetrics, version 0.0.4.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Contacts in a log bundle.
const BUNDLED_CONTACTS: usize = 1_000;

/// `GET /admin/metrics`: what is here, and the contacts of 90 days added up by device.
pub(in super::super) async fn metrics(State(hub): State<Hub>) -> Result<Response, ApiError> {
    let shared = hub.clone();
    let text = hub.store.read(move |view| metrics_of(&shared, view)).await?;
    Ok(([(header::CONTENT_TYPE, METRICS)], text).into_response())
}

/// A number's name, what it means, and where it is.
type Column = (&'static str, &'static str, fn(&Sum) -> u64);

fn metrics_of(hub: &Hub, view: &Snapshot) -> Result<String, StoreError> {
    let overview = serde_json::to_value(overview::of(hub, view)?).map_err(|error| StoreError::Bug(error.to_string()))?;
    let mut text = String::new();
    let gauges = [
        ("observations", "Observations that are not deleted", "/counts/observations"),
        ("media_held", "Media files whose bytes are here", "/counts/media_held"),
        ("media_held_bytes", "Their bytes", "/counts/media_bytes"),
        ("media_wanted", "Media files that observations name and that are not here", "/counts/media_wanted"),
        ("quarantined_revisions", "Revisions of authors who are not members", "/counts/quarantined"),
        ("conflicts", "Documents with a conflict", "/counts/conflicts"),
        ("observations_not_on_drive", "Observations that no verified copy elsewhere has", "/drives/not_on_drive/observations"),
        ("media_not_on_drive", "Media files that no verified copy elsewhere has", "/drives/not_on_drive/media"),
        ("disk_free_bytes", "Free bytes on the disk of the data folder", "/disk/free_bytes"),
        ("disk_needed_bytes", "Bytes to be freed before anything new can come", "/disk/needed_bytes"),
    ];
    for (name, help, place) in gauges {
        let value = overview.pointer(place).and_then(serde_json::Value::as_u64).unwrap_or_default();
        head(&mut text, name, help);
        _ = writeln!(text, "maloca_{name} {value}");
    }
    let sums = log::sums(view)?;
    let columns: [Column; 9] = [
        ("contacts", "Contacts of the last 90 days", |sum| sum.contacts),
        ("contact_milliseconds", "How long they lasted together", |sum| sum.millis),
        ("contact_new", "Documents that they brought", |sum| sum.brought.new),
        ("contact_changed", "Documents that they changed", |sum| sum.brought.changed),
        ("contact_deleted", "Documents that they deleted", |sum| sum.brought.deleted),
        ("contact_media", "Media files that they brought", |sum| sum.brought.media),
        ("contact_bytes", "Bytes that came, repeats included", |sum| sum.brought.bytes),
        ("contact_repeats", "Revisions that were here already", |sum| sum.brought.repeats),
        ("contact_errors", "Requests that were refused or broke off", |sum| sum.brought.errors),
    ];
    for (name, help, column) in columns {
        head(&mut text, name, help);
        for (device, sum) in &sums {
            let shown = hub.devices.name(device).unwrap_or_default();
            _ = writeln!(text, "maloca_{name}{{device=\"{device}\",name=\"{}\"}} {}", escaped(&shown), column(sum));
        }
    }
    Ok(text)
}

/// All are gauges: old contacts are forgotten, so their sums go down, too.
fn head(text: &mut String, name: &str, help: &str) {
    _ = writeln!(text, "# HELP maloca_{name} {help}.\n# TYPE maloca_{name} gauge");
}

/// A label's value as the form has it; people name their phones as they like.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// How long the disk will do.
#[derive(Serialize)]
pub(in super::super) struct Storage {
    free_bytes: u64,
    total_bytes: u64,
    /// What a photo here takes on average; what one of a present phone takes where there is none.
    photo_bytes: u64,
    /// What came a day, of late; `null` before there was a whole day.
    bytes_per_day: Option<u64>,
}

/// What is called "of late", in milliseconds.
const LATELY: i64 = 30 * DAY;
const DAY: i64 = 86_400_000;

/// A photo of a phone, where none is here yet.
const USUAL_PHOTO_BYTES: u64 = 3_000_000;

/// `GET /admin/storage`: how much room is left, and what a photo and a day take of it.
pub(in super::super) async fn storage(State(hub): State<Hub>) -> Result<Json<Storage>, ApiError> {
    let shared = hub.clone();
    let storage = hub.store.read(move |view| {
        let (totals, now) = (store::totals(view)?, shared.clock.now());
        let room = shared.disk.room();
        let (first, bytes) = log::since(view, now.saturating_sub(LATELY))?;
        let millis = first.map_or(0, |first| now.saturating_sub(first));
        Ok(Storage {
            free_bytes: room.map_or(0, |room| room.free),
            total_bytes: room.map_or(0, |room| room.total),
            photo_bytes: totals.media_bytes.checked_div(totals.media_held).unwrap_or(USUAL_PHOTO_BYTES),
            bytes_per_day: (millis >= DAY).then(|| (bytes as f64 * DAY as f64 / millis as f64) as u64),
        })
    });
    Ok(Json(storage.await?))
}

/// `GET /admin/log`: one text file for whoever is asked for help: version, numbers, contacts, the last lines of the log. It holds no
/// observation, but names of devices, and addresses of this network.
pub(in super::super) async fn log_bundle(State(hub): State<Hub>) -> Result<Response, ApiError> {
    let shared = hub.clone();
    let text = hub.store.read(move |view| bundle_of(&shared, view)).await?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    let name = HeaderValue::from_static("attachment; filename=\"maloca-log.txt\"");
    headers.insert(header::CONTENT_DISPOSITION, name);
    Ok((headers, text).into_response())
}

fn bundle_of(hub: &Hub, view: &Snapshot) -> Result<String, StoreError> {
    let bug = |error: serde_json::Error| StoreError::Bug(error.to_string());
    let mut text = String::new();
    let version = env!("CARGO_PKG_VERSION");
    let (system, machine) = (std::env::consts::OS, std::env::consts::ARCH);
    _ = writeln!(text, "Maloca {version} on {system} {machine}, {}\n", hub.clock.text());
    _ = writeln!(text, "== Overview\n{}\n", serde_json::to_string_pretty(&overview::of(hub, view)?).map_err(bug)?);
    text.push_str("== Devices\n");
    for id in hub.devices.ids() {
        if let Some(card) = hub.devices.card(view, &id)? {
            _ = writeln!(text, "{}", serde_json::to_string(&card).map_err(bug)?);
        }
    }
    text.push_str("\n== Contacts, the newest first\n");
    for contact in log::page(view, None, BUNDLED_CONTACTS)?.unwrap_or_default().contacts {
        _ = writeln!(text, "{}", serde_json::to_string(&contact).map_err(bug)?);
    }
    _ = write!(text, "\n== Numbers\n{}\n== Log\n{}", metrics_of(hub, view)?, JOURNAL.text());
    Ok(text)
}
