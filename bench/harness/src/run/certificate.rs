//! A certificate for one run: servers get it as files, clients trust it alone.

use anyhow::{Context, Result};
use rustls::{ClientConfig, RootCertStore};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

/// The certificate of 127.0.0.1; dropped, its files are removed.
pub(super) struct Certificate {
    folder: PathBuf,
    trust: Arc<ClientConfig>,
}

impl Certificate {
    /// A new one.
    pub(super) fn new() -> Result<Self> {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
        let folder = std::env::temp_dir().join(format!("rialto-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).context("no folder for a certificate")?;
        fs::write(folder.join("chain.pem"), made.cert.pem())?;
        fs::write(folder.join("key.pem"), made.signing_key.serialize_pem())?;
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone())?;
        let trust = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Ok(Self { folder, trust: Arc::new(trust) })
    }

    /// The words of a server's command: `tls`, the chain, the key.
    pub(super) fn words(&self) -> String {
        let folder = self.folder.display();
        format!("tls '{folder}/chain.pem' '{folder}/key.pem'")
    }

    /// What clients trust.
    pub(super) fn trust(&self) -> &Arc<ClientConfig> {
        &self.trust
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
