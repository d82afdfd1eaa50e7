//! Group 7: the closing handshake.

use super::{Case, End, all, frame};
use rialto_ws::proto::OpCode::{Binary, Close, Continuation, Ping, Text};

fn close(code: u16, reason: impl AsRef<[u8]>) -> super::Frame {
    frame(Close, [&code.to_be_bytes(), reason.as_ref()].concat())
}

/// A Close frame that is answered, whatever follows it.
fn answered(name: &str, sent: Vec<super::Frame>, code: Option<u16>) -> Case {
    Case { name: name.to_owned(), sent, back: Vec::new(), end: End::Answered(code) }
}

#[tokio::test]
async fn what_follows_a_close_frame_is_ignored() {
    // 7.1.1 to 7.1.6
    let big = vec![b'*'; 256 << 10];
    all([
        Case::clean("a message", vec![frame(Text, "Hello")], vec![(Text, b"Hello".to_vec())]),
        answered("two Close frames", vec![close(1000, ""), close(1001, "")], Some(1000)),
        answered("a ping", vec![close(1000, ""), frame(Ping, "late")], Some(1000)),
        answered("a message", vec![close(1000, ""), frame(Text, "late")], Some(1000)),
        answered(
            "the rest of a message",
            vec![frame(Text, "frag").more(), close(1000, ""), frame(Continuation, "ment")],
            Some(1000),
        ),
        answered("a violation", vec![close(1000, ""), super::bits(0xFF, "nonsense")], Some(1000)),
        answered(
            "much, behind much",
            vec![frame(Binary, &big), close(1000, ""), frame(Ping, ""), frame(Text, &big)],
            Some(1000),
        )
        .after(vec![(Binary, big)]),
    ])
    .await;
}

#[tokio::test]
async fn payloads_of_every_length() {
    // 7.3.1 to 7.3.6
    all([
        answered("nothing", vec![frame(Close, "")], None),
        Case::failed("one byte", vec![frame(Close, [0x03])], 1002),
        answered("a code", vec![close(1000, "")], Some(1000)),
        answered("a reason", vec![close(1000, "Hello World!")], Some(1000)),
        answered("the longest reason", vec![close(1000, [b'*'; 123])], Some(1000)),
        Case::failed("a longer one", vec![close(1000, [b'*'; 124])], 1002),
    ])
    .await;
}

#[tokio::test]
async fn a_reason_that_is_not_utf8_is_1007() {
    // 7.5.1, and one that is cut
    let wrong: [&[u8]; 4] =
        [b"\xCE\xBA\xED\xA0\x80edited", b"\xFF", b"cut \xF0\x9F\xA6", b"\xC0\xAF"];
    all(wrong
        .into_iter()
        .map(|reason| Case::failed(format!("{reason:?}"), vec![close(1000, reason)], 1007)))
    .await;
}

#[tokio::test]
async fn codes_that_may_be_sent_are_returned() {
    // 7.7.1 to 7.7.13, and those that were registered later
    let codes = [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000,
        4999,
    ];
    all(codes.into_iter().flat_map(|code| {
        ["", "reason"]
            .map(|reason| answered(&code.to_string(), vec![close(code, reason)], Some(code)))
    }))
    .await;
}

#[tokio::test]
async fn codes_that_may_not_be_sent_are_1002() {
    // 7.9.1 to 7.13.2; the informational ones of the suite are decided here
    let codes =
        [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 10_000, 0x7FFF, 0xFFFF];
    all(codes.into_iter().flat_map(|code| {
        ["", "reason"]
            .map(|reason| Case::failed(format!("{code} {reason}"), vec![close(code, reason)], 1002))
    }))
    .await;
}

#[tokio::test]
async fn the_reason_comes_back_with_the_code() {
    for role in [rialto_ws::Role::Server, rialto_ws::Role::Client] {
        let mut peer = super::echo(role);
        let sent = close(4000, "Auf Wiedersehen, 日本");
        peer.send_raw(&sent.wire(role)).await;
        assert_eq!(peer.read().await, Some((Close, sent.payload)));
    }
}

#[tokio::test]
async fn a_violation_comes_after_the_messages_before_it_and_their_replies() {
    let sent = vec![frame(Text, "one"), frame(Text, "two"), super::bits(0xFF, "")];
    let back = vec![(Text, b"one".to_vec()), (Text, b"two".to_vec())];
    all([Case::failed("a violation behind two", sent, 1002).after(back)]).await;
}
