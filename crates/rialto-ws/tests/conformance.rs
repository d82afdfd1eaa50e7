//! RFC 6455 clause by clause: what a server answers to each kind of input.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto_ws::proto::OpCode::{self, Binary, Close, Continuation, Ping, Pong, Text};
use rialto_ws::{Limits, Options, Role, WebSocket};
use support::{Peer, frame, open, server};

/// Serves echo until the connection ends, with whatever outcome.
fn echo(mut socket: WebSocket) {
    tokio::spawn(async move {
        while let Ok(Some(message)) = socket.recv().await {
            if socket.send(message).await.is_err() {
                return;
            }
        }
    });
}

fn echo_server() -> Peer {
    let (socket, peer) = server(&Options::default(), 1 << 22);
    echo(socket);
    peer
}

/// What comes back for the frames: the messages, then how it ended.
async fn exchange(frames: &[(bool, OpCode, &[u8])]) -> (Vec<(OpCode, Vec<u8>)>, Option<u16>) {
    let mut peer = echo_server();
    for (fin, opcode, payload) in frames {
        peer.send(*fin, *opcode, payload).await;
    }
    peer.send(true, Close, &1000u16.to_be_bytes()).await;
    let mut back = Vec::new();
    while let Some((opcode, payload)) = peer.read().await {
        if opcode == Close {
            assert!(peer.read().await.is_none(), "nothing follows a Close frame");
            return (back, payload.first_chunk().map(|code| u16::from_be_bytes(*code)));
        }
        back.push((opcode, payload));
    }
    panic!("the stream ended without a Close frame");
}

async fn refused(frames: &[(bool, OpCode, &[u8])]) -> u16 {
    exchange(frames).await.1.expect("a code")
}

#[tokio::test]
async fn messages_of_every_length_form_come_back() {
    for len in [0, 1, 125, 126, 127, 128, 65_535, 65_536, 70_000, 1 << 20] {
        let payload = vec![b'*'; len];
        for opcode in [Text, Binary] {
            let (back, code) = exchange(&[(true, opcode, &payload)]).await;
            assert_eq!(code, Some(1000));
            assert!(back == [(opcode, payload.clone())], "length {len}");
        }
    }
}

#[tokio::test]
async fn pings_are_answered_in_order_and_between_fragments() {
    let frames: Vec<_> = (0..10u8).map(|n| vec![n; 3]).collect();
    let pings: Vec<_> = frames.iter().map(|payload| (true, Ping, &payload[..])).collect();
    let (back, _) = exchange(&pings).await;
    assert_eq!(back, frames.iter().map(|p| (Pong, p.clone())).collect::<Vec<_>>());

    let (back, code) = exchange(&[
        (false, Text, b"frag"),
        (true, Ping, b"ping"),
        (false, Continuation, b"men"),
        (true, Continuation, b"t"),
    ])
    .await;
    assert_eq!(back, [(Pong, b"ping".to_vec()), (Text, b"fragment".to_vec())]);
    assert_eq!(code, Some(1000));
}

#[tokio::test]
async fn unasked_pongs_are_ignored() {
    let (back, code) = exchange(&[(true, Pong, b"x"), (true, Text, b"a")]).await;
    assert_eq!((back, code), (vec![(Text, b"a".to_vec())], Some(1000)));
}

#[tokio::test]
async fn broken_fragmentation_is_1002() {
    assert_eq!(refused(&[(true, Continuation, b"x")]).await, 1002);
    assert_eq!(refused(&[(false, Continuation, b"x")]).await, 1002);
    assert_eq!(refused(&[(false, Text, b"a"), (true, Text, b"b")]).await, 1002);
    assert_eq!(refused(&[(false, Binary, b"a"), (false, Binary, b"b")]).await, 1002);
    assert_eq!(refused(&[(false, Ping, b"a")]).await, 1002);
    assert_eq!(refused(&[(true, Ping, &[0; 126])]).await, 1002);
}

#[tokio::test]
async fn reserved_bits_and_opcodes_are_1002() {
    for first in [0x83, 0x84, 0x87, 0x8B, 0x8F, 0xC1, 0xA1, 0x91, 0xF2] {
        let mut peer = echo_server();
        peer.send_raw(&[first, 0x80, 0, 0, 0, 0]).await;
        assert_eq!(peer.closed_with().await, 1002, "{first:#x}");
    }
}

