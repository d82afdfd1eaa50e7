//! The opening handshake on a stream that leads to the server (RFC 6455 §4.1).

use super::answer::Head;
use super::url::Target;
use crate::error::{Error, Result};
use crate::io::random;
use crate::options::Options;
use crate::proto::Role;
use crate::proto::deflate::Offer;
use crate::proto::handshake::client::{Chosen, Offers};
use crate::proto::handshake::{Request, client};
use crate::socket::Opening;
use http::{HeaderMap, Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

/// What the server has agreed to.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) opening: Opening,
    /// What the server sent behind its answer.
    pub(crate) input: Vec<u8>,
    pub(crate) response: Response<()>,
}

/// Sends the request and reads the answer.
///
/// # Errors
/// With the server's answer ([`Error::response`]) if it is another than 101.
pub(crate) async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    target: &Target,
    headers: &HeaderMap,
    options: &Options,
) -> Result<Accepted> {
    let key = client::key(random::bytes()?);
    let deflate = options.compression.settings(Role::Client);
    let deflate = deflate.map(|settings| Offer::new(&settings));
    let offers = Offers { protocols: &options.protocols, deflate };
    let request = client::request(&target.path, &target.authority, &key, &offers, headers);
    stream.write_all(&request).await?;
    stream.flush().await?;
    let head = Head::read(stream, options.max_head).await?;
    if head.status != StatusCode::SWITCHING_PROTOCOLS {
        return Err(Error::answer(head.with_body(stream).await, ""));
    }
    let Chosen { protocol, deflate } = client::check(head.status, &head.fields, &key, &offers)?;
    let fields = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let request = Request::new(&target.path, fields);
    let mut response = Response::new(());
    *response.status_mut() = head.status;
    *response.headers_mut() = head.fields;
    let protocol = protocol.map(String::into_boxed_str);
    let opening = Opening { request, protocol, deflate };
    Ok(Accepted { opening, input: head.rest, response })
}
