//! One contact with a hub: state, push, media, pull, state.
//!
//! [`super::Device::sync`] is this. It promises: with nothing new, one round trip; what was interrupted anywhere goes on from there the
//! next time; a hub that was restored or replaced, or lacks what it once acknowledged, is offered everything again; "in sync"
//! is said only of nothing unsent or parked, equal fingerprints and nothing wanted.

use std::fmt;
use std::sync::Arc;

use reqwest::Method;

use super::http::{CallError, HubClient, Patience};
use super::pair::JoinError;
use super::pull::{self, Pulled};
use super::store::{KnownHub, Store, StoreError};
use super::{push, upload};
use crate::ids::{DeviceId, DocId, MediaHash, RevisionId};
use crate::limits;
use crate::rest::{Receipt, SignedReceipt, StateReport, Unsent};

/// How to sync.
#[derive(Clone, Default)]
pub struct SyncOptions {
    /// How long to go on trying where the hub cannot be reached. Default: for ever.
    pub patience: Patience,
    /// Whether to read what others wrote. Default: no.
    pub pull: bool,
    /// Seconds that the hub may wait for news while pulling where there is none. Default: 0.
    pub wait: u64,
    /// Charge of the battery, 0 to 1, where known.
    pub battery: Option<f64>,
    /// Told of each step forward.
    pub watch: Watch,
}

type Tell = dyn Fn(&SyncReport) + Send + Sync;

/// Whom to tell of progress.
#[derive(Clone, Default)]
pub struct Watch(Option<Arc<Tell>>);

impl Watch {
    /// Calls `tell` at each step; it must not block.
    pub fn new(tell: impl Fn(&SyncReport) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(tell)))
    }

    pub(super) fn tell(&self, report: &SyncReport) {
        if let Some(tell) = &self.0 {
            tell(report);
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Watch(…)" } else { "Watch" })
    }
}

/// Why a contact ended before its end. Whatever was acknowledged until then is noted; nothing is lost.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// A call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The hub at the known address is not the known hub.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// The device's own store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// This device has not joined this hub.
    #[error("this device has not joined that hub")]
    NotJoined,
    /// The receipt is not this hub's word to this device.
    #[error("the hub's receipt is not signed by it, or is for another device; nothing of it was believed")]
    BadReceipt,
}

/// A revision that was refused in this contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its document.
    pub doc: DocId,
    /// Its id.
    pub id: RevisionId,
    /// The stable name of the refusal.
    pub code: String,
    /// What is wrong and what to do.
    pub detail: String,
}

/// A media file that cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedMedia {
    /// Its hash when it was attached.
    pub hash: MediaHash,
    /// Its name.
    pub name: String,
    /// The stable name of the refusal.
    pub code: String,
    /// What is wrong and what to do.
    pub detail: String,
}

/// What a contact brought.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SyncReport {
    /// What waited when the contact began.
    pub began_with: Unsent,
    /// Revisions that the hub took in.
    pub stored: u64,
    /// How many of them began a document; the others change one.
    pub began: u64,
    /// Revisions that it held already.
    pub duplicate: u64,
    /// Revisions that it keeps, but shows only when their author is a member.
    pub quarantined: u64,
    /// Revisions that it will perhaps take another day; they go on waiting.
    pub later: u64,
    /// Revisions that it refused; they are parked.
    pub refused_count: u64,
    /// The first of them.
    pub refused: Vec<Refused>,
    /// Media that were sent.
    pub media_sent: u64,
    /// Their bytes.
    pub media_bytes: u64,
    /// Media that the hub held already.
    pub media_had: u64,
    /// Media that cannot be sent.
    pub media_refused: Vec<RefusedMedia>,
    /// Revisions of others that are new here.
    pub pulled: u64,
    /// Entries of the hub's feed that were not valid.
    pub pull_refused: u64,
    /// Bytes of bodies that were sent, tries that failed included.
    pub bytes_sent: u64,
    /// Whether the hub was offered everything again, and so is not the one it was.
    pub began_again: bool,
    /// What still waits.
    pub unsent: Unsent,
    /// The hub's last word.
    pub receipt: Option<Receipt>,
    /// Whether nothing is unsent or parked, the hub holds exactly the acknowledged revisions, and wants nothing.
    pub in_sync: bool,
}

/// One contact.
pub(super) async fn sync(
    store: &Store,
    client: &HubClient,
    hub: DeviceId,
    options: &SyncOptions,
) -> Result<SyncReport, SyncError> {
    let (client, already) = (client.with_patience(options.patience), client.sent());
    let mut report = SyncReport::default();
    let contact = Contact { store, client: &client, hub, options };
    let done = contact.run(&mut report).await;
    report.bytes_sent = client.sent() - already;
    options.watch.tell(&report);
    done.map(|()| report)
}

struct Contact<'a> {
    store: &'a Store,
    client: &'a HubClient,
    hub: DeviceId,
    options: &'a SyncOptions,
}

/// The hub's word, and how it stands to ours.
struct Standing {
    receipt: Receipt,
    known: KnownHub,
    unsent: Unsent,
    /// It is in another life than last time, or behind; then its receipt is not kept yet.
    is_another: Option<SignedReceipt>,
    /// It asks for media again that it had; then its receipt is kept only when they were offered.
    signed: Option<SignedReceipt>,
}

