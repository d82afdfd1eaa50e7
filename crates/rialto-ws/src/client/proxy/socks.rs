//! SOCKS5 (RFC 1928), with user and password (RFC 1929).

use crate::client::url::User;
use crate::error::{Error, Result};
use std::io;
use std::net::IpAddr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const PASSWORD: u8 = 2;
/// The version of the password's sub-negotiation.
const PASSWORD_VERSION: u8 = 1;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// Asks a proxy to connect to a name or an address.
///
/// # Errors
/// [`Error::is_proxy`], with what the proxy gave as its reason.
pub(super) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    host: &str,
    port: u16,
    user: Option<&User>,
) -> Result<()> {
    match greet(stream, user.is_some()).await.map_err(broken)? {
        [VERSION, NO_AUTHENTICATION] => {}
        [VERSION, PASSWORD] => authenticate(stream, user).await?,
        [VERSION, _] => return Err(Error::proxy("it wants a user and password, or other ones")),
        _ => return Err(Error::proxy("it does not speak SOCKS5")),
    }
    send(stream, &request(host, port)?).await.map_err(broken)?;
    match answer(stream).await.map_err(broken)? {
        (VERSION, 0) => Ok(()),
        (VERSION, code) => Err(Error::proxy(reason(code))),
        _ => Err(Error::proxy("it does not speak SOCKS5")),
    }
}

async fn send<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

async fn greet<S>(stream: &mut S, has_user: bool) -> io::Result<[u8; 2]>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let greeting: &[u8] = match has_user {
        true => &[VERSION, 2, NO_AUTHENTICATION, PASSWORD],
        false => &[VERSION, 1, NO_AUTHENTICATION],
    };
    send(stream, greeting).await?;
    let mut chosen = [0; 2];
    stream.read_exact(&mut chosen).await?;
    Ok(chosen)
}

async fn authenticate<S>(stream: &mut S, user: Option<&User>) -> Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(user) = user else {
        return Err(Error::proxy("it wants a user and password, and there is none"));
    };
    let mut bytes = vec![PASSWORD_VERSION];
    for part in [&user.name, &user.password] {
        let long = |_| Error::proxy("a user or password over 255 bytes is too long for SOCKS5");
        bytes.push(u8::try_from(part.len()).map_err(long)?);
        bytes.extend_from_slice(part);
    }
    send(stream, &bytes).await.map_err(broken)?;
    let mut verdict = [0; 2];
    stream.read_exact(&mut verdict).await.map_err(broken)?;
    match verdict {
        [_, 0] => Ok(()),
        _ => Err(Error::proxy("it refused the user or password")),
    }
}

fn request(host: &str, port: u16) -> Result<Vec<u8>> {
    let mut bytes = vec![VERSION, CONNECT, 0];
    match host.parse() {
        Ok(IpAddr::V4(address)) => {
            bytes.push(IPV4);
            bytes.extend_from_slice(&address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            bytes.push(IPV6);
            bytes.extend_from_slice(&address.octets());
        }
        Err(_) => {
            let long = |_| Error::url("a host name over 255 bytes is too long for SOCKS5");
            bytes.extend_from_slice(&[NAME, u8::try_from(host.len()).map_err(long)?]);
            bytes.extend_from_slice(host.as_bytes());
        }
    }
    bytes.extend_from_slice(&port.to_be_bytes());
    Ok(bytes)
}

/// Version and reply code; the address that follows is read and of no use.
async fn answer<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<(u8, u8)> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let [version, code, _, kind] = head;
    // A proxy that refuses may end here without an address.
    if version != VERSION || code != 0 {
        return Ok((version, code));
    }
    let length = match kind {
        IPV4 => 4,
        IPV6 => 16,
        NAME => usize::from(stream.read_u8().await?),
        _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "an unknown kind of address")),
    };
    let mut rest = [0; 255 + 2];
    if let Some(rest) = rest.get_mut(..length + 2) {
        stream.read_exact(rest).await?;
    }
    Ok((version, code))
}

fn broken(error: io::Error) -> Error {
    Error::proxy_io("the connection to it failed", error)
}

fn reason(code: u8) -> &'static str {
    match code {
        1 => "it failed in general (SOCKS5 reply 1)",
        2 => "its rules do not allow the server",
        3 => "it cannot reach the server's network",
        4 => "it cannot reach the server",
        5 => "the server refused its connection",
        6 => "its connection to the server timed out",
        7 => "it does not know CONNECT",
        8 => "it does not know this kind of address",
        _ => "it gave a reason that SOCKS5 does not know",
    }
}
