//! Tiles of the map.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::ApiError;
use super::access::Caller;
use super::body::Asked;
use super::question::{Question, reader};
use crate::hub::Hub;
use crate::tiles::TileId;

const MVT: &str = "application/vnd.mapbox-vector-tile";

/// `GET /tiles/observations/{z}/{x}/{y}.mvt`: the observations of a list's filter that lie there; 204 where there are none.
pub(super) async fn observations(
    State(hub): State<Hub>,
    caller: Caller,
    path: Result<Path<(u8, u32, String)>, PathRejection>,
    Asked(question): Asked<Question>,
) -> Result<Response, ApiError> {
    let id = path.ok().and_then(|Path((z, x, file))| TileId::new(z, x, file.strip_suffix(".mvt")?.parse().ok()?));
    let id = id.ok_or_else(|| ApiError::not_found("tile"))?;
    let wanted = question.wanted(reader(&hub, caller))?;
    let turn = hub.tiles.turn().await;
    let tile = hub.store.read(move |view| turn.tile(view, &wanted.filter(view)?, id)).await?;
    Ok(match tile {
        Some(bytes) => ([(header::CONTENT_TYPE, MVT)], bytes).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}
