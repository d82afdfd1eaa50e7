//! permessage-deflate between two ends, and against bytes made by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto_ws::proto::{Header, OpCode, RSV1, apply_mask};
use rialto_ws::{CloseCode, Connect, Deflate, Kind, Message, Options, Prepared, WebSocket};
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

/// What a socket's peer has read, message by message.
async fn all(socket: &mut WebSocket, count: usize) -> Vec<Message> {
    let mut messages = Vec::new();
    for _ in 0..count {
        messages.push(next(socket).await);
    }
    messages
}

/// Bytes that do not repeat within any window, and shrink a little.
fn digits(size: usize) -> Vec<u8> {
    let mut state = 1u64;
    let mut digit = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        b'0' + u8::try_from((state >> 33) % 10).unwrap()
    };
    (0..size).map(|_| digit()).collect()
}

#[tokio::test]
async fn messages_in_fragments_are_compressed_whatever_is_sent_between() {
    let kept = Deflate::default().context_takeover().max_contexts(1 << 20);
    for wish in [Deflate::default(), kept, Deflate::default().server_max_window_bits(9)] {
        let (server, mut client) = pair(on(wish), on(wish), 1 << 20).await;
        let sender = server.sender();
        for round in 0..3 {
            let before = client.received();
            let mut message = server.message_writer(Kind::Text).await.unwrap();
            sender.send(long_text()).await.unwrap();
            for _ in 0..10 {
                message.write(long_text()).await.unwrap();
                message.write("and ").await.unwrap();
                sender.ping(b"between").unwrap();
                sender.try_send_prepared(&Prepared::new(long_text())).unwrap();
            }
            message.flush().await.unwrap();
            sender.uncompressed().try_send("plain").unwrap();
            message.finish().await.unwrap();
            sender.send(long_text()).await.unwrap();
            let mut expected = vec![Message::from((long_text() + "and ").repeat(10))];
            expected.extend(vec![Message::from(long_text()); 11]);
            expected.extend([Message::from("plain"), Message::from(long_text())]);
            assert!(all(&mut client, expected.len()).await == expected, "round {round}");
            let came = client.received() - before;
            assert!(came < 30_000, "{came} bytes for {} characters", 22 * long_text().len());
        }
        assert_eq!(server.buffered(), 0);
    }
}

#[tokio::test]
async fn fragments_have_their_bit_and_pieces_come_before_the_end() {
    let (mut server, mut far) = raw(on(Deflate::default())).await;
    let mut message = server.message_writer(Kind::Text).await.unwrap();
    message.write("Hello").await.unwrap();
    message.flush().await.unwrap();
    message.write("Hello").await.unwrap();
    message.finish().await.unwrap();
    let mut bytes = vec![0; 1024];
    let read = far.read(&mut bytes).await.unwrap();
    let (first, size) = Header::parse(&bytes[..read]).unwrap().unwrap();
    assert_eq!((first.fin, first.rsv, first.opcode), (false, RSV1, OpCode::Text));
    let at = size + usize::try_from(first.length).unwrap();
    let (second, _) = Header::parse(&bytes[at..read]).unwrap().unwrap();
    assert_eq!((second.fin, second.rsv, second.opcode), (true, 0, OpCode::Continuation));
    // What leaves with a flush can be read at once: it ends as a flushed stream does.
    assert_eq!(bytes[at - 4..at], [0, 0, 0xFF, 0xFF]);

    // Below the threshold, a message of one fragment stays as it is, and so does one without.
    for plain in [false, true] {
        let sender = server.sender();
        let mut message = if plain {
            sender.uncompressed().message_writer(Kind::Binary).await.unwrap()
        } else {
            sender.message_writer(Kind::Binary).await.unwrap()
        };
        message.write(vec![0; if plain { 5000 } else { 1000 }]).await.unwrap();
        message.finish().await.unwrap();
        let mut bytes = vec![0; 8192];
        let read = far.read(&mut bytes).await.unwrap();
        let (header, _) = Header::parse(&bytes[..read]).unwrap().unwrap();
        assert_eq!((header.fin, header.rsv), (!plain, 0));
    }

    far.write_all(&frame(false, RSV1, OpCode::Text, &HELLO[..6])).await.unwrap();
    let mut message = server.recv_stream().await.unwrap().unwrap();
    assert_eq!(message.chunk().await.unwrap().unwrap(), "Hello");
    far.write_all(&frame(true, 0, OpCode::Continuation, &HELLO[6..])).await.unwrap();
    assert_eq!(message.chunk().await.unwrap(), None);
}

