//! Futures of connecting, accepting and serving that are dropped before they are ready: what is
//! carried on, what is closed, and that nothing else is lost. Those of an open connection are in
//! `cancel.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

#[path = "support/http.rs"]
mod http_support;
mod support;

use http_support::{HEAD, SWITCHING, echo, open, rest, round_trip};
use rialto_ws::proto::deflate::Offer;
use rialto_ws::{Backoff, Connect, Connections, Deflate, Incident, Message, Options, serve};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::{PATIENCE, pair, poll_once, until_ready};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

#[tokio::test]
async fn a_handshake_given_up_closes_its_stream() {
    // A guard that does not decide.
    let (near, mut far) = duplex(1 << 12);
    far.write_all(format!("{HEAD}\r\n").as_bytes()).await.unwrap();
    let options = Options::default();
    let accepting = rialto_ws::accept_guarded(near, &options, |_| pending());
    assert!(poll_once(accepting).await.is_none());
    assert_eq!(rest(&mut far).await, b"", "no answer, and the end");

    // A server that does not answer.
    let (near, mut far) = duplex(1 << 12);
    assert!(poll_once(Connect::new("ws://test/").over(near)).await.is_none());
    assert!(rest(&mut far).await.starts_with(b"GET / HTTP/1.1\r\n"));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let connecting = tokio::spawn(Connect::new(url).connect_with_response());
    let (mut stream, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    let mut first = [0; 4];
    stream.read_exact(&mut first).await.unwrap();
    connecting.abort();
    assert!(connecting.await.unwrap_err().is_cancelled());
    rest(&mut stream).await;
}

/// A server that greets and closes, again and again; returns its URL and counts its connections.
async fn greeter(opened: &Arc<AtomicUsize>, messages: u32) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let opened = Arc::clone(opened);
    tokio::spawn(rialto_ws::serve_on(
        listener,
        Options::default(),
        move |socket: rialto_ws::WebSocket| {
            opened.fetch_add(1, Ordering::Relaxed);
            async move {
                for n in 0..messages {
                    socket.send(n.to_string()).await?;
                    tokio::task::yield_now().await;
                }
                Ok::<(), rialto_ws::Error>(())
            }
        },
    ));
    url
}

/// Pauses that do not hold up a test.
fn soon() -> Backoff {
    let moment = Duration::from_millis(5);
    Backoff::default().initial(moment).max(moment)
}