#[tokio::test]
async fn masking_is_as_the_role_demands() {
    let mut peer = echo_server();
    peer.send_raw(&frame(Role::Server, true, Text, b"not masked")).await;
    assert_eq!(peer.closed_with().await, 1002);

    let (socket, mut peer) = open(Role::Client, &Options::default(), 1 << 16);
    echo(socket);
    peer.send_raw(&frame(Role::Client, true, Text, b"masked")).await;
    assert_eq!(peer.closed_with().await, 1002);
}

#[tokio::test]
async fn text_that_is_not_utf8_is_1007_at_once() {
    assert_eq!(refused(&[(true, Text, b"\xff")]).await, 1007);
    assert_eq!(refused(&[(false, Text, b"\xce"), (true, Continuation, b"(")]).await, 1007);
    assert_eq!(refused(&[(true, Text, b"cut \xf0\x9f")]).await, 1007);
    // Inside a frame of which most is still to come.
    let mut peer = echo_server();
    let whole =
        frame(Role::Client, true, Text, &[b"ok \xed\xa0\x80".as_slice(), &[b'x'; 9000]].concat());
    peer.send_raw(&whole[..20]).await;
    assert_eq!(peer.closed_with().await, 1007);
}

#[tokio::test]
async fn close_frames_are_echoed_and_bad_ones_refused() {
    for (payload, code) in [
        (&b""[..], None),
        (b"\x03\xe8", Some(1000)),
        (b"\x03\xe8bye", Some(1000)),
        (b"\x0f\xa0", Some(4000)),
        (b"\x03", Some(1002)),
        (b"\x03\xed", Some(1002)),
        (b"\x03\xe8\xff", Some(1007)),
    ] {
        let mut peer = echo_server();
        peer.send(true, Close, payload).await;
        let (opcode, answer) = peer.read().await.unwrap();
        assert_eq!(opcode, Close);
        let answered = answer.first_chunk().map(|code| u16::from_be_bytes(*code));
        assert_eq!(answered, code, "{payload:?}");
        assert!(peer.read().await.is_none(), "the server ends the stream");
    }
}

#[tokio::test]
async fn what_follows_a_close_frame_is_ignored() {
    let (back, code) = exchange(&[(true, Close, b"\x03\xe9"), (true, Text, b"late")]).await;
    assert_eq!((back, code), (vec![], Some(1001)));
}

#[tokio::test]
async fn a_violation_comes_after_the_messages_before_it_and_their_replies() {
    let mut peer = echo_server();
    let mut bytes = frame(Role::Client, true, Text, b"one");
    bytes.extend(frame(Role::Client, true, Text, b"two"));
    bytes.extend([0xFF, 0xFF]);
    peer.send_raw(&bytes).await;
    assert_eq!(peer.read().await, Some((Text, b"one".to_vec())));
    assert_eq!(peer.read().await, Some((Text, b"two".to_vec())));
    assert_eq!(peer.closed_with().await, 1002);
}

#[tokio::test]
async fn limits_hold_at_the_limit_and_refuse_one_more() {
    let limits = Limits::default().max_message(100).max_small_fragments(5);
    let options = Options::default().limits(limits);
    let answer = async |frames: Vec<(bool, OpCode, Vec<u8>)>| {
        let (socket, mut peer) = server(&options, 1 << 16);
        echo(socket);
        for (fin, opcode, payload) in &frames {
            peer.send(*fin, *opcode, payload).await;
        }
        let (opcode, payload) = peer.read().await.unwrap();
        if opcode == Close {
            Err(u16::from_be_bytes([payload[0], payload[1]]))
        } else {
            Ok(payload.len())
        }
    };
    assert_eq!(answer(vec![(true, Binary, vec![0; 100])]).await, Ok(100));
    assert_eq!(answer(vec![(true, Binary, vec![0; 101])]).await, Err(1009));
    let halves = |rest| vec![(false, Binary, vec![0; 50]), (true, Continuation, vec![0; rest])];
    assert_eq!(answer(halves(50)).await, Ok(100));
    assert_eq!(answer(halves(51)).await, Err(1009));
    let fragments = |count| {
        let mut frames = vec![(false, Binary, Vec::new())];
        frames.extend(vec![(false, Continuation, Vec::new()); count]);
        frames.push((true, Continuation, vec![0; 40]));
        frames
    };
    assert_eq!(answer(fragments(5)).await, Ok(40));
    assert_eq!(answer(fragments(6)).await, Err(1008));
}

#[tokio::test]
async fn an_announced_length_is_refused_before_its_payload() {
    let mut peer = echo_server();
    peer.send_raw(&[0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]).await;
    assert_eq!(peer.closed_with().await, 1009);
}
