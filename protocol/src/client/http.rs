//! Calls to one hub, and what its answers mean for what the device holds.
//!
//! `pair`, `push`, `upload` and `pull` call this. It promises: a token crosses only TLS to the pinned key; every answer falls
//! into one class of [`CallError`], which says what to do with what was sent; nothing waits for ever on a silent hub.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::tls;
use crate::problem::Problem;
use crate::rest::{BASE, CLOCK_HEADER};
use crate::time;

/// A Wi-Fi answers within this, or the hub is not there.
const CONNECT: Duration = Duration::from_secs(5);

/// The longest silence within an answer: a hub on an old disk commits within it.
const SILENCE: Duration = Duration::from_secs(40);

/// What a request may take besides its bytes: the silence, and the wait of a long poll.
const REQUEST: Duration = Duration::from_secs(75);

/// Bytes a second below which a connection is given up and tried anew.
const SLOWEST: u64 = 8 * 1024;

/// The first pause before a call is tried again; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause: a monitor who comes near the hub shall not wait long.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// An answer is never larger: a page of the feed is at most a batch, and whatever claims to be more is broken.
const ANSWER_BYTES: usize = 32 * 1024 * 1024;

/// Why a call did not succeed, by what to do about it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// The hub was not reached, or fell silent. Trying again may help.
    #[error("the hub cannot be reached at {url}: {why}; stay near it, on the same Wi-Fi")]
    Unreachable {
        /// Where it was tried.
        url: String,
        /// What the network said.
        why: String,
    },
    /// The hub is there and asks to come later (429, 5xx).
    #[error("the hub is busy: {0}")]
    Busy(Problem, Option<Duration>),
    /// The hub does not know this device any more (401). Nothing is lost; join again.
    #[error("the hub does not know this device any more: join again with the code on the manager's screen; all records are kept")]
    JoinAgain,
    /// The hub's disk is full (507). Nothing is lost.
    #[error("the hub is full: {0}")]
    Full(Problem),
    /// What was sent is not taken, now or later (400, 409, 413, 415, 422).
    #[error("{0}")]
    Refused(Problem),
    /// What was asked for is not there (404, 410).
    #[error("{0}")]
    Gone(Problem),
    /// The hub does not let this device do it (other 4xx).
    #[error("{0}")]
    Denied(Problem),
    /// The answer is none of a hub.
    #[error("the answer of {url} is not that of a hub: {why}")]
    Garbled {
        /// Where it was asked.
        url: String,
        /// What is wrong with it.
        why: String,
    },
}

impl CallError {
    /// Whether the same call may succeed later with nobody doing anything.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Busy(..))
    }
}

/// How long to go on trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Patience {
    /// For ever, as a device does that sits in a pocket.
    #[default]
    Forever,
    /// As long as the last success is no longer ago than this; none: give up at the first failure.
    For(Duration),
}

/// Pauses between tries: exponential, with jitter, so that twenty phones that lost one hub do not come back as one.
#[derive(Debug)]
pub struct Backoff {
    patience: Patience,
    since: Instant,
    tries: u32,
}

impl Backoff {
    /// Before the first failure.
    #[must_use]
    pub fn new(patience: Patience) -> Self {
        Self { patience, since: Instant::now(), tries: 0 }
    }

    /// Waits until the call may be tried again.
    ///
    /// # Errors
    /// The error itself where trying again cannot help or patience is over.
    pub async fn wait(&mut self, error: CallError) -> Result<(), CallError> {
        if !error.is_passing() {
            return Err(error);
        }
        let full = FIRST_PAUSE.saturating_mul(1 << self.tries.min(16)).min(LONGEST_PAUSE);
        let mut pause = full.mul_f64(rand::random_range(0.5..=1.0));
        if let CallError::Busy(_, Some(asked)) = &error {
            pause = pause.max(*asked).min(LONGEST_PAUSE);
        }
        if let Patience::For(limit) = self.patience
            && self.since.elapsed() + pause > limit
        {
            return Err(error);
        }
        tracing::info!(%error, again_in_ms = pause.as_millis() as u64, "trying again");
        self.tries += 1;
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// A hub that is called: one pool of connections, kept open between calls. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HubClient {
    http: Client,
    /// `https://address:port`, without a slash at the end.
    url: String,
    token: Option<HeaderValue>,
    patience: Patience,
    sent: Arc<AtomicU64>,
}

impl HubClient {
    /// A hub with the TLS key `pin`, called with `token`; without a pin only for the first question, which carries no token.
    ///
    /// # Errors
    /// Where the address is none.
    pub fn new(url: &str, pin: Option<[u8; 32]>, token: Option<&str>, patience: Patience) -> Result<Self, CallError> {
        let garbled = |why: String| CallError::Garbled { url: url.to_owned(), why };
        let token = match (token, pin) {
            (Some(token), Some(_)) if url.starts_with("https://") => {
                let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|error| garbled(error.to_string()))?;
                value.set_sensitive(true);
                Some(value)
            }
            (Some(_), _) => return Err(garbled("a token is sent over https to a pinned key only".into())),
            (None, _) => None,
        };
        let http = Client::builder()
            .tls_backend_preconfigured(tls::config(pin).map_err(|error| garbled(error.to_string()))?)
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .pool_idle_timeout(Duration::from_secs(50))
            .build()
            .map_err(|error| garbled(chain(&error)))?;
        Ok(Self { http, url: url.trim_end_matches('/').to_owned(), token, patience, sent: Arc::default() })
    }

