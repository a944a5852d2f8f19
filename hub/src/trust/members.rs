//! Who is in: the standing of a device is what the hubs of the project say of it in its `member` or `hub` document.
//!
//! Intake asks before it admits; pairing and revoking write revisions here. It promises that standing is a pure function
//! of the revisions that hubs signed (so that hubs agree, whatever order they heard it in), and that nobody else's revision
//! of these kinds counts. Where hubs disagree about a revocation, the device is out until they agree.

use maloca_protocol::document::{self, Candidate};
use maloca_protocol::{DeviceId, DocId, Draft, RevisionId, ValidRevision};
use serde_json::{Map, Value};

use crate::intake::{Rules, keep};
use crate::query;
use crate::store::rows::{DocRow, Standing};
use crate::store::view::ViewExt as _;
use crate::store::{StoreError, T, View, WriteTx};

/// Lets a device in.
pub const MEMBER: &str = "member";
/// Puts a device out.
pub const REVOKE: &str = "revoke";
/// Lets another hub in.
pub const HUB: &str = "hub";

/// The document that says who a device is.
#[must_use]
pub fn member_doc(device: &DeviceId) -> DocId {
    DocId::from_source("maloca member", &device.to_string())
}

/// The document that says who a hub is.
#[must_use]
pub fn hub_doc(hub: &DeviceId) -> DocId {
    DocId::from_source("maloca hub", &hub.to_string())
}

/// How a device stands. `None` where no hub has said anything of it. The hub itself always stands as a hub.
pub(crate) fn standing(view: &impl View, rules: &Rules, device: &DeviceId) -> Result<Option<Standing>, StoreError> {
    if *device == rules.hub {
        return Ok(Some(Standing::Hub));
    }
    view.row(T::Members, &device.0)
}

/// A revision that lets `device` in, or in again, made upon what is known of it.
pub(crate) fn member_draft(view: &impl View, device: &DeviceId, name: &str, now: i64) -> Result<Draft, StoreError> {
    let mut draft = Draft::new(MEMBER, member_doc(device), now);
    draft.parents = heads(view, &draft.doc)?;
    draft.set = properties([("device", device.to_string().into()), ("name", name.into()), ("revoked", false.into())]);
    Ok(draft)
}

/// A revision that lets the hub `hub` in, as a hub says of itself when it begins.
pub(crate) fn hub_draft(view: &impl View, hub: &DeviceId, name: &str, now: i64) -> Result<Draft, StoreError> {
    let mut draft = Draft::new(HUB, hub_doc(hub), now);
    draft.parents = heads(view, &draft.doc)?;
    draft.set = properties([("device", hub.to_string().into()), ("name", name.into()), ("revoked", false.into())]);
    Ok(draft)
}

/// A revision that puts `device` out.
pub(crate) fn revoke_draft(view: &impl View, device: &DeviceId, now: i64) -> Result<Draft, StoreError> {
    let mut draft = Draft::new(REVOKE, member_doc(device), now);
    draft.parents = heads(view, &draft.doc)?;
    draft.set = properties([("device", device.to_string().into()), ("revoked", true.into())]);
    Ok(draft)
}

fn properties<const N: usize>(pairs: [(&str, Value); N]) -> Map<String, Value> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn heads(view: &impl View, doc: &DocId) -> Result<Vec<RevisionId>, StoreError> {
    let row: DocRow = view.row(T::Docs, doc.as_bytes())?.unwrap_or_default();
    let history = query::history(view, &row)?;
    Ok(document::merge(*doc, &history).map_or_else(Vec::new, |document| document.heads))
}

/// Called after each admission: where the revision was of a kind that says who is in, the device's standing is judged anew.
pub(crate) fn after_admission(tx: &mut WriteTx<'_>, rules: &Rules, revision: &ValidRevision) -> Result<(), StoreError> {
    let content = revision.content();
    if !matches!(content.kind.as_str(), MEMBER | REVOKE | HUB) || standing(tx, rules, &content.author)? != Some(Standing::Hub) {
        return Ok(());
    }
    let Some(device) = content.set.get("device").and_then(Value::as_str).and_then(|text| text.parse().ok()) else {
        return Ok(());
    };
    let role = if content.doc == member_doc(&device) {
        Standing::Member
    } else if content.doc == hub_doc(&device) {
        Standing::Hub
    } else {
        return Ok(());
    };
    let Some(now) = judged(tx, rules, &content.doc, role)? else { return Ok(()) };
    let before = standing(tx, rules, &device)?;
    if before == Some(now) || device == rules.hub {
        return Ok(());
    }
    tx.put(T::Members, &device.0, &now)?;
    tx.tell().devices.insert(device);
    if now == Standing::Revoked { Ok(()) } else { keep::release_quarantine(tx, rules, &device) }
}

/// The standing that the hubs' revisions of this document come to.
pub(crate) fn judged(tx: &impl View, rules: &Rules, doc: &DocId, role: Standing) -> Result<Option<Standing>, StoreError> {
    let row: DocRow = tx.row(T::Docs, doc.as_bytes())?.unwrap_or_default();
    let mut of_hubs = Vec::new();
    for revision in query::history(tx, &row)? {
        if standing(tx, rules, &revision.content().author)? == Some(Standing::Hub) {
            of_hubs.push(revision);
        }
    }
    let Some(document) = document::merge(*doc, &of_hubs) else { return Ok(None) };
    let is_true = |value: Option<&Value>| value == Some(&Value::Bool(true));
    let disputed = |candidates: &Vec<Candidate>| candidates.iter().any(|candidate| is_true(candidate.value.as_ref()));
    let revoked = is_true(document.set.get("revoked")) || document.conflicts.get("revoked").is_some_and(disputed);
    Ok(Some(if revoked { Standing::Revoked } else { role }))
}
