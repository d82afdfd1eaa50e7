//! `wss://`: TLS by rustls.

use super::verifier::{Anything, Pinned, sha256};
use super::wire::Wire;
use crate::error::{Error, Result};
use parking_lot::Mutex;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::fmt;
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// The only protocol that the handshake of RFC 6455 §4 is spoken over (RFC 7301).
const ALPN: &[u8] = b"http/1.1";

/// How a client speaks TLS; cheap to clone, and best made once: connections that share it resume
/// each other's TLS sessions.
///
/// Without one, a `wss://` URL is connected to with the certificates that the platform trusts.
/// Any `rustls::ClientConfig` becomes one by `ClientTls::from`; it is used as it is.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use rialto_ws::{Connect, ClientTls};
/// let roots = std::fs::read("company-ca.pem")?;
/// let tls = ClientTls::builder().root_pem(&roots).build()?;
/// let socket = Connect::new("wss://chat.internal/").tls(tls).connect().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ClientTls {
    config: Arc<ClientConfig>,
    server_name: Option<String>,
}

impl ClientTls {
    /// Begins with the platform's trust, no client certificate, and ALPN `http/1.1`.
    ///
    /// The cryptography is the process's default provider of rustls if one was installed, and
    /// aws-lc-rs otherwise.
    #[must_use]
    pub fn builder() -> ClientTlsBuilder {
        ClientTlsBuilder { platform: true, ..ClientTlsBuilder::default() }
    }

    /// The name to ask for (SNI) and to find in the certificate, in place of the URL's host.
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// The configuration behind it.
    #[must_use]
    pub fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }

    /// The platform's trust, read once for the process: its roots are a file of 200 KiB on Linux.
    async fn platform() -> Result<Self> {
        static PLATFORM: Mutex<Option<ClientTls>> = Mutex::new(None);
        if let Some(tls) = &*PLATFORM.lock() {
            return Ok(tls.clone());
        }
        let build = tokio::task::spawn_blocking(|| Self::builder().build());
        let tls = build.await.map_err(Error::tls)??;
        Ok(PLATFORM.lock().get_or_insert(tls).clone())
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls").field("server_name", &self.server_name).finish_non_exhaustive()
    }
}

impl From<Arc<ClientConfig>> for ClientTls {
    fn from(config: Arc<ClientConfig>) -> Self {
        Self { config, server_name: None }
    }
}

impl From<ClientConfig> for ClientTls {
    fn from(config: ClientConfig) -> Self {
        Arc::new(config).into()
    }
}

/// Makes a [`ClientTls`]; see [`ClientTls::builder`].
#[derive(Debug, Default)]
pub struct ClientTlsBuilder {
    platform: bool,
    roots: Vec<CertificateDer<'static>>,
    pins: Vec<Pin>,
    anything: bool,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    failed: Option<Error>,
}

#[derive(Debug)]
enum Pin {
    Sha256([u8; 32]),
    Certificate(CertificateDer<'static>),
}

impl ClientTlsBuilder {
    /// Trusts the authorities of a PEM file, beside the platform's.
    ///
    /// A server's own certificate is no authority: for one that has signed itself, as
    /// `openssl req -x509` makes them, use [`ClientTlsBuilder::pin_pem`].
    #[must_use]
    pub fn root_pem(mut self, pem: &[u8]) -> Self {
        match certificates(pem) {
            Ok(roots) => self.roots.extend(roots),
            Err(error) => self.fail(error),
        }
        self
    }

    /// Trusts a certificate in DER, beside the platform's.
    #[must_use]
    pub fn root_der(mut self, der: impl Into<Vec<u8>>) -> Self {
        self.roots.push(CertificateDer::from(der.into()));
        self
    }

    /// Whether the platform's roots are trusted (default true). Without them, some of your own
    /// are needed.
    #[must_use]
    pub fn platform_roots(mut self, trusted: bool) -> Self {
        self.platform = trusted;
        self
    }

    /// Shows this certificate to servers that ask for one: its chain, the client's own first, and
    /// its key (PKCS#8, PKCS#1 or SEC1), each in PEM. Both may be in the same text.
    #[must_use]
    pub fn client_certificate_pem(mut self, chain: &[u8], key: &[u8]) -> Self {
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|error| Error::tls(format!("the client's key: {error}")));
        match certificates(chain).and_then(|chain| Ok((chain, key?))) {
            Ok(identity) => self.identity = Some(identity),
            Err(error) => self.fail(error),
        }
        self
    }

    /// [`ClientTlsBuilder::client_certificate_pem`] in DER.
    #[must_use]
    pub fn client_certificate_der(
        mut self,
        chain: impl IntoIterator<Item: Into<Vec<u8>>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        let chain = chain.into_iter().map(|der| CertificateDer::from(der.into())).collect();
        match PrivateKeyDer::try_from(key.into()) {
            Ok(key) => self.identity = Some((chain, key)),
            Err(error) => self.fail(Error::tls(format!("the client's key: {error}"))),
        }
        self
    }

