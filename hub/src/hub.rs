//! The hub's state: one cheap clone that every room is handed.
//!
//! `cli/serve` and tests open it, `api` and `discovery` serve it. It promises that an opened hub has a project, a key of its
//! own and a member's standing in its project, and that everything which must survive is in the data folder.
//!
//! [`Hub`] is an `Arc`. What changes behind it has locks of its own, each named in its room.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock, RwLock};

use maloca_protocol::fingerprint::FingerprintKey;
use maloca_protocol::{DeviceId, DeviceKey, Epoch, ProjectId, limits};
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::basemaps::Basemaps;
use crate::clock::Clock;
use crate::devices::{Devices, turned_away::Door};
use crate::disk::Disk;
use crate::export::jobs::Jobs;
use crate::export::ledger;
use crate::files::Files;
use crate::hubs::Hubs;
use crate::import;
use crate::intake::Rules;
use crate::media::{MediaRoot, sweep, uploads::Uploads};
use crate::service::Service;
use crate::store::rows::Arrival;
use crate::store::view::ViewExt as _;
use crate::store::{self, Store, StoreError, T, WriterThread};
use crate::tiles::Tiles;
use crate::trust::identity::{self, Home};
use crate::trust::tls::{self, Tls};
use crate::trust::{nonces::Nonces, pairing::Pairing, random_token, session::Sessions};

mod begin; // who a hub is when its folder is opened

use begin::{SETTINGS, begin, folder_error, introduce, make_folder, store_error};

/// What a hub is opened with.
#[derive(Clone)]
pub struct Options {
    /// The data folder; made where it is missing.
    pub data: PathBuf,
    /// A new name for the hub; the stored one, else "Maloca", where nothing is said.
    pub name: Option<String>,
    /// Whether devices may read everybody's observations; the stored setting, else no, where nothing is said.
    pub devices_read_all: Option<bool>,
    /// The project of a hub that begins here; a new one where nothing is said. A hub that is here already keeps its own.
    pub project: Option<ProjectId>,
    /// The clock.
    pub clock: Clock,
    /// More names under which it answers.
    pub names: Vec<String>,
    /// Origins of pages elsewhere that may ask it: where the phone app was installed from.
    pub origins: Vec<String>,
    /// The disk under the data folder.
    pub files: Files,
}

impl Options {
    /// A data folder, and defaults for the rest.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            name: None,
            devices_read_all: None,
            project: None,
            clock: Clock::system(),
            names: Vec::new(),
            origins: Vec::new(),
            files: Files::real(),
        }
    }
}

/// Why a hub does not open. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data folder cannot be made or written.
    #[error("cannot write to the data folder {}; choose another with --data, or give yourself the right to write there", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The disk has no room for even an empty hub.
    #[error("the disk of the data folder {} is full; free some space and start again", .folder.display())]
    Full {
        /// The folder.
        folder: PathBuf,
    },
    /// A key in the folder is damaged.
    #[error("{0}")]
    Key(std::io::Error),
    /// The store does not open.
    #[error("cannot open the data folder {}: {source}", .folder.display())]
    Store {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: StoreError,
    },
}

/// What the manager may set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The hub's name, at most 64 bytes.
    pub name: String,
    /// Whether devices may read everybody's observations.
    #[serde(default)]
    pub devices_read_all: bool,
    /// Marks of the drives to which what is new is copied by itself.
    #[serde(default)]
    pub marks: Vec<String>,
}

