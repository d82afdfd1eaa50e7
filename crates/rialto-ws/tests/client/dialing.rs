//! Addresses, families, Unix sockets.

use crate::support::{echo_server, greeting, nobody, within};
use rialto_ws::Connect;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

#[tokio::test]
async fn every_address_is_tried() {
    let server = echo_server().await;
    let silent_family = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), nobody().await.port());
    let dead = [nobody().await, silent_family, nobody().await];
    let connect = Connect::new("ws://chat.test:1/").addresses(dead.into_iter().chain([server]));
    let mut socket = within(connect.connect()).await.unwrap();
    assert_eq!(greeting(&mut socket).await, "/ chat.test:1 -");
}

#[tokio::test]
async fn the_error_names_every_address() {
    let dead = [nobody().await, nobody().await];
    let refused = Connect::new("ws://chat.test/").addresses(dead).connect();
    let refused = within(refused).await.unwrap_err();
    assert!(refused.is_io());
    let text = format!("{refused:?}");
    assert!(dead.iter().all(|address| text.contains(&address.to_string())), "{text}");
}

#[tokio::test]
async fn a_name_with_two_families_reaches_the_one_that_listens() {
    let server = echo_server().await;
    let connect = Connect::new(format!("ws://localhost:{}/x", server.port())).no_proxy();
    let mut socket =
        within(connect.tcp_keepalive(Duration::from_secs(60)).connect()).await.unwrap();
    greeting(&mut socket).await;
}

#[tokio::test]
async fn the_local_address_decides_the_family_too() {
    let server = echo_server().await;
    let url = format!("ws://{server}/");
    let from = "127.0.0.9".parse().unwrap();
    // Not every system gives loopback a whole network.
    if std::net::UdpSocket::bind((from, 0)).is_ok() {
        let (listener, address) = crate::support::listen().await;
        let connecting = Connect::new(format!("ws://{address}/")).local_address(from).connect();
        let accepted = tokio::spawn(async move { listener.accept().await.unwrap().1 });
        let connecting = tokio::spawn(connecting);
        assert_eq!(within(accepted).await.unwrap().ip(), from);
        connecting.abort();
    }
    let other = IpAddr::V6(Ipv6Addr::LOCALHOST);
    let refused = within(Connect::new(url).local_address(other).connect()).await.unwrap_err();
    assert!(refused.is_io() && format!("{refused:?}").contains("family"), "{refused:?}");
}

#[tokio::test]
async fn a_name_that_does_not_exist() {
    let connect = Connect::new("ws://does-not-exist.invalid/").no_proxy();
    let refused = within(connect.connect()).await.unwrap_err();
    // Without any name server, the limit ends it.
    assert!(refused.is_io() || refused.is_timeout(), "{refused:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn unix_sockets_by_url_and_by_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let socket = rialto_ws::accept(stream).await.unwrap();
            tokio::spawn(crate::support::echo(socket));
        }
    });
    let url = format!("ws+unix://{}:/chat?room=7", path.display());
    let mut socket = within(rialto_ws::connect(url)).await.unwrap();
    assert_eq!(greeting(&mut socket).await, "/chat?room=7 localhost -");
    let connect = Connect::new("ws://app.test/x").unix_socket(&path).proxy("http://127.0.0.1:1");
    let mut socket = within(connect.connect()).await.unwrap();
    assert_eq!(greeting(&mut socket).await, "/x app.test -");
    let missing = folder.path().join("none.sock");
    let refused = within(Connect::new("ws://h/").unix_socket(&missing).connect()).await;
    let refused = refused.unwrap_err();
    assert!(refused.is_io() && format!("{refused:?}").contains("none.sock"), "{refused:?}");
}
