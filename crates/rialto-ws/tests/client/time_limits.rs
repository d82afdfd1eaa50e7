//! Time limits: each part of connecting by itself, the whole, and giving up.

use crate::support::{PATIENCE, listen, within};
use rialto_ws::{Connect, Options, Phase};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

const SHORT: Duration = Duration::from_millis(200);

/// Long enough for whatever does answer on loopback.
const ENOUGH: Duration = Duration::from_secs(1);

/// Accepts and never says anything.
async fn silent() -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok(accepted) = listener.accept().await {
            kept.push(accepted);
        }
    });
    address
}

async fn timed_out(connect: Connect) -> String {
    let error = within(connect.connect()).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn every_part_has_its_own_limit_and_name() {
    let server = silent().await;
    let plain = Connect::new(format!("ws://{server}/"));
    let said = timed_out(plain.clone().time_limit(Phase::Handshake, SHORT)).await;
    assert_eq!(said, "timed out: the opening handshake");
    for proxy in ["http", "socks5", "socks5h"] {
        let proxied = plain.clone().proxy(format!("{proxy}://{server}"));
        let said = timed_out(proxied.time_limit(Phase::Proxy, SHORT)).await;
        assert_eq!(said, "timed out: the way through the proxy");
    }
    #[cfg(feature = "tls")]
    {
        let secure = Connect::new(format!("wss://{server}/"));
        let said = timed_out(secure.tls(no_roots()).time_limit(Phase::Tls, SHORT)).await;
        assert_eq!(said, "timed out: the TLS handshake");
    }
}

#[cfg(feature = "tls")]
fn no_roots() -> rialto_ws::ClientTls {
    rialto_ws::ClientTls::builder().dangerously_accept_any_certificate().build().unwrap()
}

/// A listener whose queue is full: the kernel answers no further connection.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_address_that_does_not_answer() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener: TcpListener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut kept = Vec::new();
    while let Ok(Ok(stream)) =
        tokio::time::timeout(ENOUGH, tokio::net::TcpStream::connect(address)).await
    {
        kept.push(stream);
        assert!(kept.len() < 100, "the queue never fills");
    }
    let connect = Connect::new(format!("ws://{address}/")).time_limit(Phase::Connect, SHORT);
    assert_eq!(timed_out(connect).await, "timed out: connecting");
}

#[tokio::test]
async fn the_whole_is_bounded_too_and_says_where_it_stood() {
    let server = silent().await;
    let options = Options::default().handshake_timeout(ENOUGH);
    let plain = Connect::new(format!("ws://{server}/")).options(options);
    assert_eq!(timed_out(plain.clone()).await, "timed out: the opening handshake");
    let proxied = plain.proxy(format!("http://{server}"));
    assert_eq!(timed_out(proxied).await, "timed out: the way through the proxy");
    let stream = tokio::net::TcpStream::connect(server).await.unwrap();
    let options = Options::default().handshake_timeout(ENOUGH);
    let over = Connect::new("ws://h/").options(options).over(stream);
    assert!(within(over).await.unwrap_err().is_timeout());
}

#[tokio::test]
async fn a_dropped_attempt_leaves_no_connection_behind() {
    for scheme in ["ws", "wss"] {
        if scheme == "wss" && cfg!(not(feature = "tls")) {
            continue;
        }
        let (listener, address) = listen().await;
        let connect = Connect::new(format!("{scheme}://{address}/"));
        #[cfg(feature = "tls")]
        let connect = connect.tls(no_roots());
        let connecting = tokio::spawn(connect.connect());
        let (mut stream, _) = within(listener.accept()).await.unwrap();
        // It is in the midst of a handshake now.
        assert_ne!(within(stream.read_u8()).await.unwrap(), 0);
        connecting.abort();
        let mut rest = Vec::new();
        // To the end, or to a reset: either way the client is gone.
        let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "{scheme}: the connection is still there");
    }
}