/// The state behind a [`Hub`].
pub struct Inner {
    /// The data folder.
    pub data: PathBuf,
    /// The hub's key.
    pub key: DeviceKey,
    /// Whose data it keeps.
    pub project: ProjectId,
    /// The life of its feed.
    pub epoch: Epoch,
    /// The store.
    pub store: Store,
    /// What intake must know.
    pub rules: Rules,
    /// Where media lie.
    pub media: MediaRoot,
    /// Unfinished uploads.
    pub uploads: Uploads,
    /// The devices.
    pub devices: Devices,
    /// Who tried to come in and could not.
    pub door: Door,
    /// Whether it is paused, and who asked for it.
    pub service: Service,
    /// Joining.
    pub pairing: Pairing,
    /// For requests that devices sign.
    pub nonces: Nonces,
    /// The manager's sessions.
    pub sessions: Sessions,
    /// HTTPS.
    pub tls: Tls,
    /// Exports for the page.
    pub exports: Jobs,
    /// Imports for the page.
    pub imports: import::jobs::Jobs,
    /// Tiles of the map.
    pub tiles: Tiles,
    /// Maps that lie under observations.
    pub basemaps: Basemaps,
    /// The disk under the data folder.
    pub disk: Disk,
    /// The clock.
    pub clock: Clock,
    /// The secret by which the command line on this machine is the manager.
    pub control: String,
    /// Ends everything.
    pub shutdown: CancellationToken,
    /// What the page should hear of that no commit tells.
    pub nudge: Nudges,
    /// Names under which this hub answers, beside its addresses, `localhost` and `maloca.local`.
    pub names: Vec<String>,
    /// Origins of pages elsewhere that may ask this hub.
    pub origins: Vec<String>,
    /// Turns for decoding pictures, which takes memory.
    pub thumbnails: Semaphore,
    /// Comparisons with other sets of revisions that are made at a time.
    pub comparisons: Semaphore,
    /// Other hubs that this one calls.
    pub hubs: Hubs,
    /// The ports it listens on; set once, when it does.
    ports: OnceLock<Ports>,
    /// Held while it is copied or replaced, never across an await.
    settings: RwLock<Settings>,
    name: watch::Sender<String>,
}

/// The ports on which a hub listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// The address on which it listens; all of the machine's where it is unspecified.
    pub address: std::net::IpAddr,
    /// HTTP.
    pub http: u16,
    /// HTTPS.
    pub https: u16,
}

/// Something that changed without a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nudge {
    /// A device's card.
    Device(DeviceId),
    /// Joining was opened or closed.
    Pairing,
    /// What is told at one glance: the disk, a pause.
    Overview,
}

/// Tells the page's event streams of changes. Dropped where nobody listens: each stream begins with the whole.
pub struct Nudges(broadcast::Sender<Nudge>);

impl Default for Nudges {
    fn default() -> Self {
        Self(broadcast::channel(1024).0)
    }
}

impl Nudges {
    /// A device's card has changed.
    pub fn device(&self, id: DeviceId) {
        let _ = self.0.send(Nudge::Device(id));
    }

    /// Joining was opened or closed.
    pub fn pairing(&self) {
        let _ = self.0.send(Nudge::Pairing);
    }

    /// What is told at one glance has changed.
    pub fn overview(&self) {
        let _ = self.0.send(Nudge::Overview);
    }

    /// Listens.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Nudge> {
        self.0.subscribe()
    }
}

/// An open hub.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

