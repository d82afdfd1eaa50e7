//! Group 5: fragments, and control frames between them.

use super::{Case, all, frame};
use rialto_ws::proto::OpCode::{self, Binary, Continuation, Ping, Pong, Text};

const ONE: &[u8] = b"fragment1";
const TWO: &[u8] = b"fragment2";

fn both() -> Vec<u8> {
    [ONE, TWO].concat()
}

#[tokio::test]
async fn control_frames_cannot_be_fragmented() {
    // 5.1 and 5.2
    all([Ping, Pong, OpCode::Close].map(|opcode| {
        let frames = vec![frame(opcode, ONE).more(), frame(Continuation, TWO)];
        Case::failed(format!("{opcode:?}"), frames, 1002)
    }))
    .await;
}

#[tokio::test]
async fn fragments_make_one_message() {
    // 5.3 to 5.5
    all([Text, Binary].into_iter().flat_map(|opcode| {
        let empty = |name| {
            let mut frames = vec![frame(opcode, "").more(); 1];
            frames.extend(vec![frame(Continuation, "").more(); 3]);
            frames.push(frame(Continuation, ""));
            Case::clean(name, frames, vec![(opcode, vec![])])
        };
        let two = vec![frame(opcode, ONE).more(), frame(Continuation, TWO)];
        let gaps = vec![
            frame(opcode, "").more(),
            frame(Continuation, ONE).more(),
            frame(Continuation, "").more(),
            frame(Continuation, TWO).more(),
            frame(Continuation, ""),
        ];
        [
            Case::clean(format!("{opcode:?} in two"), two, vec![(opcode, both())]),
            Case::clean(format!("{opcode:?} with empty ones"), gaps, vec![(opcode, both())]),
            empty(format!("{opcode:?} of nothing")),
        ]
    }))
    .await;
}

#[tokio::test]
async fn control_frames_between_fragments_are_obeyed_at_once() {
    // 5.6 to 5.8
    let ping = || frame(Ping, "ping payload");
    let pong = (Pong, b"ping payload".to_vec());
    all([
        Case::clean(
            "a ping between two",
            vec![frame(Text, ONE).more(), ping(), frame(Continuation, TWO)],
            vec![pong.clone(), (Text, both())],
        ),
        Case::clean(
            "a pong between two",
            vec![frame(Text, ONE).more(), frame(Pong, "unasked"), frame(Continuation, TWO)],
            vec![(Text, both())],
        ),
        // 5.19 and 5.20
        Case::clean(
            "pings between five",
            vec![
                frame(Text, "1").more(),
                frame(Continuation, "2").more(),
                ping(),
                frame(Continuation, "3").more(),
                frame(Continuation, "4").more(),
                ping(),
                frame(Continuation, "5"),
            ],
            vec![pong.clone(), pong, (Text, b"12345".to_vec())],
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_continuation_of_nothing_is_1002() {
    // 5.9 to 5.14
    let nothing = |name: &str, first: super::Frame| {
        Case::failed(name, vec![first, frame(Text, "Hello")], 1002)
    };
    all([
        nothing("a last one", frame(Continuation, "non-continuation payload")),
        nothing("one of more", frame(Continuation, "non-continuation payload").more()),
        nothing("an empty one", frame(Continuation, "")),
    ])
    .await;
    // 5.15: behind a message that is complete.
    let frames = vec![
        frame(Text, ONE).more(),
        frame(Continuation, TWO),
        frame(Continuation, "fragment3").more(),
        frame(Text, "fragment4"),
    ];
    all([Case::failed("behind a message", frames, 1002).after(vec![(Text, both())])]).await;
    // 5.16 and 5.17: before one.
    let again = |first: super::Frame| {
        vec![first, frame(Text, ONE).more(), frame(Continuation, TWO), frame(Text, ONE)]
    };
    all([
        Case::failed("before a message", again(frame(Continuation, "x").more()), 1002),
        Case::failed("a last one before a message", again(frame(Continuation, "x")), 1002),
    ])
    .await;
}

#[tokio::test]
async fn a_new_message_inside_another_is_1002() {
    // 5.18
    let pairs = [(Text, Text), (Text, Binary), (Binary, Text), (Binary, Binary)];
    all(pairs.into_iter().flat_map(|(outer, inner)| {
        let name = format!("{inner:?} in {outer:?}");
        let whole = vec![frame(outer, ONE).more(), frame(inner, TWO)];
        let begun = vec![frame(outer, ONE).more(), frame(inner, TWO).more()];
        [Case::failed(name.clone(), whole, 1002), Case::failed(name, begun, 1002)]
    }))
    .await;
}