#[tokio::test]
async fn a_compressed_message_far_over_the_limit_passes_in_pieces() {
    let kept = Deflate::default().context_takeover().max_contexts(1 << 20);
    for wish in [Deflate::default(), kept] {
        let small = on(wish).max_message(100_000);
        let (server, mut client) = pair(small.clone(), small, 1 << 14).await;
        let payload = digits(3_000_000);
        let sent = payload.clone();
        let sending = tokio::spawn(async move {
            for _ in 0..2 {
                let mut message = server.message_writer(Kind::Binary).await.unwrap();
                tokio::io::copy(&mut &sent[..], &mut message).await.unwrap();
                message.finish().await.unwrap();
                server.send(long_text()).await.unwrap();
            }
            server
        });
        let mut read = Vec::new();
        let message = client.recv_stream().await.unwrap().unwrap();
        timeout(PATIENCE, message.limit(3_000_000).read_to_end(&mut read)).await.unwrap().unwrap();
        assert!(read == payload);
        assert!(client.received() < 2_500_000, "{} bytes", client.received());
        assert_eq!(next(&mut client).await, Message::from(long_text()));
        // The next is given up after a part; what follows it is read as if nothing had been.
        let message = client.recv_stream().await.unwrap().unwrap();
        let mut message = message.limit(3_000_000);
        assert!(!message.chunk().await.unwrap().unwrap().is_empty());
        assert_eq!(next(&mut client).await, Message::from(long_text()));
        drop(sending.await.unwrap());
    }
}

#[tokio::test]
async fn a_message_in_pieces_that_is_cut_or_damaged_closes_with_its_code() {
    let cases: [(&[u8], u64, CloseCode); 4] = [
        (&HELLO[..3], 100, CloseCode::INVALID_PAYLOAD),
        (&[0xFF; 20], 100, CloseCode::INVALID_PAYLOAD),
        (&[0x00, 0x01, 0x00, 0xFE, 0xFF, 0xFF, 0x00], 100, CloseCode::INVALID_PAYLOAD),
        (&HELLO, 4, CloseCode::TOO_LARGE),
    ];
    for (payload, limit, code) in cases {
        let (mut socket, mut far) = raw(on(Deflate::default())).await;
        let mut bytes = frame(false, RSV1, OpCode::Text, &payload[..1]);
        bytes.extend(frame(true, 0, OpCode::Continuation, &payload[1..]));
        far.write_all(&bytes).await.unwrap();
        let message = socket.recv_stream().await.unwrap().unwrap();
        let mut message = message.limit(limit);
        let error = loop {
            match timeout(PATIENCE, message.chunk()).await.unwrap() {
                Ok(chunk) => assert!(chunk.is_some(), "the message does not end well"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.close_code(), code, "{error}");
        let mut answer = Vec::new();
        timeout(PATIENCE, far.read_to_end(&mut answer)).await.unwrap().unwrap();
        assert_eq!(answer[2..4], u16::from(code).to_be_bytes());
    }
}

#[tokio::test]
async fn what_waits_behind_fragments_keeps_to_the_budget_and_goes_with_them() {
    let kept = Deflate::default().context_takeover().max_contexts(1 << 20);
    let options = on(kept).send_budget(30_000);
    let (server, mut client) = pair(options, on(kept), 1 << 20).await;
    let mut message = server.message_writer(Kind::Binary).await.unwrap();
    message.write(digits(5000)).await.unwrap();
    let mut taken = 0;
    while server.try_send(long_text()).is_ok() {
        taken += 1;
    }
    assert_eq!(taken, 3);
    assert!(server.buffered() > 30_000);
    message.finish().await.unwrap();
    assert_eq!(next(&mut client).await.as_bytes(), digits(5000));
    assert_eq!(all(&mut client, taken).await, vec![Message::from(long_text()); taken]);

    // Given up before its first fragment, it leaves no trace; later, it takes them along.
    let message = server.message_writer(Kind::Binary).await.unwrap();
    server.send(long_text()).await.unwrap();
    drop(message);
    assert_eq!(next(&mut client).await, Message::from(long_text()));
    let mut message = server.message_writer(Kind::Binary).await.unwrap();
    message.write(digits(5000)).await.unwrap();
    server.send(long_text()).await.unwrap();
    drop(message);
    assert_eq!(server.buffered(), 0);
    assert_eq!(client.recv().await.unwrap(), None);
    assert_eq!(client.close_frame().unwrap().code, CloseCode::INTERNAL);
}