#[tokio::test]
async fn a_connection_that_was_asked_for_is_carried_on() {
    let opened = Arc::new(AtomicUsize::new(0));
    let url = greeter(&opened, 0).await;
    let mut connections = Connect::new(url).reconnect().backoff(soon()).connections();
    for count in 1..=5 {
        let mut dropped = 0;
        let mut socket = timeout(PATIENCE, async {
            loop {
                match poll_once(connections.next()).await {
                    Some(socket) => return socket.unwrap(),
                    None => dropped += 1,
                }
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
        assert!(dropped > 0, "no call was dropped");
        assert_eq!(socket.recv().await.unwrap(), None);
        assert_eq!(opened.load(Ordering::Relaxed), count, "each call that was dropped went on");
    }
}

#[tokio::test]
async fn messages_of_connection_after_connection_come_once() {
    let opened = Arc::new(AtomicUsize::new(0));
    let url = greeter(&opened, 100).await;
    let mut messages = Connect::new(url).reconnect().backoff(soon()).messages();
    let mut dropped = 0;
    for round in 1..=3 {
        let mut next = 0;
        loop {
            let incident = timeout(PATIENCE, async {
                loop {
                    if let Some(incident) = poll_once(messages.recv()).await {
                        return incident.unwrap();
                    }
                    dropped += 1;
                    tokio::task::yield_now().await;
                }
            });
            match incident.await.unwrap() {
                Incident::Opened(_) => assert_eq!(next, 0),
                Incident::Message(message) => {
                    assert_eq!(message, Message::from(next.to_string()));
                    next += 1;
                }
                Incident::Closed(_) => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((next, opened.load(Ordering::Relaxed)), (100, round));
    }
    assert!(dropped > 10, "{dropped} calls were dropped: too few to show anything");
}

#[tokio::test]
async fn a_conversation_whose_close_is_dropped_closes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let accepting = async {
        let (stream, _) = listener.accept().await.unwrap();
        rialto_ws::accept(stream).await.unwrap()
    };
    let mut messages = Connect::new(url).reconnect().messages();
    let (mut peer, opened) = tokio::join!(accepting, messages.recv());
    assert!(matches!(opened.unwrap(), Incident::Opened(_)));
    assert!(poll_once(messages.close(4001, "enough")).await.is_none());
    assert_eq!(timeout(PATIENCE, peer.recv()).await.unwrap().unwrap(), None);
    assert_eq!(peer.close_frame().unwrap().code.get(), 4001);
}

#[tokio::test]
async fn bind_that_is_dropped_forgets_the_endpoint_it_was_at() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    // A name is looked up elsewhere, which takes a while.
    let mut server = serve(taken, echo).listen("localhost:0");
    assert!(poll_once(server.bind()).await.is_none());
    let bound = server.bind().await.unwrap();
    assert_eq!(bound, [address], "what was bound before is kept");
}

#[tokio::test]
async fn a_server_that_is_dropped_listens_no_more_and_leaves_its_connections_alone() {
    let mut server = serve("127.0.0.1:0", echo);
    let address = server.bind().await.unwrap()[0];
    let serving = tokio::spawn(server.into_future());
    let (mut stream, head) = open(address, "").await;
    assert!(head.starts_with(SWITCHING), "{head}");
    serving.abort();
    assert!(serving.await.unwrap_err().is_cancelled());
    assert!(TcpStream::connect(address).await.is_err());
    round_trip(&mut stream).await;
}

#[tokio::test]
async fn a_stop_that_is_dropped_cuts_nothing_and_takes_no_more() {
    let counted = Connections::new(10);
    let mut server = serve("127.0.0.1:0", echo).connections(counted.clone());
    let address = server.bind().await.unwrap()[0];
    tokio::spawn(server.into_future());
    let (mut stream, _) = open(address, "").await;
    round_trip(&mut stream).await;
    assert!(poll_once(counted.stop(Duration::from_secs(3600))).await.is_none());
    assert_eq!(counted.len(), 1, "it was asked to go, and is still there");
    let (mut late, head) = open(address, "").await;
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    rest(&mut late).await;
    let goodbye = timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap();
    assert_eq!(goodbye, 0x88, "a Close frame");
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_is_dropped_is_a_pause_no_more() {
    let error = std::io::Error::other("no descriptors");
    let pause = Duration::from_secs(1);
    assert!(poll_once(rialto_ws::accept_pause(&error, pause)).await.is_none());
    assert_eq!(rialto_ws::accept_pause(&error, pause).await, pause);
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn a_tls_handshake_given_up_closes_its_stream() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let tls = rialto_ws::ServerTls::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
    let (near, mut far) = duplex(1 << 12);
    far.write_all(&[0x16, 3, 1]).await.unwrap();
    assert!(poll_once(tls.accept(near)).await.is_none());
    assert_eq!(rest(&mut far).await, b"");
}

#[cfg(feature = "hyper")]
#[tokio::test]
async fn an_upgrade_given_up_closes_its_connection() {
    use hyper::body::Incoming;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use std::convert::Infallible;

    for by_type in [false, true] {
        let (near, mut far) = duplex(1 << 12);
        let service = service_fn(move |request: http::Request<Incoming>| async move {
            let (response, upgrading) =
                rialto_ws::Upgrade::new(request).answer::<String>().unwrap();
            let ready = match by_type {
                true => {
                    poll_once(upgrading.open_as(|io: TokioIo<TcpStream>| Ok(io.into_inner()))).await
                }
                false => poll_once(upgrading.open()).await,
            };
            assert!(ready.is_none(), "nothing was answered yet");
            Ok::<_, Infallible>(response)
        });
        let builder = hyper::server::conn::http1::Builder::new();
        let serving = builder.serve_connection(TokioIo::new(near), service).with_upgrades();
        let serving = tokio::spawn(serving);
        far.write_all(format!("{HEAD}\r\n").as_bytes()).await.unwrap();
        let answer = rest(&mut far).await;
        assert!(answer.starts_with(b"HTTP/1.1 101 "), "{answer:?}");
        assert!(answer.ends_with(b"\r\n\r\n"), "nothing but the head");
        drop(timeout(PATIENCE, serving).await.unwrap());
    }
}

/// With a kept context, a message that was compressed and not sent would spoil all later ones.
#[tokio::test]
async fn compressed_messages_in_pieces_survive_dropped_calls() {
    let wish = Deflate::default().threshold(0).context_takeover().max_contexts(usize::MAX);
    let offer = Offer::new(&wish);
    let accepted = wish.accept([offer.to_header().as_bytes()].into_iter()).unwrap().unwrap();
    let answer = accepted.to_header();
    let checked = offer.check([answer.as_bytes()].into_iter()).unwrap().unwrap();
    let (server, client) = pair(&Options::default().send_budget(400), 64);
    let (server, mut client) =
        (server.with_deflate(Some(accepted)), client.with_deflate(Some(checked)));
    // It shrinks little, and is new each time, so that it is far more than the pipe takes.
    let payload = |n: u64| -> Vec<u8> {
        let mut state = n;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_be_bytes()[0]
        };
        (0..12_600).map(|_| next()).collect()
    };
    let sending = tokio::spawn(async move {
        let mut dropped = 0;
        for n in 0..60 {
            let mut message = server.message_writer(rialto_ws::Kind::Binary).await.unwrap();
            for half in payload(n).chunks(4200) {
                while poll_once(message.write(half.to_vec())).await.map(Result::unwrap).is_none() {
                    dropped += 1;
                    tokio::task::yield_now().await;
                }
            }
            message.finish().await.unwrap();
            let plain = server.sender().uncompressed();
            until_ready(|| plain.send(n.to_string())).await.unwrap();
        }
        (server, dropped)
    });
    for n in 0..60 {
        let mut read = Vec::new();
        let message = timeout(PATIENCE, client.recv_stream()).await.unwrap();
        let mut message = message.unwrap().unwrap();
        loop {
            match poll_once(message.chunk()).await {
                Some(Ok(Some(chunk))) => read.extend_from_slice(&chunk),
                Some(end) => break assert_eq!(end.unwrap(), None),
                None => tokio::task::yield_now().await,
            }
        }
        assert!(read == payload(n), "message {n}");
        let after = timeout(PATIENCE, client.recv()).await.unwrap().unwrap();
        assert_eq!(after, Some(Message::from(n.to_string())));
    }
    let (_server, dropped) = timeout(PATIENCE, sending).await.unwrap().unwrap();
    assert!(dropped > 20, "{dropped} calls were dropped: too few to show anything");
}