    /// Where it is called.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How long to go on trying.
    #[must_use]
    pub fn backoff(&self) -> Backoff {
        Backoff::new(self.patience)
    }

    /// The same connections, with another patience.
    #[must_use]
    pub fn with_patience(&self, patience: Patience) -> Self {
        Self { patience, ..self.clone() }
    }

    /// Bytes of bodies that were sent so far.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// One request, whose answer was a success.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, HeaderValue)],
        body: Option<Bytes>,
    ) -> Result<Response, CallError> {
        let bytes = body.as_ref().map_or(0, Bytes::len) as u64;
        let mut all = HeaderMap::new();
        all.insert(CLOCK_HEADER, HeaderValue::from(time::now_millis()));
        if let Some(token) = &self.token {
            all.insert(AUTHORIZATION, token.clone());
        }
        all.extend(headers.iter().cloned());
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .headers(all)
            .timeout(REQUEST + Duration::from_secs(bytes / SLOWEST));
        if let Some(body) = body {
            request = request.body(body);
        }
        let answered = request.send().await;
        self.sent.fetch_add(bytes, Ordering::Relaxed);
        let response = answered.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() { Ok(response) } else { Err(self.classify(response).await) }
    }

    /// A call with a JSON body (or none) and a JSON answer, tried again as long as patience lasts.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn json<Q: Serialize + Sync, A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        question: Option<&Q>,
    ) -> Result<A, CallError> {
        let body = question.map(|question| Bytes::from(crate::canonical::canonical_of(question)));
        self.json_of(method, path, "application/json", body).await
    }

    /// As [`HubClient::json`], with a body of any type.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn json_of<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        content_type: &'static str,
        body: Option<Bytes>,
    ) -> Result<A, CallError> {
        let bytes = self.bytes_of(method, path, content_type, body).await?;
        serde_json::from_slice(&bytes).map_err(|error| CallError::Garbled { url: self.url.clone(), why: error.to_string() })
    }

    /// As [`HubClient::json_of`], where the answer is no JSON.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn bytes_of(
        &self,
        method: Method,
        path: &str,
        content_type: &'static str,
        body: Option<Bytes>,
    ) -> Result<Vec<u8>, CallError> {
        let path = format!("{BASE}{path}");
        let headers: &[_] = match body {
            Some(_) => &[(CONTENT_TYPE, HeaderValue::from_static(content_type))],
            None => &[],
        };
        let mut backoff = self.backoff();
        loop {
            let answered = match self.call(method.clone(), &path, headers, body.clone()).await {
                Ok(response) => self.body(response).await,
                Err(error) => Err(error),
            };
            match answered {
                Ok(bytes) => return Ok(bytes),
                Err(error) => backoff.wait(error).await?,
            }
        }
    }

    /// The answer's body, bounded.
    async fn body(&self, mut response: Response) -> Result<Vec<u8>, CallError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if body.len() + chunk.len() > ANSWER_BYTES {
                return Err(CallError::Garbled { url: self.url.clone(), why: "it is too long".into() });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    async fn classify(&self, response: Response) -> CallError {
        let status = response.status();
        let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let body = self.body(response).await.unwrap_or_default();
        // An answer without a problem comes from something between us and the hub; its status is all there is.
        let problem: Problem = serde_json::from_slice(&body).unwrap_or_else(|_| {
            let detail = format!("The hub answered {status}.");
            Problem::new(status.as_u16(), "unexplained", status.is_server_error(), detail)
        });
        match status {
            StatusCode::UNAUTHORIZED => CallError::JoinAgain,
            StatusCode::INSUFFICIENT_STORAGE => CallError::Full(problem),
            StatusCode::NOT_FOUND | StatusCode::GONE => CallError::Gone(problem),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                CallError::Busy(problem, asked.map(Duration::from_secs))
            }
            // A connection that broke off while the hub read; the bytes that came were good.
            StatusCode::BAD_REQUEST if problem.code == "broken_off" => CallError::Busy(problem, None),
            StatusCode::BAD_REQUEST
            | StatusCode::CONFLICT
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::UNPROCESSABLE_ENTITY => CallError::Refused(problem),
            _ if status.is_client_error() => CallError::Denied(problem),
            _ if status.is_server_error() => CallError::Busy(problem, asked.map(Duration::from_secs)),
            _ => CallError::Garbled { url: self.url.clone(), why: format!("unexpected status {status}") },
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> CallError {
        CallError::Unreachable { url: self.url.clone(), why: chain(error) }
    }
}

/// An error with its causes, since reqwest's own word is but "error sending request".
fn chain(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
