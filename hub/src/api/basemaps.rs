//! Maps that lie under observations: what there is and its tiles, for everybody inside; adding and removing, for the manager.
//!
//! What is in a map is a stranger's: it goes out with types from a fixed list, and no style before it was made safe. Since a map's id
//! is made of its bytes, what it answers never changes, and browsers may keep it.

use std::path::PathBuf;
use std::str::FromStr as _;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use maloca_protocol::rest::BASE;
use serde::{Deserialize, Serialize};

use super::body::{Asked, Json, Named};
use super::{ApiError, empty};
use crate::basemaps::{self, AddError, Basemap, Copy, Found, MapError, MapId, Piece, TilePlace};
use crate::export::drives;
use crate::hub::Hub;
use crate::store::StoreError;

/// For what can never be anything else. Only for the browser of whoever asked: others must prove who they are.
const FOR_EVER: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");

/// The answer of `GET /basemaps`.
#[derive(Serialize)]
pub(super) struct Basemaps {
    basemaps: Vec<Basemap>,
}

/// `GET /basemaps`
pub(super) async fn list(State(hub): State<Hub>) -> Result<Json<Basemaps>, ApiError> {
    let maps = hub.basemaps.clone();
    let basemaps = blocking(move || maps.list()).await?.map_err(disk_failed)?;
    Ok(Json(Basemaps { basemaps }))
}

/// `GET /tiles/basemaps/{id}/{z}/{x}/{y}`: a tile as it is stored; 204 where there is none.
pub(super) async fn tile(
    State(hub): State<Hub>,
    headers: HeaderMap,
    path: Result<Path<(String, u8, u32, u32)>, PathRejection>,
) -> Result<Response, ApiError> {
    let asked = path.ok().and_then(|Path((id, z, x, y))| Some((MapId::from_str(&id).ok()?, TilePlace::new(z, x, y)?)));
    let (id, place) = asked.ok_or_else(|| ApiError::not_found("tile"))?;
    if is_known(&headers, id) {
        return Ok(kept(StatusCode::NOT_MODIFIED.into_response(), id));
    }
    let tile = hub.basemaps.read(id, move |map| map.tile(place)).await?.ok_or_else(no_map)?;
    Ok(kept(tile.map_or_else(|| empty().into_response(), respond), id))
}

/// `GET /basemaps/{id}/style`: the style that the map brings, naming what this hub serves.
pub(super) async fn style(State(hub): State<Hub>, Named(id): Named<String>) -> Result<Response, ApiError> {
    let id = MapId::from_str(&id).map_err(|()| no_map())?;
    let base = format!("{BASE}/basemaps/{id}/parts/");
    let style = hub.basemaps.read(id, move |map| Ok(map.style(&base))).await?.flatten().ok_or_else(no_map)?;
    Ok(Json(style).into_response())
}

