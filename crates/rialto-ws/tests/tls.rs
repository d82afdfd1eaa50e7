//! `serve` over TLS, with clients of rustls and of plain TCP.
#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

#[path = "support/http.rs"]
mod http_support;

use http_support::{PATIENCE, SWITCHING, close_frame, echo, rest, round_trip, shake};
use rialto_ws::{Message, Options, Role, ServerTls, WebSocket, serve};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::future::IntoFuture;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A certificate for localhost that vouches for itself.
struct Identity {
    chain: String,
    key: String,
    der: CertificateDer<'static>,
}

fn identity() -> Identity {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (chain, der) = (made.cert.pem(), made.cert.der().clone());
    Identity { chain, key: made.signing_key.serialize_pem(), der }
}

impl Identity {
    fn tls(&self) -> ServerTls {
        ServerTls::from_pem(self.chain.as_bytes(), self.key.as_bytes()).unwrap()
    }

    /// A client that trusts this certificate alone and would rather speak HTTP/2.
    fn connector(&self) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let builder = ClientConfig::builder_with_provider(Arc::new(provider));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsConnector::from(Arc::new(config))
    }

    async fn connect(&self, address: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        timeout(PATIENCE, self.connector().connect(name, stream)).await.expect("an end in time")
    }
}

async fn start(tls: ServerTls, options: Options) -> SocketAddr {
    let mut server = serve("127.0.0.1:0", echo).tls(tls).options(options);
    let address = server.bind().await.unwrap()[0];
    tokio::spawn(server.into_future());
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_all_sizes_come_back_over_tls() {
    let identity = identity();
    // That it announces HTTP/2 is for other servers.
    let address = start(identity.tls().http2(), Options::default()).await;
    let mut stream = identity.connect(address).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert!(shake(&mut stream, "").await.starts_with(SWITCHING));
    let request = rialto_ws::Request::default();
    let options = Options::default();
    let mut socket = WebSocket::from_upgraded(stream, Role::Client, Vec::new(), request, &options);
    for size in [0, 1, 125, 126, 16_384, 65_536, 1 << 20, 8 << 20] {
        let payload: Vec<u8> = (0..size).map(|i| u8::try_from(i % 251).unwrap()).collect();
        socket.send(payload.clone()).await.unwrap();
        let back = timeout(PATIENCE, socket.recv()).await.unwrap().unwrap().unwrap();
        assert!(back == Message::from(payload), "size {size}");
    }
    socket.close(1000, "").await.unwrap();
    assert_eq!(socket.close_frame().unwrap().code.get(), 1000);
}

#[tokio::test]
async fn a_handler_sees_the_address_of_its_peer_and_the_end_comes_in_order() {
    let identity = identity();
    let (stop, stopped) = oneshot::channel::<()>();
    let handler = async |mut socket: WebSocket| {
        let address = socket.peer_addr().unwrap();
        socket.send(address.ip().to_string()).await?;
        while socket.recv().await?.is_some() {}
        Ok::<_, rialto_ws::Error>(())
    };
    let mut server = serve("127.0.0.1:0", handler)
        .tls(identity.tls())
        .with_graceful_shutdown(async { drop(stopped.await) });
    let address = server.bind().await.unwrap()[0];
    let ended = tokio::spawn(server.into_future());
    let mut stream = identity.connect(address).await.unwrap();
    shake(&mut stream, "").await;
    stop.send(()).unwrap();
    // The answer goes out blindly: the server waits for it whenever it has sent its own frame.
    stream.write_all(&close_frame(1001)).await.unwrap();
    let rest = rest(&mut stream).await;
    assert!(rest.starts_with(b"\x81\x09127.0.0.1\x88"), "{rest:?}");
    timeout(PATIENCE, ended).await.expect("an end in time").unwrap().unwrap();
}

#[tokio::test]
async fn whoever_never_speaks_tls_is_cut_by_the_deadline() {
    let identity = identity();
    let options = Options::default().handshake_timeout(Duration::from_millis(300));
    let address = start(identity.tls(), options).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut slow = TcpStream::connect(address).await.unwrap();
    // The beginning of a record that never ends.
    slow.write_all(b"\x16\x03\x01\x02\x00\x01").await.unwrap();
    let mut half = identity.connect(address).await.unwrap();
    half.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    assert_eq!(rest(&mut silent).await, b"");
    assert_eq!(rest(&mut slow).await, b"");
    assert!(rest(&mut half).await.starts_with(b"HTTP/1.1 408 "));
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let answer = rest(&mut plain).await;
    assert_eq!(answer.first(), Some(&0x15), "a TLS alert: {answer:?}");
}

#[tokio::test]
async fn certificates_are_exchanged_in_place() {
    let folder = std::env::temp_dir().join(format!("rialto-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (chain, key) = (folder.join("chain.pem"), folder.join("key.pem"));
    let write = |identity: &Identity| {
        std::fs::write(&chain, &identity.chain).unwrap();
        std::fs::write(&key, &identity.key).unwrap();
    };
    let (old, new) = (identity(), identity());
    write(&old);
    let tls = ServerTls::from_pem_files(&chain, &key).unwrap();
    // On workers, all of which hear of the new one.
    let mut server = serve("127.0.0.1:0", echo).tls(tls.clone()).workers(3);
    let address = server.bind().await.unwrap()[0];
    tokio::spawn(server.into_future());
    let mut before = old.connect(address).await.unwrap();
    shake(&mut before, "").await;

    std::fs::write(&key, &new.key).unwrap();
    let error = tls.reload_pem_files(&chain, &key).unwrap_err();
    assert!(error.to_string().contains("chain.pem"), "{error}");
    old.connect(address).await.expect("a pair that does not match is not taken");

    write(&new);
    tls.reload_pem_files(&chain, &key).unwrap();
    for _ in 0..20 {
        new.connect(address).await.unwrap();
        assert!(old.connect(address).await.is_err());
    }
    let mut after = new.connect(address).await.unwrap();
    shake(&mut after, "").await;
    round_trip(&mut after).await;
    round_trip(&mut before).await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_is_no_certificate_is_named() {
    let identity = identity();
    let fails = |chain: &str, key: &str| {
        ServerTls::from_pem(chain.as_bytes(), key.as_bytes()).unwrap_err().to_string()
    };
    assert!(fails("", &identity.key).contains("chain is empty"));
    assert!(fails(&identity.chain, "").contains("private key"));
    assert!(fails(&identity.chain, &self::identity().key).len() > 10);
    let error = ServerTls::from_pem_files("missing.pem", "missing.pem").unwrap_err();
    assert!(error.to_string().contains("missing.pem"), "{error}");
}
