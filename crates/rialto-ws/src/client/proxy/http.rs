//! HTTP CONNECT (RFC 9110 §9.3.6), for `ws://` too: a proxy that forwards GET drops the upgrade.

use crate::client::answer::{Head, Unread};
use crate::client::url::User;
use crate::error::{Error, Result};
use http::{HeaderMap, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

/// What a proxy is asked for.
pub(super) struct Asked<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) user: Option<&'a User>,
    /// Fields for the proxy alone.
    pub(super) headers: &'a HeaderMap,
}

/// # Errors
/// [`Error::is_proxy`], with the proxy's status if it gave one.
pub(super) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    asked: &Asked<'_>,
    max_head: usize,
) -> Result<()> {
    let failed = |error| Error::proxy_io("the connection to it failed", error);
    stream.write_all(&asked.request()?).await.map_err(failed)?;
    stream.flush().await.map_err(failed)?;
    let head = Head::read(stream, max_head).await.map_err(|unread| match unread {
        Unread::Malformed(what) => Error::proxy(format!("its answer to CONNECT: {what}")),
        Unread::Failed(error) => error.before_proxy(),
    })?;
    if !head.status.is_success() {
        return Err(refused(head.status));
    }
    // Nobody but the proxy can have sent it: the server has not been asked anything yet.
    if !head.rest.is_empty() {
        return Err(Error::proxy("it sent something behind its answer to CONNECT"));
    }
    Ok(())
}

impl Asked<'_> {
    fn request(&self) -> Result<Vec<u8>> {
        let Self { host, port, .. } = self;
        let place =
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let mut out = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n").into_bytes();
        let mut field = |name: &str, value: &[u8]| {
            for part in [name.as_bytes(), b": ", value, b"\r\n"] {
                out.extend_from_slice(part);
            }
        };
        if let Some(user) = self.user {
            field("Proxy-Authorization", user.authorization()?.as_bytes());
        }
        for (name, value) in self.headers {
            field(name.as_str(), value.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        Ok(out)
    }
}

fn refused(status: StatusCode) -> Error {
    let what = match status {
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            format!("it answered CONNECT by {status}: it wants another user or password")
        }
        _ => format!("it answered CONNECT by {status}"),
    };
    Error::proxy_status(what, status)
}
