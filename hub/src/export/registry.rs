//! `data/devices.json`: who has joined, by name. What a restored hub calls its devices by.
//!
//! [`super::run`] writes it into copies of everything, [`crate::import::restore`] reads it. What it says has no weight beyond names: who
//! is a member is said by the signed revisions alone.

use maloca_protocol::{DeviceId, time};
use serde::{Deserialize, Serialize};

use crate::devices::Kind;
use crate::hub::Hub;
use crate::store::rows::Standing;
use crate::store::view::ViewExt as _;
use crate::store::{StoreError, T, View};

/// Where it lies.
pub const FILE: &str = "data/devices.json";

/// How much of it is read: a name has 64 bytes, and a village has hundreds of devices.
pub const BYTES: u64 = 16 * 1024 * 1024;

/// A device as the file names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its key.
    pub id: DeviceId,
    /// What people call it.
    pub name: String,
    /// What sort it is.
    pub kind: Kind,
    /// Whether it was put out.
    pub revoked: bool,
    /// When it joined.
    pub joined_at: String,
    /// When it was last here.
    pub last_seen_at: Option<String>,
}

/// All devices of a hub.
pub(super) fn of(hub: &Hub, view: &impl View) -> Result<Vec<Listed>, StoreError> {
    let ids = hub.devices.ids();
    let devices = ids.iter().filter_map(|id| hub.devices.get(id));
    devices
        .map(|device| {
            let standing: Option<Standing> = view.row(T::Members, &device.id.0)?;
            Ok(Listed {
                id: device.id,
                name: device.name,
                kind: device.kind,
                revoked: standing == Some(Standing::Revoked),
                joined_at: time::format_millis(device.paired_at),
                last_seen_at: device.last_seen.map(time::format_millis),
            })
        })
        .collect()
}
