//! Other hubs: the code that lets one in, pairing by a code that another one shows, how it goes, and once more now.

use axum::extract::State;
use axum::http::StatusCode;
use maloca_protocol::DeviceId;
use maloca_protocol::client::{JoinError, Patience};
use serde::{Deserialize, Serialize};

use super::super::ApiError;
use super::super::body::Json;
use super::pairing::Shown;
use crate::hub::Hub;
use crate::hubs::{Brought, Card};
use crate::sync::{self, PairError};
use crate::trust::pairing::Whom;

/// How long pairing waits for the other hub: a person stands before the page.
const PATIENCE: Patience = Patience::For(std::time::Duration::from_secs(10));

/// The answer of `GET /admin/hubs`.
#[derive(Serialize)]
pub(in super::super) struct Cards {
    hubs: Vec<Card>,
}

/// `GET /admin/hubs`
pub(in super::super) async fn list(State(hub): State<Hub>) -> Json<Cards> {
    Json(Cards { hubs: hub.hubs.cards() })
}

/// `POST /admin/hubs/code`: opens joining for another hub.
pub(in super::super) async fn code(State(hub): State<Hub>) -> Json<Shown> {
    let open = hub.pairing.open_for(Whom::Hub, hub.clock.now());
    Json(super::pairing::dress(&hub, open))
}

/// Which hub, and the code that its page shows.
#[derive(Deserialize)]
pub(in super::super) struct Wish {
    url: String,
    code: String,
}

/// `POST /admin/hubs`: pairs this hub with another.
pub(in super::super) async fn pair(State(hub): State<Hub>, Json(wish): Json<Wish>) -> Result<Json<Cards>, ApiError> {
    let known = Box::pin(sync::pair(&hub, wish.url.trim(), wish.code.trim(), PATIENCE)).await?;
    tracing::info!(hub = known.name, url = known.url, "paired with another hub");
    hub.nudge.overview();
    Ok(Json(Cards { hubs: hub.hubs.cards() }))
}

/// How a contact ended.
#[derive(Serialize)]
pub(in super::super) struct Ended {
    hub: DeviceId,
    name: String,
    brought: Option<Brought>,
    trouble: Option<String>,
}

/// `POST /admin/hubs/sync`: calls every known hub now, one after the other, and tells how it went.
pub(in super::super) async fn sync(State(hub): State<Hub>) -> Json<Vec<Ended>> {
    let mut all = Vec::new();
    for known in hub.hubs.all() {
        let (brought, trouble) = match Box::pin(sync::now(&hub, &known.id)).await {
            Ok(brought) => (Some(brought), None),
            Err(error) => (None, Some(error.to_string())),
        };
        all.push(Ended { hub: known.id, name: known.name, brought, trouble });
    }
    Json(all)
}

impl From<PairError> for ApiError {
    fn from(error: PairError) -> Self {
        let detail = error.to_string();
        let refused = |code: &str| Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, format!("{detail}."));
        match error {
            PairError::Store(error) => error.into(),
            PairError::Itself(_) => refused("hub_itself"),
            PairError::TooOld(_) => refused("hub_too_old"),
            PairError::Join(JoinError::Call(_)) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "hub_unreachable", format!("{detail}."))
            }
            PairError::Join(JoinError::BadUrl(_)) => refused("bad_address"),
            PairError::Join(JoinError::Stranger { .. }) => refused("stranger"),
            PairError::Join(JoinError::AnotherHub { .. } | JoinError::Unproven { .. }) => refused("hub_unproven"),
            // The other hub's own word.
            PairError::Join(JoinError::WrongCode(problem)) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, &problem.code, problem.detail)
            }
            PairError::Join(JoinError::CodeNeeded(_)) => refused("wrong_code"),
        }
    }
}
