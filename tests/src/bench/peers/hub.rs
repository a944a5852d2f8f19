//! This hub, over https, and the client's engine as its senders: what `maloca send` and a phone do.

use std::time::Duration;

use maloca_protocol::client::mirror::Whole;
use maloca_protocol::client::{Device, Patience, SyncOptions};
use maloca_protocol::{DeviceId, DocId};
use tempfile::TempDir;
use tokio::runtime::Handle;

use super::{Peer, Session};
use crate::bench::Error;
use crate::bench::content::Content;
use crate::hub::{CODE, TestHub, folder};

pub(super) struct ThisHub(pub(super) Handle);

struct Running {
    runtime: Handle,
    hub: TestHub,
    id: DeviceId,
    devices: Vec<Device>,
    _folders: [TempDir; 2],
}

impl Peer for ThisHub {
    fn name(&self) -> String {
        concat!("maloca ", env!("CARGO_PKG_VERSION")).into()
    }

    fn start(&self, senders: usize) -> Result<Box<dyn Session>, Error> {
        let folders = [folder(), folder()];
        let hub = TestHub::start(folders[0].path());
        let id = hub.id().parse()?;
        let join = async {
            let mut devices = Vec::new();
            for n in 0..senders {
                let device = Device::open(folders[1].path().join(n.to_string())).await?;
                let patience = Patience::For(Duration::from_secs(30));
                device.join(hub.http(), Some(CODE), &format!("Bench {n}"), None, patience).await?;
                devices.push(device);
            }
            Ok::<_, Error>(devices)
        };
        let devices = self.0.block_on(Box::pin(join))?;
        Ok(Box::new(Running { runtime: self.0.clone(), hub, id, devices, _folders: folders }))
    }
}

impl Session for Running {
    fn receiver(&self) -> u32 {
        self.hub.process()
    }

    fn give(&mut self, sender: usize, content: &Content) -> Result<(), Error> {
        let device = &self.devices[sender];
        let observation = |doc, set, media| Whole { doc, kind: "observation".into(), set, media };
        self.runtime.block_on(async {
            for batch in content.records.chunks(1_000) {
                let batch = batch.iter().map(|record| observation(record.id, record.set.clone(), Vec::new()));
                device.mirror(batch.collect()).await?;
            }
            let mut with_photos = Vec::new();
            for path in &content.photos {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let photo = device.hash(path).await?;
                with_photos.push(observation(DocId::from_source("bench photo", &name), serde_json::Map::new(), vec![photo]));
            }
            device.mirror(with_photos).await?;
            Ok(())
        })
    }

    fn hand_over(&mut self) -> Result<(), Error> {
        let senders = self.devices.iter().map(|device| {
            let (device, id) = (device.clone(), self.id);
            async move { device.sync(&id, &SyncOptions::default()).await }
        });
        // A lone sender works on the bench's main thread, as `maloca send` does; several are several threads, as several phones are.
        let senders: Vec<_> = senders.map(|sender| self.runtime.spawn(sender)).collect();
        for sender in senders {
            let report = self.runtime.block_on(sender)??;
            if !report.in_sync {
                return Err("the device is not in sync".into());
            }
        }
        Ok(())
    }
}
