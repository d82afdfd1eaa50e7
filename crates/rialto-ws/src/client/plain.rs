//! In place of TLS, where the feature `tls` is off: the answer that it is.

use super::wire::Wire;
use crate::error::{Error, Result};

/// Settings that cannot exist.
#[derive(Clone, Debug)]
pub(crate) enum ClientTls {}

/// # Errors
/// Always.
#[allow(clippy::unused_async, reason = "as the function that it stands for")]
pub(crate) async fn secure(_wire: Wire, _tls: Option<&ClientTls>, _host: &str) -> Result<Wire> {
    Err(Error::url("wss:// and https:// need the feature `tls` of rialto-ws"))
}
