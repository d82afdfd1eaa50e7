//! permessage-deflate between two ends, and against bytes made by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto_ws::proto::{Header, OpCode, RSV1, apply_mask};
use rialto_ws::{CloseCode, Connect, Deflate, Message, Options, Prepared, WebSocket};
use support::{PATIENCE, server};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::timeout;

/// Both ends over a pipe that holds `capacity` bytes.
async fn pair(server: Options, client: Options, capacity: usize) -> (WebSocket, WebSocket) {
    let (near, far) = duplex(capacity);
    let connect = Connect::new("ws://test/").options(client).over(far);
    let (accepted, connected) = tokio::join!(rialto_ws::accept_with(near, &server), connect);
    (accepted.unwrap(), connected.unwrap())
}

fn on(deflate: Deflate) -> Options {
    Options::default().deflate(deflate)
}

fn long_text() -> String {
    "What news on the Rialto? ".repeat(400)
}

async fn next(socket: &mut WebSocket) -> Message {
    timeout(PATIENCE, socket.recv()).await.unwrap().unwrap().unwrap()
}

#[tokio::test]
async fn messages_of_both_kinds_and_ways_come_whole_and_cost_less() {
    for wish in [Deflate::default(), Deflate::default().context_takeover()] {
        let (server, mut client) = pair(on(wish), Options::default(), 1 << 20).await;
        let (sender, mut receiver) = server.split();
        for round in 0..3 {
            sender.send(long_text()).await.unwrap();
            assert_eq!(next(&mut client).await, Message::from(long_text()), "round {round}");
            assert!(client.received() < 1000 * (round + 1), "{} bytes", client.received());
            client.send(long_text().into_bytes()).await.unwrap();
            let back = timeout(PATIENCE, receiver.recv()).await.unwrap().unwrap().unwrap();
            assert_eq!(back, Message::from(long_text().into_bytes()));
        }
    }
}

#[tokio::test]
async fn a_server_does_not_compress_unless_it_is_told_to_and_a_client_offers() {
    let off = || Options::default().no_compression();
    let mut sent = Vec::new();
    for (ours, theirs) in [
        (Options::default(), Options::default()),
        (on(Deflate::default()), off()),
        (on(Deflate::default()), Options::default()),
    ] {
        let (server, mut client) = pair(ours, theirs, 1 << 20).await;
        server.send(long_text()).await.unwrap();
        next(&mut client).await;
        sent.push(client.received());
    }
    assert_eq!(sent[0], long_text().len() as u64 + 4);
    assert_eq!(sent[1], sent[0]);
    assert!(sent[2] * 10 < sent[0], "{sent:?}");
}

#[tokio::test]
async fn below_the_threshold_or_when_switched_off_messages_stay_as_they_are() {
    let (server, mut client) = pair(on(Deflate::default()), Options::default(), 1 << 20).await;
    let plain = server.sender().uncompressed();
    let just_below = "a".repeat(1023);
    server.send(just_below).await.unwrap();
    plain.send("b".repeat(1024)).await.unwrap();
    plain.try_send("c".repeat(1024)).unwrap();
    server.sender().try_send_prepared(&Prepared::new("d".repeat(1024)).compress(false)).unwrap();
    let mut expected = 0;
    for size in [1023, 1024, 1024, 1024] {
        assert_eq!(next(&mut client).await.len(), size);
        expected += size as u64 + 4;
    }
    assert_eq!(client.received(), expected);
    server.send("e".repeat(1024)).await.unwrap();
    assert_eq!(next(&mut client).await, Message::from("e".repeat(1024)));
    assert!(client.received() < expected + 50);
}

#[tokio::test]
async fn one_prepared_message_suits_connections_that_agreed_differently() {
    let news = Prepared::new(long_text());
    let off = Options::default().no_compression();
    for (ours, theirs) in [
        (on(Deflate::default()), Options::default()),
        (on(Deflate::default().level(9)), Options::default()),
        (on(Deflate::default().server_max_window_bits(8)), Options::default()),
        (on(Deflate::default().context_takeover()), on(Deflate::default().context_takeover())),
        (on(Deflate::default()), off),
    ] {
        let (server, mut client) = pair(ours, theirs, 1 << 20).await;
        for _ in 0..3 {
            server.sender().try_send_prepared(&news).unwrap();
            assert_eq!(next(&mut client).await, Message::from(long_text()));
        }
    }
}

