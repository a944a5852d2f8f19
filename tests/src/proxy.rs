//! A proxy between a device and a hub, which answers in the hub's place now and then: with the refusals that a sound hub hardly
//! ever gives to a sound device, and a device must bear all the same.
//!
//! Tests of the client's engine use it. It shows the hub's own TLS key, out of the hub's data folder, so that the device
//! takes it for the hub. It promises that whatever it does not answer itself is the real hub's answer.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use maloca_protocol::DeviceKey;
use maloca_protocol::problem::{MEDIA_TYPE, Problem};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::device::client;
use crate::hub::TestHub;

/// Looks at a request's method, path and body; a problem is answered in the hub's place.
pub type Verdict = dyn Fn(&str, &str, &[u8]) -> Option<Problem> + Send + Sync;

/// A running proxy; it ends with the test's runtime.
pub struct Proxy {
    url: String,
    verdict: Arc<Mutex<Arc<Verdict>>>,
}

impl Proxy {
    /// A proxy before a hub, which at first answers nothing itself.
    ///
    /// # Panics
    /// Where there is no port, or the hub's TLS key cannot be read.
    pub async fn before(hub: &TestHub) -> Self {
        // The certificate's name is the hub's; its signature is not looked at here, so any key may stand for the hub's.
        let tls = maloca_hub::trust::tls::open(&maloca_hub::files::Files::real(), hub.data(), &DeviceKey::from_seed([0; 32]), 0)
            .expect("the hub's TLS key");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("https://{}", listener.local_addr().expect("an address"));
        let nothing: Arc<Verdict> = Arc::new(|_, _, _| None);
        let verdict = Arc::new(Mutex::new(nothing));
        let (shared, acceptor, to) = (Arc::clone(&verdict), TlsAcceptor::from(tls.config), hub.https().to_owned());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (shared, acceptor, to, client) = (Arc::clone(&shared), acceptor.clone(), to.clone(), client());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = service_fn(move |request| {
                        let verdict = Arc::clone(&shared.lock().expect("no panic under the lock"));
                        answer(request, verdict, client.clone(), to.clone())
                    });
                    // A device that goes away is no fault of the proxy.
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { url, verdict }
    }

    /// Where it is called.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on, asks `verdict` about each request.
    ///
    /// # Panics
    /// Never, unless something else has.
    pub fn answers(&self, verdict: impl Fn(&str, &str, &[u8]) -> Option<Problem> + Send + Sync + 'static) {
        *self.verdict.lock().expect("no panic under the lock") = Arc::new(verdict);
    }
}

async fn answer(
    request: Request<Incoming>,
    verdict: Arc<Verdict>,
    client: reqwest::Client,
    to: String,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    if let Some(problem) = verdict(head.method.as_str(), head.uri.path(), &body) {
        let mut response = Response::new(Full::from(serde_json::to_vec(&problem).expect("memory")));
        *response.status_mut() = problem.status.try_into().expect("a status");
        response.headers_mut().insert("content-type", MEDIA_TYPE.try_into().expect("ASCII"));
        return Ok(response);
    }
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut forwarded = client.request(head.method, format!("{to}{path}"));
    for (name, value) in head.headers.iter().filter(|(name, _)| !["host", "content-length"].contains(&name.as_str())) {
        forwarded = forwarded.header(name, value);
    }
    let answered = forwarded.body(body).send().await.expect("the hub's answer");
    let mut response = Response::new(Full::default());
    *response.status_mut() = answered.status();
    *response.headers_mut() = answered.headers().clone();
    *response.body_mut() = Full::from(answered.bytes().await.expect("the hub's whole answer"));
    response.headers_mut().remove("transfer-encoding");
    Ok(response)
}