    /// Accepts servers by this certificate alone; may be called for several.
    ///
    /// The SHA-256 of the server's own certificate in DER is compared. Roots, the name in the
    /// certificate and its dates no longer matter; that the server holds the key is still proved.
    #[must_use]
    pub fn pin_sha256(mut self, fingerprint: [u8; 32]) -> Self {
        self.pins.push(Pin::Sha256(fingerprint));
        self
    }

    /// [`ClientTlsBuilder::pin_sha256`] of each certificate in a PEM file.
    #[must_use]
    pub fn pin_pem(mut self, pem: &[u8]) -> Self {
        match certificates(pem) {
            Ok(found) => self.pins.extend(found.into_iter().map(Pin::Certificate)),
            Err(error) => self.fail(error),
        }
        self
    }

    /// Checks no certificate at all: whoever sits between you and the server can read and change
    /// everything. For experiments; [`ClientTlsBuilder::pin_sha256`] is as easy and safe.
    #[must_use]
    pub fn dangerously_accept_any_certificate(mut self) -> Self {
        self.anything = true;
        self
    }

    /// Reads the platform's roots where they are trusted, which may take some milliseconds, and
    /// makes the configuration.
    ///
    /// # Errors
    /// [`Error::is_tls`] if a certificate or key cannot be read, if the platform has no roots, or
    /// if nothing is trusted.
    pub fn build(mut self) -> Result<ClientTls> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let provider = provider();
        let identity = self.identity.take();
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(Error::tls)?
            .dangerous()
            .with_custom_certificate_verifier(self.verifier(provider)?);
        let mut config = match identity {
            None => config.with_no_client_auth(),
            Some((chain, key)) => config.with_client_auth_cert(chain, key).map_err(Error::tls)?,
        };
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(config.into())
    }

    fn verifier(self, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>> {
        if self.anything {
            return Ok(Arc::new(Anything { provider }));
        }
        if !self.pins.is_empty() {
            let pins =
                self.pins.iter().map(|pin| pin.fingerprint(&provider)).collect::<Option<_>>();
            let pins = pins.ok_or_else(|| Error::tls("the provider has no SHA-256"))?;
            return Ok(Arc::new(Pinned { pins, provider }));
        }
        if self.platform {
            return platform(self.roots, provider);
        }
        let mut roots = RootCertStore::empty();
        for root in self.roots {
            roots.add(root).map_err(Error::tls)?;
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        Ok(verifier.build().map_err(Error::tls)?)
    }

    /// Keeps the first error for [`ClientTlsBuilder::build`].
    fn fail(&mut self, error: Error) {
        self.failed.get_or_insert(error);
    }
}

impl Pin {
    fn fingerprint(&self, provider: &CryptoProvider) -> Option<[u8; 32]> {
        match self {
            Self::Sha256(fingerprint) => Some(*fingerprint),
            Self::Certificate(certificate) => sha256(provider, certificate),
        }
    }
}

fn provider() -> Arc<CryptoProvider> {
    CryptoProvider::get_default()
        .map_or_else(|| Arc::new(aws_lc_rs::default_provider()), Arc::clone)
}

#[cfg(not(target_os = "android"))]
fn platform(
    roots: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>> {
    let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(roots, provider);
    Ok(Arc::new(verifier.map_err(Error::tls)?))
}

#[cfg(target_os = "android")]
fn platform(
    roots: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>> {
    if !roots.is_empty() {
        return Err(Error::tls("Android trusts its own roots or yours, not both"));
    }
    let verifier = rustls_platform_verifier::Verifier::new(provider);
    Ok(Arc::new(verifier.map_err(Error::tls)?))
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| Error::tls(format!("a certificate in PEM: {error}")))?;
    if found.is_empty() {
        return Err(Error::tls("there is no certificate in the PEM text"));
    }
    Ok(found)
}

/// Puts TLS over a stream to `host`.
///
/// # Errors
/// [`Error::is_tls`], or [`Error::is_url`] for a host that TLS has no name for.
pub(crate) async fn secure(wire: Wire, tls: Option<&ClientTls>, host: &str) -> Result<Wire> {
    let tls = match tls {
        Some(tls) => tls.clone(),
        None => ClientTls::platform().await?,
    };
    let name = tls.server_name.as_deref().unwrap_or(host).to_owned();
    let name = ServerName::try_from(name)
        .map_err(|_| Error::url("its host is no name that a certificate could have"))?;
    let stream = TlsConnector::from(tls.config).connect(name, wire).await.map_err(cause)?;
    match stream.get_ref().1.alpn_protocol() {
        None | Some(ALPN) => Ok(Wire::Layered(Box::new(stream))),
        Some(other) => {
            let other = String::from_utf8_lossy(other);
            Err(Error::tls(format!("the server chose {other} by ALPN instead of http/1.1")))
        }
    }
}

/// The error of rustls itself where there is one, so that a source can be downcast.
fn cause(error: std::io::Error) -> Error {
    match error.downcast::<rustls::Error>() {
        Ok(error) => Error::tls(error),
        Err(error) => Error::tls(error),
    }
}
