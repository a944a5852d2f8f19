//! One contact with another hub: what differs, revisions both ways, media both ways, and the verdict.

use bytes::Bytes;
use maloca_protocol::client::pair::{meet, pin_of};
use maloca_protocol::client::{CallError, HubClient, JoinError, Patience};
use maloca_protocol::limits;
use maloca_protocol::reconcile::{Asker, Failed, Found, Key, Span, keys_to};
use maloca_protocol::rest::{BatchAnswer, NDJSON, Outcome};
use reqwest::Method;

use super::{SyncError, media};
use crate::disk::Need;
use crate::hub::Hub;
use crate::hubs::{Brought, Known};
use crate::import::cards;
use crate::intake::{self, Door};
use crate::query;
use crate::store::ordered::Ordered;
use crate::store::{Snapshot, StoreError};

const BINARY: &str = "application/octet-stream";

/// How often a contact looks again after it has carried something over: others may bring new records all the while.
const PASSES: usize = 3;

pub(super) struct Contact<'a> {
    pub(super) hub: &'a Hub,
    pub(super) client: HubClient,
    pub(super) known: &'a Known,
    pub(super) brought: Brought,
}

/// One contact.
pub(super) async fn contact(hub: &Hub, known: &Known, patience: Patience) -> Result<Brought, SyncError> {
    let pin = pin_of(&known.tls_spki).ok_or(SyncError::NotPaired)?;
    let client = HubClient::new(&known.url, Some(pin), Some(&known.token), patience)?;
    let mut contact = Contact { hub, client, known, brought: Brought::default() };
    let done = contact.run().await;
    if contact.brought.pulled > 0 {
        // Whoever joined over there has a card here too; a card that is lacking is no reason to call a contact failed.
        if let Err(error) = cards::give(hub, &[]).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "new members have no cards yet");
        }
    }
    match done {
        Err(SyncError::Call(error @ CallError::Unreachable { .. })) => Err(who_is_there(hub, known, error).await),
        done => done.map(|()| contact.brought),
    }
}

/// Nobody who holds the pinned key answers: perhaps somebody else is there now, and then that is what must be said.
async fn who_is_there(hub: &Hub, known: &Known, error: CallError) -> SyncError {
    match meet(&known.url, Patience::For(std::time::Duration::ZERO)).await {
        Err(JoinError::Call(_)) => error.into(),
        Err(other) => other.into(),
        Ok(met) => match met.check(Some(&hub.project), Some(&known.id)) {
            Err(stranger) => stranger.into(),
            Ok(()) => error.into(),
        },
    }
}

