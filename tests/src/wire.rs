//! Wire: bytes on a connection to a hub, for what no HTTP client would do: half a request, two halves, a body that never comes.
//!
//! Rows of the fault rig use it. It trusts whatever certificate the hub shows, as [`crate::device`] does. It promises that what
//! is said is said byte by byte as given, and that a connection ends how its user wants: kindly, cut, or half.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// An answer: its status, and its body.
pub type Answer = (u16, Vec<u8>);

/// A TLS connection to a hub.
pub struct Wire(TlsStream<TcpStream>);

/// Opens a TCP connection to `http://…` or `https://…` from one of this machine's addresses; with a small window where the
/// answer shall not be read.
///
/// # Errors
/// Where nobody listens, or no more connections can be had.
///
/// # Panics
/// Where `url` is none.
pub async fn tcp(url: &str, from: Ipv4Addr, window: Option<u32>) -> io::Result<TcpStream> {
    let address: SocketAddr = url.split("://").nth(1).and_then(|rest| rest.parse().ok()).expect("an address and a port");
    let socket = TcpSocket::new_v4()?;
    if let Some(window) = window {
        socket.set_recv_buffer_size(window)?;
    }
    socket.bind((from, 0).into())?;
    socket.connect(address).await
}

impl Wire {
    /// Opens a connection from loopback.
    ///
    /// # Errors
    /// Where there is none to be had.
    pub async fn open(https: &str) -> io::Result<Self> {
        Self::over(tcp(https, Ipv4Addr::LOCALHOST, None).await?).await
    }

    /// Speaks TLS over a TCP connection.
    ///
    /// # Errors
    /// Where the handshake does not end.
    ///
    /// # Panics
    /// Never: `localhost` is a name.
    pub async fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").expect("a name");
        TlsConnector::from(config()).connect(name, stream).await.map(Self)
    }

    /// Says these bytes.
    ///
    /// # Errors
    /// Where the hub has gone.
    pub async fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes).await?;
        self.0.flush().await
    }

    /// Reads one answer to its end.
    ///
    /// # Errors
    /// Where the hub went before.
    pub async fn hear(&mut self) -> io::Result<Answer> {
        hear(&mut self.0).await
    }

    /// Ends the sending half only.
    ///
    /// # Errors
    /// Where the hub has gone.
    pub async fn half_close(&mut self) -> io::Result<()> {
        self.0.shutdown().await
    }

    /// Cuts the connection, as a phone does that walks off: without a word, and what is still on its way is lost.
    pub fn cut(self) {
        // Where it cannot be set, the connection ends a little more kindly.
        let _ = self.0.get_ref().0.set_zero_linger();
    }

    /// Reads and forgets until the hub ends the connection.
    pub async fn until_ended(&mut self) {
        until_ended(&mut self.0).await;
    }
}

/// Reads and forgets until the other side ends the connection.
pub async fn until_ended(stream: &mut (impl AsyncRead + Unpin)) {
    let mut bytes = [0; 4096];
    while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
}

/// The head of a request, with its end.
#[must_use]
pub fn head(method: &str, path: &str, token: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let more: String = more.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{method} /api/v1{path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n{more}\r\n").into_bytes()
}

/// A whole request.
#[must_use]
pub fn request(method: &str, path: &str, token: &str, more: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let length = body.len().to_string();
    let more = [more, &[("content-length", length.as_str())]].concat();
    [head(method, path, token, &more), body.to_vec()].concat()
}

/// Reads one answer: its head, then as many bytes as it says, or what comes until the end.
async fn hear(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Answer> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status: u16 = status.ok_or_else(|| io::Error::other(format!("no answer: {text}")))?;
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    let mut body = bytes.split_off(head);
    // What a success without a length says is nothing; nobody here asks for a stream.
    let length = length.unwrap_or_default();
    while body.len() < length {
        if stream.read_buf(&mut body).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok((status, body))
}

fn config() -> Arc<ClientConfig> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    Arc::clone(CONFIG.get_or_init(|| {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.expect("ring knows TLS 1.3").dangerous().with_custom_certificate_verifier(Arc::new(Anybody));
        let mut config = builder.with_no_client_auth();
        // Every connection is to cost a whole handshake, as a stranger's does.
        config.resumption = rustls::client::Resumption::disabled();
        Arc::new(config)
    }))
}

#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
