//! Cards for the members that a bundle or another hub has told of: a key without a name is nothing that a manager could act on.
//!
//! [`super::bundle`] calls [`give`] after each import, and `sync` after each contact with another hub. It promises that every member has a card, under the name that it had where the list
//! of the bundle tells it, else the one that its `member` document says; that a card which is here is not changed.

use std::ops::{Bound, ControlFlow};

use maloca_protocol::{DeviceId, document, limits};

use crate::devices::{self, Device, Kind};
use crate::export::registry::Listed;
use crate::hub::Hub;
use crate::query::{self, index};
use crate::store::rows::{DocRow, Row as _, Standing};
use crate::store::view::ViewExt as _;
use crate::store::{StoreError, T, View as _};
use crate::trust::members;

/// Gives a card to every member that has none.
pub(crate) async fn give(hub: &Hub, listed: &[Listed]) -> Result<(), StoreError> {
    let shared = hub.clone();
    let members = hub.store.read(move |view| {
        let mut members: Vec<DeviceId> = Vec::new();
        view.scan(T::Members, (Bound::Unbounded, Bound::Unbounded), false, &mut |id, payload| {
            if Standing::decode(payload) == Some(Standing::Member) {
                members.extend(DeviceId::try_from(id).ok().filter(|id| shared.devices.get(id).is_none()));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        let mut devices = Vec::new();
        for id in members {
            let doc = members::member_doc(&id);
            let row: DocRow = view.row(T::Docs, doc.as_bytes())?.unwrap_or_default();
            let history = query::history(view, &row)?;
            let Some(merged) = document::merge(doc, &history) else { continue };
            let said = merged.set.get("name").and_then(|name| name.as_str());
            let name =
                said.map_or_else(|| id.to_string()[..6].to_owned(), |name| index::cut(name, limits::NAME_BYTES).to_owned());
            let paired_at = history.iter().map(|revision| revision.content().created_at).max().unwrap_or_default();
            devices.push(Device::new(id, name, Kind::Device, paired_at));
        }
        Ok(devices)
    });
    for mut device in members.await? {
        if let Some(known) = listed.iter().find(|known| known.id == device.id) {
            device.name = index::cut(&known.name, limits::NAME_BYTES).to_owned();
            device.kind = known.kind;
        }
        let row = device.clone();
        hub.store.write(500, move |tx| devices::put(tx, &row)).await?;
        hub.devices.insert(device);
    }
    Ok(())
}