impl Contact<'_> {
    async fn run(&mut self) -> Result<(), SyncError> {
        if self.is_first() {
            // What the other hub says of its devices comes first, so that their records need not wait in quarantine.
            self.revisions(Span::of_author(&self.known.id)).await?;
        }
        for _ in 0..PASSES {
            let differed = self.revisions(Span::ALL).await?;
            let failed = media::both_ways(self).await?;
            self.brought.media_failed = failed;
            self.tell();
            if !differed {
                self.brought.in_sync = failed == 0 && self.brought.refused == 0;
                return Ok(());
            }
        }
        Ok(())
    }

    fn is_first(&self) -> bool {
        let mut is_new = false;
        self.hub.hubs.note(&self.known.id, |going| is_new = going.synced_at.is_none());
        is_new
    }

    pub(super) fn tell(&self) {
        let brought = self.brought;
        self.hub.hubs.note(&self.known.id, |going| going.brought = brought);
    }

    /// Reads what is kept here, in order.
    async fn look<R: Send + 'static>(
        &self,
        look: impl FnOnce(&Snapshot, &Ordered<'_, Snapshot>) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, SyncError> {
        let fingerprints = self.hub.rules.fingerprints.clone();
        let looked = self.hub.store.read(move |view| match Ordered::of(view, &fingerprints)? {
            None => Ok(None),
            Some(order) => look(view, &order).map(Some),
        });
        looked.await?.ok_or(SyncError::NotInOrder)
    }

    /// Finds what differs in a span, and carries it over as it is found. Says whether anything did.
    async fn revisions(&mut self, span: Span) -> Result<bool, SyncError> {
        let (mut asker, mut differed) = (Asker::new(span), false);
        loop {
            let asking = move |_: &Snapshot, order: &Ordered<'_, Snapshot>| {
                let question = asker.question(order)?;
                Ok((asker, question))
            };
            let (asked, question) = self.look(asking).await?;
            asker = asked;
            let Some(question) = question else { return Ok(differed) };
            let answer = self.client.bytes_of(Method::POST, "/reconcile", BINARY, Some(question.into())).await?;
            self.brought.questions += 1;
            let hearing = move |_: &Snapshot, order: &Ordered<'_, Snapshot>| {
                let heard = asker.hear(order, &answer);
                Ok((asker, heard))
            };
            let (heard, found) = self.look(hearing).await?;
            asker = heard;
            let Found { they_lack, we_lack } = match found {
                Ok(found) => found,
                Err(Failed::Refused(refused)) => return Err(refused.into()),
                Err(Failed::Set(error)) => return Err(error.into()),
            };
            differed |= !they_lack.is_empty() || !we_lack.is_empty();
            self.pull(we_lack).await?;
            self.push(they_lack).await?;
            self.tell();
        }
    }

    /// Asks for revisions and takes them in.
    async fn pull(&mut self, keys: Vec<Key>) -> Result<(), SyncError> {
        for batch in keys.chunks(limits::BATCH_REVISIONS) {
            let mut lacking = batch.to_vec();
            while !lacking.is_empty() {
                let asked = Some(Bytes::from(keys_to(&lacking)));
                let lines = Bytes::from(self.client.bytes_of(Method::POST, "/revisions/wanted", BINARY, asked).await?);
                let lacks = self.hub.disk.lacks(lines.len() as u64, Need::New);
                if lacks > 0 {
                    return Err(SyncError::Full(lacks));
                }
                let arrival = self.hub.arrival(self.known.id, None);
                let (answer, _) = intake::take_in(&self.hub.store, &self.hub.rules, arrival, Door::Trusted, lines).await?;
                self.brought.pulled += self.count(&answer);
                let before = lacking.len();
                lacking = self
                    .look(move |_, order| {
                        let mut still = Vec::new();
                        for key in lacking {
                            if order.find(&key)?.is_none() {
                                still.push(key);
                            }
                        }
                        Ok(still)
                    })
                    .await?;
                if lacking.len() == before {
                    // What it named it did not give, or nothing that holds.
                    self.brought.refused += before as u64;
                    break;
                }
            }
        }
        Ok(())
    }

    /// Sends revisions.
    async fn push(&mut self, keys: Vec<Key>) -> Result<(), SyncError> {
        let mut rest = keys;
        while !rest.is_empty() {
            let (left, lines) = self
                .look(move |view, order| {
                    let (mut lines, mut count) = (Vec::new(), 0);
                    for key in rest.iter().take(limits::BATCH_REVISIONS) {
                        if let Some(revision) = order.find(key)?.map(|id| query::kept(view, key, &id)).transpose()?.flatten() {
                            let line = revision.envelope();
                            if lines.len() + line.len() >= limits::BATCH_BYTES {
                                break;
                            }
                            lines.extend_from_slice(&line);
                            lines.push(b'\n');
                        }
                        count += 1;
                    }
                    rest.drain(..count);
                    Ok((rest, lines))
                })
                .await?;
            rest = left;
            let answer: BatchAnswer = self.client.json_of(Method::POST, "/revisions", NDJSON, Some(lines.into())).await?;
            self.brought.pushed += self.count(&answer);
        }
        Ok(())
    }

    /// Counts what was taken, and notes what was not.
    fn count(&mut self, answer: &BatchAnswer) -> u64 {
        let mut taken = 0;
        for run in &answer.results {
            let lines = run.to + 1 - run.from;
            match run.status {
                Outcome::Stored => taken += lines,
                Outcome::Duplicate => {}
                Outcome::Quarantined => {
                    taken += lines;
                    self.brought.quarantined += lines;
                }
                Outcome::Refused => {
                    tracing::warn!(hub = self.known.name, lines, code = ?run.code, "records were not taken");
                    self.brought.refused += lines;
                }
            }
        }
        taken
    }
}