/// A server that has agreed on compression, and the bare stream of its client.
async fn raw(options: Options) -> (WebSocket, DuplexStream) {
    let (near, mut far) = duplex(1 << 20);
    let request = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    far.write_all(request.as_bytes()).await.unwrap();
    let socket = rialto_ws::accept_with(near, &options).await.unwrap();
    let mut head = vec![0; 1024];
    let read = far.read(&mut head).await.unwrap();
    let head = String::from_utf8(head[..read].to_vec()).unwrap();
    assert!(head.contains("Sec-WebSocket-Extensions: permessage-deflate;"), "{head}");
    (socket, far)
}

fn frame(fin: bool, rsv: u8, opcode: OpCode, payload: &[u8]) -> Vec<u8> {
    let key = [1, 2, 3, 4];
    let mut bytes = [0; Header::MAX];
    let header = Header { fin, rsv, opcode, mask: Some(key), length: payload.len() as u64 };
    let size = header.write(&mut bytes);
    let mut out = bytes[..size].to_vec();
    out.extend_from_slice(payload);
    apply_mask(&mut out[size..], key, 0);
    out
}

/// "Hello" as RFC 7692 §7.2.3.1 compresses it.
const HELLO: [u8; 7] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];

#[tokio::test]
async fn fragments_are_one_stream_however_they_are_cut() {
    for cut in 0..=HELLO.len() {
        for pieces in [1, 3, 100] {
            let (mut socket, mut far) = raw(on(Deflate::default())).await;
            let mut bytes = frame(false, RSV1, OpCode::Text, &HELLO[..cut]);
            bytes.extend(frame(true, 0, OpCode::Ping, b"between"));
            bytes.extend(frame(true, 0, OpCode::Continuation, &HELLO[cut..]));
            bytes.extend(frame(true, 0, OpCode::Text, b"plain"));
            let sending = async {
                for piece in bytes.chunks(pieces) {
                    far.write_all(piece).await.unwrap();
                    tokio::task::yield_now().await;
                }
            };
            let receiving = async { [next(&mut socket).await, next(&mut socket).await] };
            let (messages, ()) = tokio::join!(receiving, sending);
            assert_eq!(messages, [Message::from("Hello"), Message::from("plain")], "cut {cut}");
        }
    }
}

#[tokio::test]
async fn each_breach_has_its_code() {
    let bomb: Vec<u8> = {
        let wish = Deflate::default();
        let agreed = wish.accept([&b"permessage-deflate"[..]].into_iter()).unwrap().unwrap();
        let (mut compressor, _) = agreed.codec(rialto_ws::Role::Server);
        compressor.compress(&vec![0; 1 << 20], <[u8]>::to_vec).unwrap()
    };
    let not_text = [0x00, 0x01, 0x00, 0xFE, 0xFF, 0xFF, 0x00];
    let cases = [
        (frame(true, RSV1, OpCode::Text, &[0xFF; 20]), CloseCode::INVALID_PAYLOAD),
        (frame(true, RSV1, OpCode::Text, &HELLO[..3]), CloseCode::INVALID_PAYLOAD),
        (frame(true, RSV1, OpCode::Text, &not_text), CloseCode::INVALID_PAYLOAD),
        (frame(true, RSV1, OpCode::Binary, &bomb), CloseCode::TOO_LARGE),
        (frame(true, RSV1, OpCode::Ping, b""), CloseCode::PROTOCOL),
        (frame(true, RSV1 | 2, OpCode::Text, &HELLO), CloseCode::PROTOCOL),
        (
            [
                frame(false, RSV1, OpCode::Text, &HELLO[..3]),
                frame(true, RSV1, OpCode::Continuation, &HELLO[3..]),
            ]
            .concat(),
            CloseCode::PROTOCOL,
        ),
    ];
    for (bytes, code) in cases {
        let limit = on(Deflate::default()).max_message((1 << 20) - 1);
        let (mut socket, mut far) = raw(limit).await;
        far.write_all(&bytes).await.unwrap();
        let error = timeout(PATIENCE, socket.recv()).await.unwrap().unwrap_err();
        assert_eq!(error.close_code(), code, "{error}");
        let mut answer = Vec::new();
        timeout(PATIENCE, far.read_to_end(&mut answer)).await.unwrap().unwrap();
        assert_eq!(answer[0], 0x88, "a Close frame");
        assert_eq!(answer[2..4], u16::from(code).to_be_bytes());
    }
}

#[tokio::test]
async fn without_agreement_a_reserved_bit_is_a_breach() {
    let (mut socket, mut peer) = server(&Options::default(), 1 << 16);
    peer.send_raw(&frame(true, RSV1, OpCode::Text, &HELLO)).await;
    let error = timeout(PATIENCE, socket.recv()).await.unwrap().unwrap_err();
    assert_eq!(error.close_code(), CloseCode::PROTOCOL);
}
