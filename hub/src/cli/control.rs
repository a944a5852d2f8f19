//! How the command line talks to a hub that is running on a data folder: over its API on this machine, as the manager.
//!
//! `serve` writes `<data>/control.json`, readable by its owner only; the other commands find it there. A file that is left
//! over from a hub that was killed is noticed, because nobody answers.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use maloca_protocol::Problem;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::files::Files;

/// The file's name.
const FILE: &str = "control.json";

/// What the file says.
#[derive(Serialize, Deserialize)]
struct Written {
    url: String,
    token: String,
}

/// A running hub.
pub(crate) struct Control {
    written: Written,
    client: reqwest::Client,
}

/// Writes down how this hub is reached; removed when dropped.
pub(crate) struct Announced(PathBuf);

impl Drop for Announced {
    fn drop(&mut self) {
        // Left behind it does no harm: nobody answers there.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Writes the control file of a hub that listens on `port` of this machine.
pub(crate) fn announce(data: &Path, port: u16, token: &str) -> std::io::Result<Announced> {
    let path = data.join(FILE);
    let written = Written { url: format!("http://127.0.0.1:{port}"), token: token.to_owned() };
    Files::real().write_secret(&path, serde_json::to_string(&written)?.as_bytes())?;
    Ok(Announced(path))
}

type Failure = Box<dyn Error + Send + Sync>;

impl Control {
    /// The hub that is running on this data folder, if one is.
    pub(crate) async fn find(data: &Path) -> Result<Option<Self>, Failure> {
        let text = match std::fs::read_to_string(data.join(FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let written: Written = serde_json::from_str(&text)?;
        crate::trust::tls::install_provider();
        let client = reqwest::Client::builder().no_proxy().connect_timeout(Duration::from_secs(3)).build()?;
        let control = Self { written, client };
        let answers = control.request(reqwest::Method::GET, "/hub").send().await.is_ok();
        Ok(answers.then_some(control))
    }

    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{}{path}", self.written.url, maloca_protocol::rest::BASE);
        self.client.request(method, url).bearer_auth(&self.written.token)
    }

    async fn answer<T: DeserializeOwned>(request: reqwest::RequestBuilder) -> Result<T, Failure> {
        let response = request.send().await?;
        if response.status().is_success() {
            return Ok(response.json().await?);
        }
        match response.json::<Problem>().await {
            Ok(problem) => Err(problem.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Asks.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        Self::answer(self.request(reqwest::Method::GET, path)).await
    }

    /// Sends a file.
    pub(crate) async fn send<T: DeserializeOwned>(&self, path: &str, file: tokio::fs::File) -> Result<T, Failure> {
        let body = reqwest::Body::wrap_stream(tokio_util::io::ReaderStream::with_capacity(file, 1 << 20));
        Self::answer(self.request(reqwest::Method::POST, path).body(body)).await
    }

    /// Tells.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        Self::answer(self.request(reqwest::Method::POST, path).json(body)).await
    }
}