impl Standing {
    /// Nothing of ours waits, yet the hub wants more than it did: its disk has spoilt what it had.
    fn asks_again(&self) -> bool {
        let before = self.known.receipt.as_ref().map_or(0, |signed| signed.receipt.wanted);
        self.unsent.media == 0 && self.receipt.wanted > before
    }

    /// All was acknowledged, yet the hub holds another set.
    fn differs(&self) -> bool {
        self.unsent.revisions == 0 && self.unsent.parked == 0 && self.receipt.author != self.known.acked
    }
}

impl Contact<'_> {
    async fn run(&self, report: &mut SyncReport) -> Result<(), SyncError> {
        let mut now = self.state().await?;
        report.began_with = now.unsent;
        // What the hub has of ours and we lack comes back only if we ask for it: this device was restored, or an answer was lost.
        let mut echo = now.receipt.author.count > now.known.acked.count && now.known.cursor.is_none();
        let mut again = now.is_another.is_some() || now.differs();
        let mut asked_again = false;
        for _ in 0..2 {
            if again {
                tracing::warn!("the hub is not the one it was, or lacks what it acknowledged; offering everything again");
                let hub = self.hub;
                let receipt = now.is_another.take();
                // The receipt that told us so is kept in the same commit: were it kept before, a kill in between would hide it.
                self.store.run(move |tx, key| tx.begin_again(key.id(), &hub, receipt)).await?;
                (report.began_again, echo) = (true, true);
            }
            if now.asks_again() && !asked_again {
                asked_again = true;
                tracing::warn!("the hub asks again for media that it had; offering all of them");
                let hub = self.hub;
                self.store.run(move |tx, _| tx.want_all_media(&hub)).await?;
            }
            let busy = again || asked_again || now.unsent.revisions > 0 || now.unsent.media > 0;
            if busy {
                push::push(self.store, self.client, self.hub, report, &self.options.watch).await?;
                upload::upload(self.store, self.client, self.hub, report, &self.options.watch).await?;
            }
            let news = now.known.cursor != Some(now.receipt.head);
            let mut void = false;
            if echo || (self.options.pull && (busy || news)) {
                let (options, hub) = (self.options, self.hub);
                let pulled = pull::pull(self.store, self.client, hub, options.wait, echo, report, &options.watch).await?;
                void = pulled == Pulled::Void;
            } else if !busy {
                break;
            }
            now = self.state().await?;
            again = (void || now.is_another.is_some() || now.differs()) && !again;
            if !again {
                break;
            }
        }
        // Only now: a kill before everything was offered must not hide that the hub asked.
        if let (true, Some(signed)) = (asked_again, now.signed.take()) {
            let hub = self.hub;
            self.store.run(move |tx, _| tx.change_hub(&hub, |known| known.receipt = Some(signed))).await?;
        }
        report.unsent = now.unsent;
        report.in_sync = now.unsent == Unsent::default() && now.receipt.wanted == 0 && now.receipt.author == now.known.acked;
        report.receipt = Some(now.receipt);
        Ok(())
    }

    /// Tells the hub what waits, and keeps its receipt.
    async fn state(&self) -> Result<Standing, SyncError> {
        let hub = self.hub;
        let (known, unsent, media) = self
            .store
            .run(move |tx, key| {
                let media = tx.media_waiting(&hub, None, limits::ASKED_HASHES)?;
                Ok((tx.hub(&hub)?, tx.unsent(&key.id(), &hub)?, media.into_iter().map(|(hash, _)| hash).collect()))
            })
            .await?;
        let known = known.ok_or(SyncError::NotJoined)?;
        let question = StateReport {
            unsent,
            media,
            author: Some(known.acked),
            battery: self.options.battery,
            app: Some(super::APP.to_owned()),
            ask: Vec::new(),
        };
        let signed: SignedReceipt = self.client.json(Method::POST, "/state", Some(&question)).await?;
        let receipt = signed.receipt.clone();
        let ours = receipt.hub == hub && receipt.project == known.project && receipt.device == self.store.id();
        if !ours || !signed.is_valid() {
            return Err(SyncError::BadReceipt);
        }
        let follows = known.receipt.as_ref().is_none_or(|before| follows(&receipt, &before.receipt));
        // With nothing new the receipt says what the last one said, and is not worth a flush.
        let same = known
            .receipt
            .as_ref()
            .is_some_and(|before| before.receipt.head == receipt.head && before.receipt.wanted == receipt.wanted);
        let mut now = Standing { receipt, known, unsent, is_another: None, signed: None };
        if !follows {
            now.is_another = Some(signed);
        } else if now.asks_again() {
            now.signed = Some(signed);
        } else if !same {
            self.store.run(move |tx, _| tx.change_hub(&hub, |known| known.receipt = Some(signed))).await?;
        }
        Ok(now)
    }
}

/// Whether a receipt can come after another in one unbroken life of a feed.
fn follows(now: &Receipt, before: &Receipt) -> bool {
    now.epoch == before.epoch
        && now.head.seq >= before.head.seq
        && (now.head.seq > before.head.seq || now.head.chain == before.head.chain)
}
