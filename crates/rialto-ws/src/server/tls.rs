//! [`ServerTls`]: the certificate of a server, by rustls.

use crate::io::stream::Stream;
use parking_lot::Mutex;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

const HTTP1: &[u8] = b"http/1.1";
const HTTP2: &[u8] = b"h2";

/// TLS for a server: TLS 1.2 and 1.3 by rustls, with the cryptography of aws-lc-rs.
///
/// It can be exchanged while the server runs ([`ServerTls::reload_pem_files`]): clones are the
/// same, and connections that are open are not touched.
///
/// By ALPN it offers `http/1.1`; [`ServerTls::http2`] adds `h2`, for servers that hyper drives.
///
/// ```no_run
/// # async fn echo(_: rialto_ws::WebSocket) -> rialto_ws::Result<()> { Ok(()) }
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use rialto_ws::ServerTls;
/// let tls = ServerTls::from_pem_files("chain.pem", "key.pem")?;
/// rialto_ws::serve("0.0.0.0:443", echo).tls(tls).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ServerTls(Arc<Inner>);

struct Inner {
    http2: bool,
    configs: Mutex<Configs>,
}

#[derive(Clone)]
struct Configs {
    /// With what it is to offer by ALPN.
    own: Arc<ServerConfig>,
    /// With `http/1.1` alone, for [`serve`](crate::serve).
    http1: Arc<ServerConfig>,
}

impl ServerTls {
    /// From the files of a certificate chain, the server's own first, and of its private key.
    ///
    /// # Errors
    /// If a file cannot be read or holds no such thing, or if they do not belong together.
    pub fn from_pem_files(chain: impl AsRef<Path>, key: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self::from_config(read(chain.as_ref(), key.as_ref())?))
    }

    /// From a certificate chain and a private key in PEM.
    ///
    /// # Errors
    /// As [`ServerTls::from_pem_files`].
    pub fn from_pem(chain: &[u8], key: &[u8]) -> io::Result<Self> {
        Ok(Self::from_config(parse(chain, key)?))
    }

    /// From a configuration of rustls, for instance with client certificates. What it offers by
    /// ALPN is replaced.
    #[must_use]
    pub fn from_config(config: ServerConfig) -> Self {
        Self::new(config, false)
    }

    fn new(config: ServerConfig, http2: bool) -> Self {
        let configs = Mutex::new(Configs::new(config, http2));
        Self(Arc::new(Inner { http2, configs }))
    }

    /// Offers HTTP/2 as well, and prefers it. For servers that hyper drives, on which browsers
    /// then open WebSockets by RFC 8441; [`serve`](crate::serve) offers `http/1.1` all the same.
    ///
    /// It returns a new value: what was cloned before stays as it is.
    #[must_use]
    pub fn http2(self) -> Self {
        let config = ServerConfig::clone(&self.0.configs.lock().own);
        Self::new(config, true)
    }

    /// Reads certificate and key anew, for handshakes from now on.
    ///
    /// # Errors
    /// As [`ServerTls::from_pem_files`]; the old ones stay in use then.
    pub fn reload_pem_files(
        &self,
        chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> io::Result<()> {
        self.replace(read(chain.as_ref(), key.as_ref())?);
        Ok(())
    }

    /// Uses another configuration for handshakes from now on. What it offers by ALPN is replaced.
    pub fn replace(&self, config: ServerConfig) {
        *self.0.configs.lock() = Configs::new(config, self.0.http2);
    }

    /// The configuration at this moment, as `TlsAcceptor` of tokio-rustls wants it.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.configs.lock().own)
    }

    /// Does the TLS handshake on a connection. It has no time limit of its own.
    ///
    /// # Errors
    /// If the peer does not speak TLS, or nothing that both know.
    pub async fn accept<S: Stream>(&self, stream: S) -> io::Result<TlsStream<S>> {
        TlsAcceptor::from(self.config()).accept(stream).await
    }

    /// [`ServerTls::accept`] that offers `http/1.1` alone.
    pub(super) async fn accept_http1<S: Stream>(&self, stream: S) -> io::Result<TlsStream<S>> {
        let config = Arc::clone(&self.0.configs.lock().http1);
        TlsAcceptor::from(config).accept(stream).await
    }
}

impl Configs {
    fn new(mut config: ServerConfig, http2: bool) -> Self {
        config.alpn_protocols = vec![HTTP1.to_vec()];
        let http1 = Arc::new(config);
        if !http2 {
            return Self { own: Arc::clone(&http1), http1 };
        }
        let mut config = ServerConfig::clone(&http1);
        config.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
        Self { own: Arc::new(config), http1 }
    }
}

impl From<ServerConfig> for ServerTls {
    fn from(config: ServerConfig) -> Self {
        Self::from_config(config)
    }
}

impl From<Arc<ServerConfig>> for ServerTls {
    fn from(config: Arc<ServerConfig>) -> Self {
        Self::from_config(Arc::unwrap_or_clone(config))
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").field("http2", &self.0.http2).finish_non_exhaustive()
    }
}

fn read(chain: &Path, key: &Path) -> io::Result<ServerConfig> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|error| {
            io::Error::new(error.kind(), format!("reading {} failed: {error}", path.display()))
        })
    };
    parse(&read(chain)?, &read(key)?).map_err(|error| {
        io::Error::new(error.kind(), format!("{} and {}: {error}", chain.display(), key.display()))
    })
}

fn parse(chain: &[u8], key: &[u8]) -> io::Result<ServerConfig> {
    let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(|error| invalid(format!("the certificate chain is not PEM: {error}")))?;
    if chain.is_empty() {
        return Err(invalid("the certificate chain is empty".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|error| invalid(format!("the private key is not PEM: {error}")))?;
    let refused = |error: rustls::Error| invalid(error.to_string());
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(refused)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(refused)?;
    // Sessions are resumed by tickets under keys that rotate; the server keeps nothing of them.
    config.ticketer = aws_lc_rs::Ticketer::new().map_err(refused)?;
    Ok(config)
}
