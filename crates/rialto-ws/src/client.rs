//! The client's end: `connect`.

use crate::error::{Error, Result};
use crate::head::{MAX_FIELDS, read_head};
use crate::io::random;
use crate::io::stream::Stream;
use crate::options::Options;
use crate::proto::Role;
use crate::proto::deflate::Offer;
use crate::proto::handshake::client::{Chosen, Offers};
use crate::proto::handshake::{Request, client};
use crate::socket::WebSocket;
use http::{HeaderMap, StatusCode, Uri};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Connects to a `ws://` URL with default options.
///
/// # Errors
/// If the URL is not usable, the server cannot be reached in time or refuses the handshake
/// ([`Error::status`] tells how).
pub async fn connect(url: impl AsRef<str>) -> Result<WebSocket> {
    Connect::new(url.as_ref()).connect().await
}

/// A connection to be made, with options and headers.
///
/// ```no_run
/// # async fn example() -> rialto_ws::Result<()> {
/// use rialto_ws::{Connect, Options};
/// let socket = Connect::new("ws://127.0.0.1:8080/chat")
///     .header("authorization", "Bearer secret")
///     .options(Options::default().protocols(["chat.v1"]))
///     .connect()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Connect {
    url: String,
    headers: HeaderMap,
    invalid_header: bool,
    options: Options,
}

impl Connect {
    /// To this `ws://` URL.
    pub fn new(url: impl Into<String>) -> Self {
        let options = Options::default();
        Self { url: url.into(), headers: HeaderMap::new(), invalid_header: false, options }
    }

    /// Adds a header field to the handshake; those that the handshake sets itself stay as they are.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match (name.parse::<http::HeaderName>(), value.parse()) {
            (Ok(name), Ok(value)) => {
                self.headers.append(name, value);
            }
            _ => self.invalid_header = true,
        }
        self
    }

    /// Sets the options.
    #[must_use]
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Connects by TCP and does the handshake, both within [`Options::handshake_timeout`].
    ///
    /// # Errors
    /// As [`connect`].
    pub async fn connect(self) -> Result<WebSocket> {
        let limit = self.options.handshake_timeout;
        match timeout(limit, self.over_tcp()).await {
            Ok(result) => result,
            Err(_) => Err(Error::timeout("connecting")),
        }
    }

    /// Does the handshake on a stream that leads to the server already.
    ///
    /// # Errors
    /// As [`connect`].
    pub async fn over<S: Stream>(self, stream: S) -> Result<WebSocket> {
        let uri = self.uri()?;
        let limit = self.options.handshake_timeout;
        match timeout(limit, self.handshake(stream, &uri)).await {
            Ok(result) => result,
            Err(_) => Err(Error::timeout("the handshake")),
        }
    }

    async fn over_tcp(&self) -> Result<WebSocket> {
        let uri = self.uri()?;
        if uri.scheme_str() != Some("ws") {
            return Err(Error::url("only ws:// can be connected to directly; see Connect::over"));
        }
        let host = uri.host().unwrap_or_default();
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let stream = TcpStream::connect((bare, uri.port_u16().unwrap_or(80))).await?;
        self.handshake(stream, &uri).await
    }

    fn uri(&self) -> Result<Uri> {
        if self.invalid_header {
            return Err(Error::url("a header field has an invalid name or value"));
        }
        let uri: Uri = self.url.parse().map_err(|_| Error::url("it does not parse"))?;
        match uri.scheme_str() {
            Some("ws" | "wss") if uri.host().is_some_and(|host| !host.is_empty()) => Ok(uri),
            Some("ws" | "wss") => Err(Error::url("it has no host")),
            _ => Err(Error::url("it begins with neither ws:// nor wss://")),
        }
    }

    async fn handshake<S: Stream>(&self, mut stream: S, uri: &Uri) -> Result<WebSocket> {
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        // User information in the URL is not part of Host (RFC 9110 §7.2).
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let key = client::key(random::bytes()?);
        let deflate = self.options.compression.settings(Role::Client);
        let deflate = deflate.map(|settings| Offer::new(&settings));
        let offers = Offers { protocols: &self.options.protocols, deflate };
        let request = client::request(target, host, &key, &offers, &self.headers);
        stream.write_all(&request).await?;
        stream.flush().await?;
        let (head, input) = read_head(&mut stream, self.options.max_head).await?;
        let chosen = check(&head, &key, &offers)?;
        let fields = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let mut request = Request::new(target, fields);
        request.set_protocol(chosen.protocol.as_deref());
        let socket = WebSocket::open(stream, Role::Client, input, request, &self.options);
        Ok(socket.with_deflate(chosen.deflate))
    }
}

fn check(head: &[u8], key: &str, offers: &Offers<'_>) -> Result<Chosen> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut answer = httparse::Response::new(&mut fields);
    let malformed = client::Rejected::Malformed("not an HTTP/1.1 answer");
    let Ok(httparse::Status::Complete(_)) = answer.parse(head) else {
        return Err(malformed.into());
    };
    let Some(status) = answer.code.and_then(|code| StatusCode::from_u16(code).ok()) else {
        return Err(malformed.into());
    };
    let fields: &[httparse::Header<'_>] = answer.headers;
    Ok(client::check(status, fields, key, offers)?)
}
