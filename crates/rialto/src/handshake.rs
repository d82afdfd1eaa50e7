//! The request that opened a connection, as handlers see it.

use http::header::{self, HeaderName};
use http::request::Parts;
use rialto_protocol::engine::{MAX_QUERY_PAIRS, Query, Version, query_pairs};
use rialto_protocol::socketio::decode;
use rialto_ws::Request;
use serde::de::DeserializeOwned;
use std::any::Any;
use std::borrow::Cow;
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The request that opened a connection, and what the client sent with its CONNECT packet.
///
/// Cloning costs a reference count.
#[derive(Clone, Debug)]
pub struct Handshake {
    opening: Arc<Opening>,
    /// What belongs to one namespace; most clients send nothing with it.
    joining: Option<Arc<Joining>>,
}

#[derive(Debug)]
struct Joining {
    auth: Option<Box<str>>,
    params: Option<Params>,
}

/// What has done its work once a WebSocket is open.
const SPENT: [HeaderName; 4] =
    [header::CONNECTION, header::UPGRADE, header::SEC_WEBSOCKET_KEY, header::SEC_WEBSOCKET_VERSION];

/// What was read from the name of a dynamic namespace.
pub(crate) type Params = Arc<dyn Any + Send + Sync>;

#[derive(Debug)]
struct Opening {
    request: Request,
    address: Address,
    /// Nanoseconds since 1970: half of what a `SystemTime` takes.
    issued: u64,
    secure: bool,
}

/// A peer's address. Every connection keeps one, and most are of IPv4.
#[derive(Debug)]
enum Address {
    Unknown,
    V4(SocketAddrV4),
    V6(Box<SocketAddrV6>),
}

impl From<Option<SocketAddr>> for Address {
    fn from(address: Option<SocketAddr>) -> Self {
        match address {
            None => Self::Unknown,
            Some(SocketAddr::V4(address)) => Self::V4(address),
            Some(SocketAddr::V6(address)) => Self::V6(Box::new(address)),
        }
    }
}

impl Handshake {
    pub(crate) fn new(request: Request, address: Option<SocketAddr>) -> Self {
        let issued = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let issued = u64::try_from(issued.as_nanos()).unwrap_or(u64::MAX);
        let opening = Opening { request, address: address.into(), issued, secure: false };
        Self { opening: Arc::new(opening), joining: None }
    }

    /// Of a request that opens a session. One that becomes a WebSocket is kept without the fields
    /// that only make it a handshake, as `rialto-ws` keeps its own.
    pub(crate) fn of(parts: &Parts, upgrade: bool, address: Option<SocketAddr>) -> Self {
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let fields = parts.headers.iter().filter(|(name, _)| !upgrade || !SPENT.contains(name));
        let fields = fields.map(|(name, value)| (name.as_str(), value.as_bytes()));
        Self::new(Request::new(target, fields), address)
    }

    /// Notes that the request came over TLS. For a new one, which nobody shares yet.
    pub(crate) fn secured(mut self) -> Self {
        if let Some(opening) = Arc::get_mut(&mut self.opening) {
            opening.secure = true;
        }
        self
    }

    /// As it is for one namespace.
    pub(crate) fn joining(&self, auth: &str, params: Option<&Params>) -> Self {
        let auth: Option<Box<str>> = (!auth.is_empty()).then(|| auth.into());
        let some = auth.is_some() || params.is_some();
        let joining = some.then(|| Arc::new(Joining { auth, params: params.cloned() }));
        Self { opening: Arc::clone(&self.opening), joining }
    }

    /// What was read from the name of a dynamic namespace: see
    /// [`Server::namespace_pattern`](crate::Server::namespace_pattern). `None` if it is no such
    /// namespace, or of another type.
    #[must_use]
    pub fn params<P: Send + Sync + 'static>(&self) -> Option<Arc<P>> {
        self.joining.as_ref()?.params.clone()?.downcast().ok()
    }

    /// What the client gave as `auth`, decoded.
    ///
    /// # Errors
    /// If it does not fit the type; `{}` is decoded where the client gave nothing. Half a surrogate
    /// pair in a string, as JavaScript may send it, is U+FFFD, as in the arguments of events.
    pub fn auth<T: DeserializeOwned>(&self) -> crate::Result<T> {
        let json = self.auth_json().unwrap_or("{}");
        serde_json::from_str(json).or_else(|error| {
            let argument = decode(&format!("[{json}]"), false, &[]);
            argument.map(|(auth,)| auth).map_err(|_| error.into())
        })
    }

    /// What the client gave as `auth`, as JSON text.
    #[must_use]
    pub fn auth_json(&self) -> Option<&str> {
        self.joining.as_ref()?.auth.as_deref()
    }

    /// The value of a query parameter, decoded; of several of that name the first.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        self.pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// All query parameters, decoded, in order.
    #[must_use]
    pub fn query_pairs(&self) -> Vec<(String, String)> {
        self.pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
    }

    /// Of a request that was refused, too, and of one for the browser client.
    fn pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        let query = self.opening.request.query();
        query.into_iter().flat_map(query_pairs).take(MAX_QUERY_PAIRS)
    }

    fn parsed(&self) -> Option<Query<'_>> {
        Query::parse(self.opening.request.query()?).ok()
    }

    /// The value of a header field.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.opening.request.header(name)
    }

    /// All header fields in order. Of a request that opened a WebSocket, those are left out that
    /// only make it a handshake: `Connection`, `Upgrade`, `Sec-WebSocket-Key` and
    /// `Sec-WebSocket-Version`.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.opening.request.headers()
    }

    /// The request target: path and query.
    #[must_use]
    pub fn url(&self) -> &str {
        self.opening.request.target()
    }

    /// The peer's address, where the server knows it.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.opening.address {
            Address::Unknown => None,
            Address::V4(address) => Some((*address).into()),
            Address::V6(address) => Some((**address).into()),
        }
    }

    /// When the request came.
    #[must_use]
    pub fn issued(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.opening.issued)
    }

    /// True if the request came over TLS that ends in this process.
    #[must_use]
    pub fn secure(&self) -> bool {
        self.opening.secure
    }

    /// True if a page of another origin, or of the same, said where it comes from: Node's
    /// `xdomain`, which is whether there is an `Origin`.
    #[must_use]
    pub fn xdomain(&self) -> bool {
        self.header("origin").is_some()
    }

    /// The revision of Engine.IO that the client speaks: 3 or 4.
    #[must_use]
    pub fn protocol(&self) -> u8 {
        match self.parsed().map(|query| query.version) {
            Some(Version::V3) => 3,
            _ => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn auth_with_half_a_surrogate_pair_is_read() {
        let opening = Handshake::new(Request::new("/", std::iter::empty()), None);
        let auth = |json: &str| opening.joining(json, None).auth::<Value>();
        assert_eq!(auth(r#"{"name":"a\ud83d"}"#).unwrap(), json!({"name": "a\u{fffd}"}));
        assert_eq!(auth("").unwrap(), json!({}));
        assert!(auth(r#"{"number":1e400}"#).unwrap_err().to_string().contains("out of range"));
    }
}