impl std::ops::Deref for Hub {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Hub {
    /// Opens a hub, and begins one where the folder holds none.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(options: Options) -> Result<(Self, WriterThread), OpenError> {
        let (data, files) = (options.data.clone(), options.files.clone());
        let folder = |source: std::io::Error| folder_error(&data, source);
        make_folder(&files, &data).map_err(folder)?;
        let disk = Disk::of(files.clone(), &data);
        if let Err(error) = disk.tend() {
            tracing::debug!(%error, "the reserve could not be kept");
        }
        let in_store = |source: StoreError| store_error(&data, source);
        let (store, writer) = Store::open(store::Opener::new(files.clone(), &data)).map_err(in_store)?;
        let home = Home::of(&files, &data).map_err(folder)?;
        let begun = begin(&store, home, &options).await.map_err(in_store)?;
        let mut key = identity::key(&files, &data).map_err(folder)?;
        let former = if begun.moved {
            tracing::warn!("this data folder was copied or has moved; the hub goes on under a new key");
            let former = key.clone();
            key = identity::replace_key(&files, &data, &former).map_err(folder)?;
            Some(former)
        } else {
            None
        };
        let rules = Rules { hub: key.id(), fingerprints: FingerprintKey::of(&begun.project) };
        introduce(&store, &rules, &key, former, &begun.settings.name, options.clock.now()).await.map_err(in_store)?;
        import::strangers::remove_leftovers(&data);
        if let Err(error) = ledger::complete(&store).await {
            // Whoever asks what is on drives is told so; everything else goes on.
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "what the drives carry could not be derived from the ledger"
            );
        }
        let media = MediaRoot::open(files.clone(), &data).map_err(folder)?;
        let uploads = Uploads::new(store.clone(), media.clone());
        sweep::sweep(&store, &media, options.clock.now(), &uploads).await.map_err(in_store)?;
        let devices = store.snapshot().and_then(|view| Devices::load(&view)).map_err(in_store)?;
        let hubs = store.snapshot().and_then(|view| Hubs::load(&view)).map_err(in_store)?;
        let tls = tls::open(&files, &data, &key, options.clock.now() / 1000).map_err(folder)?;
        let basemaps = Basemaps::open(files.clone(), &data, disk.clone());
        let control = random_token();
        let (name, _) = watch::channel(begun.settings.name.clone());
        let hub = Inner {
            project: begun.project,
            epoch: begun.epoch,
            rules,
            media,
            uploads,
            devices,
            door: Door::default(),
            service: Service::default(),
            pairing: Pairing::default(),
            nonces: Nonces::default(),
            sessions: Sessions::new(&control),
            tls,
            exports: Jobs::default(),
            imports: import::jobs::Jobs::default(),
            tiles: Tiles::default(),
            basemaps,
            disk,
            clock: options.clock,
            control,
            shutdown: CancellationToken::new(),
            nudge: Nudges::default(),
            names: options.names,
            origins: options.origins,
            thumbnails: Semaphore::new(2),
            comparisons: Semaphore::new(2),
            hubs,
            ports: OnceLock::new(),
            settings: RwLock::new(begun.settings),
            name,
            store,
            key,
            data,
        };
        Ok((Self(Arc::new(hub)), writer))
    }

    /// The hub's id.
    #[must_use]
    pub fn id(&self) -> DeviceId {
        self.key.id()
    }

    /// What the manager has set.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.settings.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// The name, to be followed as it changes.
    #[must_use]
    pub fn follow_name(&self) -> watch::Receiver<String> {
        self.name.subscribe()
    }

    /// Changes the settings, durably.
    ///
    /// # Errors
    /// Where the store fails; then they are as they were, or as they were to be.
    pub async fn set(&self, settings: Settings) -> Result<(), StoreError> {
        let row = settings.clone();
        match self.store.write(200, move |tx| tx.put_json(T::Meta, SETTINGS, &row)).await {
            Ok(()) => self.remember(settings),
            Err(error) => {
                // A commit that failed may have happened: what is true is read again, as soon as it can be.
                let hub = self.clone();
                tokio::spawn(async move { hub.read_settings_again().await });
                return Err(error);
            }
        }
        Ok(())
    }

    fn remember(&self, settings: Settings) {
        self.name.send_replace(settings.name.clone());
        *self.settings.write().unwrap_or_else(std::sync::PoisonError::into_inner) = settings;
    }

    async fn read_settings_again(self) {
        while !self.shutdown.is_cancelled() {
            if let Ok(Some(settings)) = self.store.read(|view| view.json(T::Meta, SETTINGS)).await {
                return self.remember(settings);
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    /// The ports on which it listens; the defaults before it does.
    #[must_use]
    pub fn ports(&self) -> Ports {
        self.ports.get().copied().unwrap_or(Ports {
            address: std::net::Ipv4Addr::UNSPECIFIED.into(),
            http: limits::PORT,
            https: limits::PORT + 1,
        })
    }

    /// Notes the ports on which it listens.
    pub fn set_ports(&self, ports: Ports) {
        // The first word stays: a hub listens once.
        let _ = self.ports.set(ports);
    }

    /// How something arrives now, brought by `carrier`, whose clock showed `clock`.
    #[must_use]
    pub fn arrival(&self, carrier: DeviceId, clock: Option<i64>) -> Arrival {
        let at = self.clock.now();
        Arrival { at, carrier, clock_offset: clock.map(|clock| clock.saturating_sub(at)) }
    }
}
