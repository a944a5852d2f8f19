//! Meeting a hub: asking who it is, holding that against what is pinned, and joining it.
//!
//! [`super::Device`] calls this. It promises: a hub is taken for the one it says it is only if it signed its TLS key, and everything
//! after the first question goes to that key; a hub of another project, or another hub at a known one's place, is refused in
//! words that say so; the code and the token never cross plain http.
//!
//! What it does not promise: on first joining by a typed code, the network of that moment is trusted to lead to the right
//! hub. Where the hub's id is known, from a QR code or an answer to an announcement, it must be that hub.

use reqwest::Method;

use super::http::{CallError, HubClient, Patience};
use super::store::KnownHub;
use crate::ids::{DeviceId, ProjectId};
use crate::keys::{self, Context, DeviceKey};
use crate::rest::{HubInfo, PairRequest, Paired};

/// Why a hub was not joined.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JoinError {
    /// It was not reached, or refused.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The address is none.
    #[error("{0} is no address of a hub; it looks like http://192.168.1.5:8733")]
    BadUrl(String),
    /// It did not prove that it is the hub that it says it is.
    #[error("{url} does not prove that it is the hub it says it is; do not send to it, and tell the manager")]
    Unproven {
        /// Where it answered.
        url: String,
    },
    /// It is a stranger: it keeps another project's data.
    #[error(
        "the hub \"{name}\" at {url} is a stranger: it belongs to another project than this device; use another device folder for it"
    )]
    Stranger {
        /// Where it answered.
        url: String,
        /// What it calls itself.
        name: String,
    },
    /// Another hub than the one expected is at this address.
    #[error(
        "the hub \"{name}\" at {url} is not the one that was expected; check the address, or ask the manager for the QR code"
    )]
    AnotherHub {
        /// Where it answered.
        url: String,
        /// What it calls itself.
        name: String,
    },
    /// The code is wrong, or joining is closed.
    #[error("{0}")]
    WrongCode(crate::problem::Problem),
    /// There is no code, and the hub does not know this device.
    #[error("this device has not joined the hub \"{0}\" yet; give the code that the manager's screen shows")]
    CodeNeeded(String),
}

/// A hub that has said who it is, and proven it.
#[derive(Debug, Clone)]
pub struct Met {
    /// What it said.
    pub info: HubInfo,
    /// Where it is called from now on: https.
    pub url: String,
    /// The hash of its TLS key.
    pub pin: [u8; 32],
}

/// Asks whoever is at `url`, http or https, who it is.
///
/// # Errors
/// Where nobody answers, or not as a hub that proves itself.
pub async fn meet(url: &str, patience: Patience) -> Result<Met, JoinError> {
    let url = url.trim_end_matches('/');
    let parsed = reqwest::Url::parse(url).map_err(|_| JoinError::BadUrl(url.to_owned()))?;
    let is_https = parsed.scheme() == "https";
    if !(is_https || parsed.scheme() == "http") || parsed.host_str().is_none() {
        return Err(JoinError::BadUrl(url.to_owned()));
    }
    let origin = parsed.origin().ascii_serialization();
    let info: HubInfo = HubClient::new(&origin, None, None, patience)?.json::<(), _>(Method::GET, "/hub", None).await?;
    let unproven = || JoinError::Unproven { url: url.to_owned() };
    let pin = pin_of(&info.tls_spki).ok_or_else(unproven)?;
    if keys::is_weak(&info.id) || !keys::verify(&info.id, Context::Tls, &pin, &info.tls_sig) {
        return Err(unproven());
    }
    let mut secure = parsed;
    if !is_https {
        // The port first: a URL drops one that is its scheme's own.
        let set = secure.set_scheme("https").is_ok() && secure.set_port(Some(info.https_port)).is_ok();
        if !set {
            return Err(JoinError::BadUrl(url.to_owned()));
        }
    }
    Ok(Met { info, url: secure.origin().ascii_serialization(), pin })
}

/// A pin from its text.
#[must_use]
pub fn pin_of(text: &str) -> Option<[u8; 32]> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}

impl Met {
    /// Holds the hub against the project that this device belongs to and the hub that is expected, where there is one.
    ///
    /// # Errors
    /// [`JoinError::Stranger`] or [`JoinError::AnotherHub`].
    pub fn check(&self, project: Option<&ProjectId>, expected: Option<&DeviceId>) -> Result<(), JoinError> {
        let (url, name) = (self.url.clone(), self.info.name.clone());
        if project.is_some_and(|project| *project != self.info.project) {
            return Err(JoinError::Stranger { url, name });
        }
        if expected.is_some_and(|expected| *expected != self.info.id) {
            return Err(JoinError::AnotherHub { url, name });
        }
        Ok(())
    }

    /// Joins with the code from the manager's screen.
    ///
    /// # Errors
    /// [`JoinError::WrongCode`] where the hub does not let the device in; others where it cannot be asked.
    pub async fn join(&self, key: &DeviceKey, name: &str, code: &str, patience: Patience) -> Result<KnownHub, JoinError> {
        self.ask_in(PairRequest::new(key, &self.info.id, name, code, Some(super::APP.to_owned())), patience).await
    }

    /// Joins as a hub of the project, with the code for hubs from the other manager's screen.
    ///
    /// # Errors
    /// As [`Met::join`].
    pub async fn join_as_hub(&self, key: &DeviceKey, name: &str, code: &str, patience: Patience) -> Result<KnownHub, JoinError> {
        self.ask_in(PairRequest::new_hub(key, &self.info.id, name, code, Some(super::APP.to_owned())), patience).await
    }

    async fn ask_in(&self, request: PairRequest, patience: Patience) -> Result<KnownHub, JoinError> {
        let client = HubClient::new(&self.url, Some(self.pin), None, patience)?;
        let paired: Paired = client.json(Method::POST, "/pair", Some(&request)).await.map_err(|error| match error {
            CallError::Denied(problem) | CallError::Refused(problem) => JoinError::WrongCode(problem),
            other => JoinError::Call(other),
        })?;
        if paired.hub != self.info.id || paired.project != self.info.project {
            return Err(JoinError::Unproven { url: self.url.clone() });
        }
        Ok(KnownHub {
            id: paired.hub,
            project: paired.project,
            name: paired.name,
            urls: vec![self.url.clone()],
            tls_spki: self.info.tls_spki.clone(),
            token: paired.token,
            acked: crate::fingerprint::Fingerprint::default(),
            receipt: None,
            cursor: None,
            filtered: false,
        })
    }
}