/// `GET /basemaps/{id}/parts/{path}`: what that style names.
pub(super) async fn part(
    State(hub): State<Hub>,
    headers: HeaderMap,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, ApiError> {
    let asked = path.ok().and_then(|Path((id, path))| Some((MapId::from_str(&id).ok()?, path)));
    let (id, path) = asked.ok_or_else(no_map)?;
    if is_known(&headers, id) {
        return Ok(kept(StatusCode::NOT_MODIFIED.into_response(), id));
    }
    let part = hub.basemaps.read(id, move |map| map.part(&path)).await?.ok_or_else(no_map)?;
    // A tile that a region does not have is no mistake of whoever asks.
    Ok(kept(part.map_or_else(|| empty().into_response(), respond), id))
}

/// Where a copy comes from.
#[derive(Deserialize)]
pub(super) struct Wish {
    path: PathBuf,
}

/// `POST /admin/basemaps`: begins to copy a file of this machine.
pub(super) async fn copy(State(hub): State<Hub>, Json(wish): Json<Wish>) -> Result<Response, ApiError> {
    if !wish.path.is_absolute() {
        return Err(ApiError::bad_request("Name the whole path of the file, beginning with a slash."));
    }
    let copy = hub.basemaps.copy_from(&wish.path, &hub.shutdown).await?;
    Ok((StatusCode::ACCEPTED, Json(copy)).into_response())
}

/// What a browser says of the file that it sends.
#[derive(Deserialize)]
pub(super) struct Upload {
    name: String,
}

/// `POST /admin/basemaps/upload?name=`: takes in a file as it comes.
pub(super) async fn upload(
    State(hub): State<Hub>,
    Asked(Upload { name }): Asked<Upload>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let len = headers.get(header::CONTENT_LENGTH).and_then(|len| len.to_str().ok()?.parse().ok());
    let Some(len) = len else {
        return Err(ApiError::new(
            StatusCode::LENGTH_REQUIRED,
            "length_required",
            "Say how long the file is, with Content-Length.",
        ));
    };
    // Boxed, so that a connection which uploads nothing does not carry its room.
    let map = Box::pin(hub.basemaps.receive(name, len, body.into_data_stream(), &hub.shutdown)).await?;
    Ok((StatusCode::CREATED, Json(map)).into_response())
}

/// How far a copy is, or how the last one ended.
#[derive(Serialize)]
pub(super) struct Copying {
    copy: Option<Copy>,
}

/// `GET /admin/basemaps/copy`
pub(super) async fn copying(State(hub): State<Hub>) -> Json<Copying> {
    Json(Copying { copy: hub.basemaps.copying() })
}

/// `DELETE /admin/basemaps/copy`: stops the copy that is under way.
pub(super) async fn stop(State(hub): State<Hub>) -> Result<StatusCode, ApiError> {
    if hub.basemaps.stop_copying() { Ok(empty()) } else { Err(ApiError::not_found("copy that is under way")) }
}

/// `GET /admin/basemaps/found`: map files on drives and in the home folder.
pub(super) async fn found(State(hub): State<Hub>) -> Result<Json<Found>, ApiError> {
    let own = hub.data.clone();
    Ok(Json(blocking(move || basemaps::find(&drives::places(drives::Use::Read), &own)).await?))
}

/// `DELETE /admin/basemaps/{id}`
pub(super) async fn remove(State(hub): State<Hub>, Named(id): Named<String>) -> Result<StatusCode, ApiError> {
    let (maps, id) = (hub.basemaps.clone(), MapId::from_str(&id).map_err(|()| no_map())?);
    let was_there = blocking(move || maps.remove(id)).await?.map_err(disk_failed)?;
    if was_there { Ok(empty()) } else { Err(no_map()) }
}

fn no_map() -> ApiError {
    ApiError::not_found("map")
}

fn disk_failed(error: std::io::Error) -> ApiError {
    MapError::Disk(error).into()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StoreError::Bug(format!("looking for maps ended early: {error}")).into())
}

fn tag(id: MapId) -> String {
    format!("\"{id}\"")
}

/// Whether the browser has this answer already, and only asks whether it still holds.
fn is_known(headers: &HeaderMap, id: MapId) -> bool {
    headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag(id).as_bytes())
}

fn kept(mut response: Response, id: MapId) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, FOR_EVER);
    if let Ok(tag) = HeaderValue::from_str(&tag(id)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

fn respond(Piece { bytes, media_type, encoding }: Piece) -> Response {
    let mut response = ([(header::CONTENT_TYPE, media_type)], bytes).into_response();
    if let Some(encoding) = encoding {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

impl From<MapError> for ApiError {
    fn from(error: MapError) -> Self {
        let status = match &error {
            MapError::Disk(_) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let problem = AddError::Map(error);
        let (code, detail) = (problem.code(), problem.sentence());
        Self::new(status, code, detail).because(problem)
    }
}

impl From<AddError> for ApiError {
    fn from(error: AddError) -> Self {
        let status = match error {
            AddError::Map(error) => return error.into(),
            AddError::Full { .. } => StatusCode::INSUFFICIENT_STORAGE,
            AddError::NoFile => StatusCode::NOT_FOUND,
            AddError::Source(_) | AddError::Disk(_) => StatusCode::SERVICE_UNAVAILABLE,
            AddError::BrokenOff => StatusCode::BAD_REQUEST,
            AddError::Cancelled | AddError::Busy => StatusCode::CONFLICT,
        };
        Self::new(status, error.code(), error.sentence())
    }
}
