//! Brings this hub and others of its project to the same: revisions first, then media, both ways, over calls that any device
//! may make, through the same intake.
//!
//! `cli/serve` starts [`run`], which calls each known hub after each commit and every ten seconds; `maloca sync` and the manager's page ask for
//! [`now`]. It promises: what comes in is judged by its own bytes, as from everybody, and quotas never hold between hubs; whatever was
//! carried over before a contact broke off stays, and the next one finds only what still differs; a hub that hangs keeps nobody else
//! waiting; "in sync" is said only where both keep exactly the same revisions and neither wants media that the other holds.
//! Memory: one batch of revisions, a few pieces of media, and a page of what is wanted for each hub that is called.
//!
//! One of the two calls: the one whose manager typed the other's code. A contact carries over both ways.

mod contact; // one contact, from the first question to the verdict
mod media; // media both ways
mod pair; // two hubs are let into each other's sight, once

use std::collections::HashMap;
use std::time::Duration;

use maloca_protocol::client::{CallError, JoinError, Patience};
use maloca_protocol::{DeviceId, reconcile};
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;

pub use pair::{PairError, pair};

use crate::hub::Hub;
use crate::hubs::{Brought, Known};
use crate::media::uploads::UploadError;
use crate::store::StoreError;

/// How often a hub is called where nothing has happened here: something may have happened there. Where nothing has, that is two round trips.
const EVERY: Duration = Duration::from_secs(10);

/// How long commits are gathered before a hub is called for them.
const GATHERED: Duration = Duration::from_secs(2);

/// The first pause after a contact that failed; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest: laptops that meet shall not wait long.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long a contact goes on trying where the other hub falls silent.
const PATIENCE: Patience = Patience::For(Duration::from_secs(20));

/// Why a contact ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// A call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The other side is not the known hub, or of another project.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// The own store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An upload into the own media failed.
    #[error(transparent)]
    Media(#[from] UploadError),
    /// The other hub's messages make no sense.
    #[error("what the other hub says about its records makes no sense: {0}")]
    Nonsense(#[from] reconcile::Refused),
    /// This hub's order of its revisions is not whole.
    #[error("the records must be put in order first, which is done when the hub starts; start it again")]
    NotInOrder,
    /// This hub's disk is full.
    #[error("this hub's disk is full; free at least {} MB", .0.div_ceil(1_000_000).max(1))]
    Full(u64),
    /// This hub does not know that one.
    #[error("this hub has not been paired with that one; give the code that the other manager's page shows for a hub")]
    NotPaired,
}

/// Calls a hub once.
///
/// # Errors
/// See [`SyncError`]; what was carried over before stays.
pub async fn now(hub: &Hub, id: &DeviceId) -> Result<Brought, SyncError> {
    let known = hub.hubs.get(id).ok_or(SyncError::NotPaired)?;
    call(hub, &known, PATIENCE).await
}

async fn call(hub: &Hub, known: &Known, patience: Patience) -> Result<Brought, SyncError> {
    hub.hubs.note(&known.id, |going| {
        going.busy = true;
        going.brought = Brought::default();
    });
    let done = Box::pin(contact::contact(hub, known, patience)).await;
    let at = hub.clock.now();
    hub.hubs.note(&known.id, |going| {
        going.busy = false;
        match &done {
            Ok(brought) => {
                going.brought = *brought;
                going.synced_at = Some(at);
                going.trouble = None;
            }
            Err(error) => going.trouble = Some(error.to_string()),
        }
    });
    hub.nudge.overview();
    done
}

/// Calls all known hubs, each by a task of its own, until the hub's shutdown.
pub async fn run(hub: Hub) {
    let mut tasks = JoinSet::new();
    let mut called: HashMap<DeviceId, tokio::task::AbortHandle> = HashMap::new();
    let mut look = tokio::time::interval(GATHERED);
    loop {
        tokio::select! {
            () = hub.shutdown.cancelled() => return,
            _ = look.tick() => {}
        }
        while tasks.try_join_next().is_some() {}
        for known in hub.hubs.all() {
            let task = called.get(&known.id).filter(|task| !task.is_finished());
            if task.is_none() {
                called.insert(known.id, tasks.spawn(keep_calling(hub.clone(), known.id)));
            }
        }
    }
}

/// Calls one hub again and again.
async fn keep_calling(hub: Hub, id: DeviceId) {
    let mut pause = FIRST_PAUSE;
    let mut news = hub.store.committed();
    while let Some(known) = hub.hubs.get(&id) {
        if hub.service.is_paused() {
            tokio::time::sleep(GATHERED).await;
            continue;
        }
        // What is committed from here on is news; the contact itself commits what it brings, which calls once more and finds nothing.
        news = news.resubscribe();
        match call(&hub, &known, PATIENCE).await {
            Ok(brought) => {
                if brought.pulled + brought.pushed + brought.media_pulled + brought.media_pushed > 0 {
                    tracing::info!(hub = known.name, ?brought, "carried over");
                }
                pause = FIRST_PAUSE;
                wait_for_news(&mut news).await;
            }
            Err(error) => {
                tracing::info!(hub = known.name, %error, again_in = ?pause, "not in sync with this hub");
                tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..=1.0))).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

async fn wait_for_news(news: &mut tokio::sync::broadcast::Receiver<std::sync::Arc<crate::store::Committed>>) {
    let heard = async {
        loop {
            match news.recv().await {
                // A commit that changed no record: what devices told, or a session.
                Ok(committed) if committed.docs.is_empty() && committed.media.is_empty() && committed.devices.is_empty() => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    };
    if tokio::time::timeout(EVERY.mul_f64(rand::random_range(0.8..=1.2)), heard).await.is_ok() {
        tokio::time::sleep(GATHERED).await;
    }
}
